// What it takes on this machine to have anything on the disk: no log that syncs can be faster.
import { rounds } from "../rounds.mjs";
import { runLibrary } from "./engine.mjs";

const subject = { name: "sync", library: "disk", title: "write and sync", note: "300 bytes at two places of a file that is as long as it will be", limit: true };
const PAUSES = [["every 20 ms", 0], ["every millisecond", 1], ["one after the other", 2]];

export const sync = {
  name: "sync",
  title: "a few bytes written and synced, without a log or a server",
  measure: () => rounds({
    subjects: [subject],
    rounds: 3,
    figures: PAUSES.flatMap(([words, at]) => [
      { id: `${at}-p50`, title: `${words}: until it is on the disk, p50`, unit: "ms", better: "less", digits: 2, value: ({ rates }) => rates[at].p50 },
      { id: `${at}-p99`, title: `${words}: until it is on the disk, p99`, unit: "ms", better: "less", digits: 2, value: ({ rates }) => rates[at].p99 },
      { id: `${at}-cpu`, title: `${words}: processor time of one, without that of waking up`, unit: "µs", better: "less", digits: 0, value: ({ rates }) => rates[at].cpuUs },
    ]),
    measure: () => runLibrary(subject, { kind: "sync" }),
  }),
};
