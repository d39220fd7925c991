// What a keystroke costs in the browser on a document of 1 MB: the editor by itself, with Cowrite, with Yjs, each in pages of its own.
import { writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { Environment } from "./environment.mjs";
import { percentile, round, summary, table } from "./samples.mjs";
import { randomness, textOf } from "./text.mjs";
import { OurWriter, TheirWriter, until } from "./writers.mjs";

const { values: options } = parseArgs({
  options: {
    editors: { type: "string", default: "codemirror,monaco,quill,prosemirror,textarea" },
    /** Which sides: the editor by itself, with Cowrite, with Yjs. */
    sides: { type: "string", default: "ours,yjs,alone" },
    /** Letters that are typed into a page in a run, and come from afar. */
    letters: { type: "string" },
    /** Letters that are typed at random places, each of which takes a frame more; by default as many. */
    apart: { type: "string" },
    /** Pages of each side, by turns. */
    rounds: { type: "string", default: "3" },
    /** Milliseconds from letter to letter, at least: half a frame. */
    pause: { type: "string", default: "8" },
    /** Length of the document in UTF-16 code units. */
    length: { type: "string", default: "1000000" },
    /** What is typed: a run in the middle, at random places, from afar. */
    kinds: { type: "string", default: "run,apart,remote" },
    json: { type: "string" },
    /**
     * Tells the processor's time in the binding and the engine, not the clock's: what the browser's other threads and
     * other programs take away is no part of it. By the browser's trace, which costs some itself.
     */
    processor: { type: "boolean", default: false },
    /** Writes a CPU profile of what is typed into each page beside this name. */
    profile: { type: "string" },
  },
});

/** Editors that draw the whole document are slow by themselves, so less is asked of them. */
const usual = { codemirror: 500, monaco: 300, quill: 40, prosemirror: 40, textarea: 100 };
/** The first letters are the compiler's. */
const WARMING = 100;

const kinds = options.kinds.split(",");

const environment = await Environment.start();
const results = [];
try {
  for (const editor of options.editors.split(",")) results.push(await measure(editor, Number(options.letters ?? usual[editor])));
} finally {
  await environment.close();
}
const report = { length: Number(options.length), chromium: environment.version, load: loadavg().map(round), results };
if (options.json) await writeFile(options.json, JSON.stringify(report, null, 2));
console.log(`\n${report.length} code units, ${report.chromium}, load average ${report.load.join(" ")}; milliseconds${options.processor ? ", own of the processor" : ""}\n`);
print();
process.exit(0);

/** Rounds of a page for each side, in another order each time, so that what else the machine does meets all of them. */
async function measure(editor, letters) {
  const text = textOf(Number(options.length));
  const sides = options.sides.split(",").filter((side) => side !== "yjs" || editor !== "textarea");
  const rounds = [];
  for (let number = 0; number < Number(options.rounds); number += 1) {
    const samples = {};
    for (let turn = 0; turn < sides.length; turn += 1) {
      const side = sides[(turn + number) % sides.length];
      for (const [kind, times] of Object.entries(await page(editor, side, `bench-${editor}-${number}`, text, letters))) (samples[kind] ??= {})[side] = times;
    }
    rounds.push(samples);
  }
  return { editor, rounds };
}

/** What each letter takes that is typed into a fresh page of one side. */
async function page(editor, side, room, text, letters) {
  const writer = side === "ours" ? await OurWriter.open(environment, room) : side === "yjs" ? await TheirWriter.open(environment, room, editor === "prosemirror") : null;
  await writer?.fill(text);
  const page = await environment.open({ editor, room });
  await page.exposeFunction("write", (_, place) => writer.insert(place, "z"));
  await page.waitForFunction(() => globalThis.load);
  await page.evaluate(([text, names]) => globalThis.load(text, names), [text, [side]]);
  await page.waitForFunction(([name, length]) => Math.abs(sides[name].text().length - length) <= 1, [side, text.length], { polling: 200 });
  const random = randomness(7);
  const places = (count) => Array.from({ length: count }, random);
  const type = (count, places) => page.evaluate(([count, pause, places]) => keystrokes(count, pause, places), [count, Number(options.pause), places]);

  const warming = Math.min(WARMING, letters);
  await type(warming, places(warming));
  const session = options.profile && await page.context().newCDPSession(page);
  if (session) {
    await session.send("Profiler.enable");
    await session.send("Profiler.setSamplingInterval", { interval: 100 });
    await session.send("Profiler.start");
  }
  const measured = async (places) => {
    if (options.processor) await environment.trace(page);
    const { whole, own } = (await type(places?.length ?? letters, places))[side];
    return { whole, own: options.processor ? processorTimes(await environment.traced()) : own };
  };
  const samples = {};
  if (kinds.includes("run")) samples.run = await measured();
  if (kinds.includes("apart")) samples.apart = await measured(places(Number(options.apart ?? letters)));
  if (session) await writeFile(`${options.profile}-${room}-${side}.cpuprofile`, JSON.stringify((await session.send("Profiler.stop")).profile));
  if (kinds.includes("remote")) samples.remote = { whole: await page.evaluate(([name, places]) => remoteKeystrokes(name, places), [side, places(letters)]) };

  if (writer) await settle(page, side, writer, editor);
  if (page.errors.length > 0) throw new Error(page.errors.join("\n"));
  await page.close();
  writer?.close();
  const shown = Object.fromEntries(Object.entries(samples).map(([kind, { whole, own }]) => [kind, { whole: summary(whole), ...(own && writer ? { own: summary(own) } : {}) }]));
  console.error(JSON.stringify({ room, side, ...shown }));
  return shown;
}

/** Milliseconds of the processor in the binding and the engine, for each letter: see `page/clock.mjs`. */
function processorTimes(events) {
  const times = [];
  let letter = null;
  for (const { args, tdur } of events.filter(({ name }) => name === "EventDispatch").sort((a, b) => a.ts - b.ts)) {
    const { type } = args.data;
    if (type === "letter") letter = 0;
    else if (type === "own" && letter !== null) letter += tdur / 1_000;
    else if (type === "typed" && letter !== null) times.push(letter), (letter = null);
  }
  return times;
}

/** Everything has arrived, and everybody has one text: the editor, its engine, and the client in Node.js. */
async function settle(page, name, writer, editor) {
  await until(`${editor} of ${name} is equal everywhere`, async () => {
    const [shown, held, settled] = await page.evaluate((name) => [sides[name].text(), sides[name].content(), sides[name].settled()], name);
    return settled && shown === held && held === writer.text();
  });
}

/** The middle of the rounds, and how far they lie apart. */
function print() {
  const titles = { run: "typing run", apart: "at random places", remote: "from afar, at random places" };
  const rows = results.flatMap(({ editor, rounds }) => Object.entries(titles).flatMap(([kind, words]) => Object.keys(rounds[0][kind] ?? {}).map((side) => {
    const figure = (read) => {
      const values = rounds.map((round) => read(round[kind][side])).filter((value) => value !== undefined);
      return values.length === 0 ? "" : `${percentile(values, 0.5)} (${Math.min(...values)}–${Math.max(...values)})`;
    };
    const letters = rounds.reduce((sum, round) => sum + round[kind][side].whole.n, 0);
    return [`${editor}, ${words}, ${side}`, letters, figure(({ whole }) => whole.p50), figure(({ whole }) => whole.p99), figure(({ own }) => own?.p50), figure(({ own }) => own?.p99)];
  })));
  console.log(table(["", "n", "p50", "p99", "own p50", "own p99"], rows));
}
