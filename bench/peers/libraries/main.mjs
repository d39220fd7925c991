// A program that measures one library in one way: `node --expose-gc main.mjs '{"kind": …}'`. Prints JSON.
import { age } from "./age.mjs";
import { merge } from "./merge.mjs";
import { trace } from "./trace.mjs";

const words = JSON.parse(process.argv[2]);
const kinds = { age, merge, trace };
const library = await import(`./${words.library}.mjs`);
try {
  console.log(JSON.stringify(await kinds[words.kind](library, words)));
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
