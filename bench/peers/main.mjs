// Measures Cowrite beside its peers: `node main.mjs [PART…] [--list] [--quick]`; `cargo xtask bench` builds all it needs.
import { describeMachine } from "./report/machine.mjs";
import { draw } from "./report/charts.mjs";
import { parts } from "./parts/index.mjs";
import { print } from "./report/table.mjs";
import { store } from "./report/store.mjs";

const words = process.argv.slice(2);
const quick = words.includes("--quick");
const wanted = words.filter((word) => !word.startsWith("--"));
const unknown = [
  ...words.filter((word) => word.startsWith("--") && !["--list", "--quick"].includes(word)),
  ...wanted.filter((word) => !parts.some(({ name }) => name === word)),
];
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(", ")}. Parts: ${parts.map(({ name }) => name).join(", ")}; options: --list, --quick`);
  process.exit(2);
}
if (words.includes("--list")) {
  for (const { name, title } of parts) console.log(`${name.padEnd(12)} ${title}`);
  process.exit(0);
}

const chosen = parts.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const begun = performance.now();
let failures = 0;
for (const part of chosen) {
  const since = performance.now();
  console.log(`\n${part.name}: ${part.title}`);
  const machine = await describeMachine();
  const figures = await part.measure({ quick });
  const seconds = Math.round((performance.now() - since) / 1000);
  const measured = { part: part.name, title: part.title, quick, seconds, machine, figures };
  print(measured);
  console.log(`  (${seconds} s)`);
  await store(measured);
  await draw(measured);
  failures += figures.flatMap(({ rows }) => rows).filter(({ failed }) => failed).length;
}
console.log(`\n${chosen.length} parts in ${Math.round((performance.now() - begun) / 1000)} s; ${failures} rows failed`);
process.exit(failures > 0 ? 1 : 0);
