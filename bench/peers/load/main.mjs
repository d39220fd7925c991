// A program that puts one server under one load: `node main.mjs '{"kind": …}'`. Prints what it measured as JSON.
import { history, reopened } from "./history.mjs";
import { idle } from "./idle.mjs";
import { opens } from "./opens.mjs";
import { saturation } from "./saturation.mjs";
import { storm } from "./storm.mjs";
import { typing } from "./typing.mjs";
import { wire } from "./wire.mjs";

const scenario = JSON.parse(process.argv[2]);
const kinds = { history, idle, opens, reopened, saturation, storm, typing, wire };
const { open } = await import(`../clients/${scenario.client}.mjs`);
try {
  console.log(JSON.stringify(await kinds[scenario.kind](open, scenario)));
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
