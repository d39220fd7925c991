// How many frames a second the browser draws while the carets of 50 others move, ten times a second each.
import { writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { createRelativePositionFromTypeIndex } from "yjs";
import { Environment } from "./environment.mjs";
import { round, summary, table } from "./samples.mjs";
import { randomness, textOf } from "./text.mjs";
import { OurWriter, TheirPerson, TheirWriter } from "./writers.mjs";

const { values: options } = parseArgs({
  options: {
    editors: { type: "string", default: "codemirror,monaco,quill,prosemirror,textarea" },
    carets: { type: "string", default: "50" },
    /** How often each caret moves, in times a second. */
    hertz: { type: "string", default: "10" },
    /** Length of the document in UTF-16 code units. */
    length: { type: "string", default: "100000" },
    /** How long each window lasts, and how many there are of each kind. */
    seconds: { type: "string", default: "4" },
    windows: { type: "string", default: "3" },
    json: { type: "string" },
    /** Writes a CPU profile of the first window of each kind beside this name. */
    profile: { type: "string" },
  },
});

/** Carets move within so many code units from the start: the part that is in view, and as much below it. */
const WITHIN = 3_000;

const environment = await Environment.start();
const results = [];
try {
  for (const editor of options.editors.split(",")) results.push(await measure(editor));
} finally {
  await environment.close();
}
const report = { length: Number(options.length), carets: Number(options.carets), hertz: Number(options.hertz), chromium: environment.version, load: loadavg().map(round), results };
if (options.json) await writeFile(options.json, JSON.stringify(report, null, 2));
console.log(`\n${report.carets} carets, each moving ${report.hertz} times a second, ${report.length} code units, ${report.chromium}, drawn by software, load average ${report.load.join(" ")}\n`);
console.log(table(
  ["", "frames/s", "interval p50", "interval p99", "long tasks", "busy (CPU), %", "script, %", "carets drawn"],
  results.flatMap(({ editor, windows }) => Object.entries(windows).map(([name, { frames, interval, longTasks, busy, script, drawn }]) => [`${editor}, ${name}`, frames, interval.p50, interval.p99, longTasks, busy, script, drawn])),
));
process.exit(0);

async function measure(editor) {
  const room = `carets-${editor}`;
  const text = textOf(Number(options.length));
  const count = Number(options.carets);
  const random = randomness(11);
  const isXml = editor === "prosemirror";
  const names = Array.from({ length: count }, (_, index) => `person${index}`);
  const crowds = {};

  const first = await OurWriter.open(environment, room, names[0]);
  await first.fill(text);
  const ours = [first, ...await Promise.all(names.slice(1).map((name) => OurWriter.open(environment, room, name)))];
  crowds.ours = { close: () => ours.forEach((writer) => writer.close()), move: (index) => ours[index].shared.setCursor(Math.floor(random() * WITHIN)), hide: () => ours.forEach(({ shared }) => shared.clearCursor()) };

  if (editor !== "textarea") {
    const writer = await TheirWriter.open(environment, room, isXml);
    await writer.fill(text);
    const people = names.map((name) => new TheirPerson(writer, name));
    const place = () => {
      if (!isXml) return createRelativePositionFromTypeIndex(writer.type, Math.floor(random() * WITHIN));
      const line = writer.type.get(Math.floor(random() * 50)).get(0);
      return createRelativePositionFromTypeIndex(line, Math.floor(random() * line.length));
    };
    // Each binding has a form of its own for the same.
    const field = editor === "monaco" ? "selection" : "cursor";
    crowds.yjs = {
      close: () => (people.forEach(({ awareness }) => awareness.destroy()), writer.close()),
      move: (index) => {
        const at = place();
        people[index].show(field, { anchor: at, head: at });
      },
      hide: () => people.forEach((person) => person.show(field, null)),
    };
  }

  const page = await environment.open({ editor, room });
  await page.waitForFunction(() => globalThis.load);
  const sides = await page.evaluate((text) => globalThis.load(text), text);
  for (const name of sides) await page.waitForFunction(([name, length]) => Math.abs(sides[name].text().length - length) <= 1, [name, text.length], { polling: 200 });
  const session = await page.context().newCDPSession(page);
  // Time on the processor, which others on the machine do not lengthen.
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const windows = {};
  const times = { frames: {}, busy: {}, script: {}, longTasks: {}, drawn: {} };
  for (let window = 0; window < Number(options.windows); window += 1) {
    for (const name of ["none", ...Object.keys(crowds)]) {
      const stop = crowds[name] ? moving(crowds[name], count) : () => {};
      // Until all of them are there, and what was compiled is warm.
      await page.waitForTimeout(1_000);
      if (options.profile && window === 0) await profiling(session, true);
      const before = await metrics(session);
      const seen = await page.evaluate((seconds) => globalThis.frames(seconds * 1_000), Number(options.seconds));
      const after = await metrics(session);
      if (options.profile && window === 0) await writeFile(`${options.profile}-${editor}-${name}.cpuprofile`, JSON.stringify(await profiling(session, false)));
      stop();
      crowds[name]?.hide();
      const share = (metric) => 100 * (after[metric] - before[metric]) / (seen.elapsed / 1_000);
      for (const [key, value] of Object.entries({ frames: seen.intervals, busy: [share("TaskDuration")], script: [share("ScriptDuration")], longTasks: [seen.longTasks], drawn: [seen.drawn] })) (times[key][name] ??= []).push(...value);
    }
  }
  const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  for (const name of Object.keys(times.frames)) {
    const interval = summary(times.frames[name]);
    windows[name] = {
      frames: Math.round(10_000 / mean(times.frames[name])) / 10, interval, longTasks: times.longTasks[name].reduce((sum, number) => sum + number),
      busy: Math.round(10 * mean(times.busy[name])) / 10, script: Math.round(10 * mean(times.script[name])) / 10, drawn: Math.max(...times.drawn[name]),
    };
  }
  if (page.errors.length > 0) throw new Error(page.errors.join("\n"));
  await page.close();
  for (const crowd of Object.values(crowds)) crowd.close();
  const result = { editor, windows };
  console.error(JSON.stringify(result));
  return result;
}

/** Moves all carets of a crowd, evenly over each period; the answer ends it. */
function moving(crowd, count) {
  let turn = 0;
  const begun = performance.now();
  const perMillisecond = count * Number(options.hertz) / 1_000;
  const timer = setInterval(() => {
    for (const due = (performance.now() - begun) * perMillisecond; turn < due; turn += 1) crowd.move(turn % count);
  }, 5);
  return () => clearInterval(timer);
}

async function metrics(session) {
  const { metrics } = await session.send("Performance.getMetrics");
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

async function profiling(session, on) {
  if (!on) return (await session.send("Profiler.stop")).profile;
  await session.send("Profiler.enable");
  await session.send("Profiler.setSamplingInterval", { interval: 200 });
  await session.send("Profiler.start");
}
