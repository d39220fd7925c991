// A program that measures one library in one way: `node --expose-gc main.mjs '{"kind": …}'`. Prints JSON.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { age } from "./age.mjs";
import { algebra } from "./algebra.mjs";
import { merge } from "./merge.mjs";
import { trace } from "./trace.mjs";

const words = JSON.parse(process.argv[2]);
const kinds = { age, algebra, merge, trace };
const library = await import(`./${words.library}.mjs`);
const memory = () => {
  global.gc();
  return process.memoryUsage().rss;
};
try {
  const file = words.file && JSON.parse(gunzipSync(readFileSync(words.file)));
  console.log(JSON.stringify(await kinds[words.kind](library, { ...words, memory }, file)));
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
