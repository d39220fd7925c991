// What a keystroke costs in the browser on a document of 1 MB: the editor by itself, with Cowrite, with Yjs, in one page.
import { writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { Environment } from "./environment.mjs";
import { round, summary, table } from "./samples.mjs";
import { randomness, textOf } from "./text.mjs";
import { OurWriter, TheirWriter, until } from "./writers.mjs";

const { values: options } = parseArgs({
  options: {
    editors: { type: "string", default: "codemirror,monaco,quill,prosemirror,textarea" },
    /** Keystrokes of each kind, in each editor. */
    rounds: { type: "string" },
    /** Length of the document in UTF-16 code units. */
    length: { type: "string", default: "1000000" },
    /** What is typed: a run in the middle, at random places, from afar. */
    kinds: { type: "string", default: "run,apart,remote" },
    json: { type: "string" },
    /** Writes a CPU profile of each editor's typing run beside this name. */
    profile: { type: "string" },
  },
});

/** Editors that draw the whole document are slow by themselves, so less is asked of them. */
const usual = { codemirror: 500, monaco: 300, quill: 100, prosemirror: 100, textarea: 200 };

const kinds = options.kinds.split(",");

const environment = await Environment.start();
const results = [];
try {
  for (const editor of options.editors.split(",")) results.push(await measure(editor, Number(options.rounds ?? usual[editor])));
} finally {
  await environment.close();
}
const report = { length: Number(options.length), chromium: environment.version, load: loadavg().map(round), results };
if (options.json) await writeFile(options.json, JSON.stringify(report, null, 2));
console.log(`\n${report.length} code units, ${report.chromium}, load average ${report.load.join(" ")}; milliseconds\n`);
print();
process.exit(0);

async function measure(editor, rounds) {
  const room = `bench-${editor}`;
  const text = textOf(Number(options.length));
  const writers = { ours: await OurWriter.open(environment, room) };
  if (editor !== "textarea") writers.yjs = await TheirWriter.open(environment, room, editor === "prosemirror");
  for (const writer of Object.values(writers)) await writer.fill(text);
  const page = await environment.open({ editor, room });
  await page.exposeFunction("write", (name, place) => writers[name].insert(place, "z"));
  await page.waitForFunction(() => globalThis.load);
  const names = await page.evaluate((text) => globalThis.load(text), text);
  for (const name of names) await page.waitForFunction(([name, length]) => Math.abs(sides[name].text().length - length) <= 1, [name, text.length], { polling: 200 });
  const random = randomness(7);
  const places = (count) => Array.from({ length: count }, random);

  // The first keystrokes are the compiler's.
  await page.evaluate((places) => keystrokes(20, places), places(20));
  const session = options.profile && await page.context().newCDPSession(page);
  if (session) {
    await session.send("Profiler.enable");
    await session.send("Profiler.setSamplingInterval", { interval: 100 });
    await session.send("Profiler.start");
  }
  const run = kinds.includes("run") ? await page.evaluate((count) => keystrokes(count), rounds) : {};
  if (session) await writeFile(`${options.profile}-${editor}.cpuprofile`, JSON.stringify((await session.send("Profiler.stop")).profile));
  const apart = kinds.includes("apart") ? await page.evaluate((places) => keystrokes(places.length, places), places(rounds)) : {};
  const { remote, alone } = kinds.includes("remote") ? await page.evaluate((places) => remoteKeystrokes(places), places(rounds)) : {};

  await settle(page, writers, editor);
  if (page.errors.length > 0) throw new Error(page.errors.join("\n"));
  await page.close();
  for (const writer of Object.values(writers)) writer.close();
  const each = (times, show) => Object.fromEntries(Object.entries(times).map(([name, samples]) => [name, show(samples)]));
  const both = ({ whole, own }) => ({ ...summary(whole), own: summary(own) });
  const result = { editor, run: each(run, both), apart: each(apart, both), remote: each(remote ? { alone, ...remote } : {}, summary) };
  console.error(JSON.stringify(result));
  return result;
}

/** Everything has arrived, and everybody has one text: the editor, its engine, and the client in Node.js. */
async function settle(page, writers, editor) {
  for (const [name, writer] of Object.entries(writers)) {
    await until(`${editor} of ${name} is equal everywhere`, async () => {
      const [shown, held, settled] = await page.evaluate((name) => [sides[name].text(), sides[name].content(), sides[name].settled()], name);
      return settled && shown === held && held === writer.text();
    });
  }
}

function print() {
  const titles = { run: "typing run", apart: "at random places", remote: "from afar, at random places" };
  const rows = results.flatMap((result) => Object.entries(titles).flatMap(([kind, words]) => Object.entries(result[kind]).map(([name, { n, p50, p99, own }]) => {
    const { alone } = result[kind];
    const added = name === "alone" ? ["", ""] : [round(p50 - alone.p50), round(p99 - alone.p99)];
    return [`${result.editor}, ${words}, ${name}`, n, p50, p99, ...added, ...(own && name !== "alone" ? [own.p50, own.p99] : ["", ""])];
  })));
  console.log(table(["", "n", "p50", "p99", "p50 added", "p99 added", "own p50", "own p99"], rows));
}
