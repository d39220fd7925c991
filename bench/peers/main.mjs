// Measures Cowrite beside its peers: `node main.mjs [PART…] [OPTION…]`; `cargo xtask bench` builds all it needs.
import { describeMachine } from "./report/machine.mjs";
import { draw } from "./report/charts.mjs";
import { fill, pictures } from "./report/pages.mjs";
import { parts } from "./parts/index.mjs";
import { print } from "./report/table.mjs";
import { sizing } from "./report/sizing.mjs";
import { store } from "./report/store.mjs";
import { stored, summary } from "./report/summary.mjs";

const OPTIONS = ["--list", "--quick", "--summary", "--write-docs"];
const words = process.argv.slice(2);
const asked = (option) => words.includes(option);
const wanted = words.filter((word) => !word.startsWith("--"));
const unknown = [
  ...words.filter((word) => word.startsWith("--") && !OPTIONS.includes(word)),
  ...wanted.filter((word) => !parts.some(({ name }) => name === word)),
];
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(", ")}. Parts: ${parts.map(({ name }) => name).join(", ")}; options: ${OPTIONS.join(", ")}`);
  process.exit(2);
}
const chosen = parts.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
if (asked("--list")) {
  for (const { name, title } of chosen) console.log(`${name.padEnd(12)} ${title}`);
  process.exit(0);
}

const all = asked("--summary") ? await stored(chosen.map(({ name }) => name)) : await measure();
if (all.length === 0) {
  console.error("No part has been measured yet.");
  process.exit(2);
}
const text = await summary(all);
console.log(`\n${text}`);
if (asked("--write-docs")) await write(text);
const failures = all.flatMap(({ figures }) => figures).flatMap(({ rows }) => rows).filter(({ failed }) => failed).length;
console.log(`${all.length} parts; ${failures} rows failed`);
process.exit(failures > 0 ? 1 : 0);

/** Every chosen part, one after the other. */
async function measure() {
  const done = [];
  for (const part of chosen) {
    const since = performance.now();
    console.log(`\n${part.name}: ${part.title}`);
    const machine = describeMachine();
    const quick = asked("--quick");
    const figures = await part.measure({ quick });
    const seconds = Math.round((performance.now() - since) / 1000);
    const measured = { part: part.name, title: part.title, quick, seconds, machine, figures };
    print(measured);
    console.log(`  (${seconds} s)`);
    await store(measured);
    await draw(measured);
    done.push(measured);
  }
  return done;
}

/** The run in the pages that show one: all parts in the results, the cost model in the page on sizing. */
async function write(text) {
  const command = ["cargo xtask bench", ...words].join(" ");
  if (all.length === parts.length) await fill("bench/RESULTS.md", "by `cargo xtask bench --write-docs`: results", `\`${command}\`\n\n${text}\n## Pictures\n\n${await pictures("bench", "summary")}`);
  else console.log("bench/RESULTS.md stays as it is: it is for a run of all parts.");
  const cost = all.find(({ part }) => part === "cost");
  if (cost) for (const [name, table] of sizing(cost)) await fill("docs/sizing.md", `by \`cargo xtask bench --write-docs\`: ${name}`, table);
}
