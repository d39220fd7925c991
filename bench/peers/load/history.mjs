// A document grows old: what its age costs who comes back, and who comes for the first time.
import { Program, cpuMs } from "../program.mjs";
import { percentile } from "../report/sample.mjs";
import { until } from "./wait.mjs";

/** Edits that travel before an answer is waited for, where a client sends each by itself. */
const AT_ONCE = 50;
/** More edits than these are not worth the time of a client with a text. */
const MANY = 5_000;

/**
 * A text of `units`, in which one by turns inserts a letter and deletes one, at places all over. Each age of `ages` is
 * so many edits; while a document comes to it, somebody is away. Then `opens` others open it one after the other.
 * `grower` is a program that makes the edits of our own server for us, where a client with a text would take too long.
 */
export async function history(open, { client, url, pid, units, ages, opens, grower }) {
  const writer = await open(url, "old", { user: "ann" });
  writer.insert(0, "Lorem ipsum. ".repeat(units / 13));
  await writer.accepted();
  const reader = await open(url, "old", { user: "bob" });
  await until("the reader has the text", () => reader.length() === writer.length());
  const results = [];
  let edits = 0;
  for (const age of ages) {
    const missed = age - edits;
    reader.part();
    if (grower && missed > MANY) {
      const words = { kind: "grow", client, url, pid, from: edits, edits: missed, units: writer.length(), writers: 32 };
      await new Program([...grower, JSON.stringify(words)]).result(240_000);
      edits = age;
    }
    for (; edits < age; edits += 1) {
      const at = (edits * 7919) % writer.length();
      if (edits % 2 === 0) writer.insert(at, "x");
      else writer.remove(at, 1);
      if (!writer.pipelined || edits % AT_ONCE === 0) await writer.accepted();
    }
    await writer.accepted();
    const truth = await open(url, "old", { user: `truth${age}` });
    const wanted = truth.text();
    truth.close();
    await until("who stayed has all", () => writer.text() === wanted);
    const before = await cpuMs([pid]);
    const left = performance.now();
    reader.meet();
    await immediately("who was away has all", () => reader.length() === wanted.length && reader.text() === wanted);
    const resume = { missed, ms: performance.now() - left, bytes: reader.socket().bytes };
    const times = [];
    const sizes = [];
    const between = await cpuMs([pid]);
    for (let index = 0; index < opens; index += 1) {
      const begun = performance.now();
      const late = await open(url, "old", { user: `late${index}` });
      await immediately("who comes late has all", () => late.length() === wanted.length);
      times.push(performance.now() - begun);
      sizes.push(late.socket().bytes);
      if (late.text() !== wanted) throw new Error("who comes late has another text");
      late.close();
    }
    results.push({ age, resume: { ...resume, cpuMs: between - before }, open: { ms: percentile(times, 0.5), bytes: percentile(sizes, 0.5), cpuMs: ((await cpuMs([pid])) - between) / opens } });
  }
  return results;
}

/** Somebody opens the document at a server that has just been started, and so has to load it. */
export async function reopened(open, { url, pid }) {
  // This program has just been started, too, which is none of the server's.
  await open(url, "another", { user: "another" });
  const [cpu, begun] = [await cpuMs([pid]), performance.now()];
  const first = await open(url, "old", { user: "first" });
  await immediately("who comes first has it", () => first.length() > 0);
  return { ms: performance.now() - begun, cpuMs: (await cpuMs([pid])) - cpu, length: first.length() };
}

/** Waits without the pauses of `until`, which would be most of what is measured. */
async function immediately(what, condition) {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
