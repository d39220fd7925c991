// Every part, in the order of a whole run.
import { age } from "./age.mjs";
import { idle } from "./idle.mjs";
import { algebra, merge, traces } from "./engine.mjs";
import { connections } from "./connections.mjs";
import { cost } from "./cost.mjs";
import { history } from "./history.mjs";
import { keystrokes } from "./keystrokes.mjs";
import { rooms } from "./rooms.mjs";
import { servers } from "./servers.mjs";
import { size } from "./size.mjs";
import { stored } from "./stored.mjs";
import { storm } from "./storm.mjs";
import { carets, documents, hot, latency, thousand } from "./typing.mjs";
import { sync } from "./sync.mjs";
import { throughput } from "./throughput.mjs";
import { wire } from "./wire.mjs";

export const parts = [latency, documents, hot, carets, thousand, throughput, sync, stored, wire, size, keystrokes, idle, connections, rooms, history, storm, servers, traces, merge, age, algebra, cost];
