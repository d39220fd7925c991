// People type at a steady pace: how long until the others have it, and what the server pays for it.
import { cpuMs, residentKib } from "../program.mjs";
import { percentile } from "../report/sample.mjs";
import { several, sleep, until } from "./wait.mjs";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const SEED = "0123456789".repeat(100);

/**
 * `documents` with `full` clients each (a list: the documents take turns in it) and `deaf` ones that only count;
 * the first `writers` of each type a letter every `everyMs`, for `warmMs` and then for
 * `measuredMs`. With `carets` each letter moves its writer's caret, too, which is shown to all.
 */
export async function typing(open, { url, pid, documents, full, deaf = 0, writers, carets, everyMs, warmMs, measuredMs }) {
  const desks = await several(documents, 16, (index) => Desk.open(open, url, `d${index}`, full[index % full.length], { deaf, writers, carets }));
  const before = await residentKib(pid);
  await type(desks, everyMs, warmMs);
  await settle(desks);
  desks.forEach((desk) => (desk.latencies = []));
  const [cpu, begun] = [await cpuMs([pid]), performance.now()];
  const edits = await type(desks, everyMs, measuredMs);
  await settle(desks);
  const [spent, took] = [(await cpuMs([pid])) - cpu, performance.now() - begun];
  const resident = await residentKib(pid);
  await check(open, url, desks);
  const latencies = desks.flatMap((desk) => desk.latencies);
  const deliveries = desks.reduce((sum, desk) => sum + desk.deliveries(edits / desks.length), 0);
  return {
    edits, deliveries, tookMs: took, cpuMs: spent,
    cpuPer1000: (spent * 1000) / deliveries,
    p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), max: percentile(latencies, 1),
    residentMib: resident.now / 1024, peakMib: resident.peak / 1024, beforeMib: before.now / 1024,
  };
}

/** One document and those who have it open. */
class Desk {
  latencies = [];
  full = [];
  deaf = [];

  static async open(open, url, name, full, { deaf, writers, carets }) {
    const desk = new Desk();
    const onCarets = carets ? () => {} : undefined;
    Object.assign(desk, { name, writers, carets, sent: Array.from({ length: writers }, () => []) });
    for (let index = 0; index < full; index += 1) {
      const seen = new Array(writers).fill(0);
      // The first one's letters are the text that all begin with.
      const client = await open(url, name, { user: `${name}-${index}`, onInsert: (letters) => desk.hear(seen, letters), onCarets });
      // A relay keeps nothing, so who comes later would never have it.
      if (index === 0 && client.keeps !== false) {
        client.insert(0, SEED);
        await client.accepted();
      }
      desk.full.push({ ...client, seen });
    }
    const rest = await several(deaf, 32, async (index) => {
      const client = await open(url, name, { user: `${name}-deaf-${index}` });
      client.socket().deaf = true;
      return client;
    });
    desk.deaf.push(...rest);
    return desk;
  }

  hear(seen, letters) {
    const now = performance.now();
    for (const letter of letters) {
      const writer = LETTERS.indexOf(letter);
      if (writer >= 0) this.latencies.push(now - this.sent[writer][seen[writer]++]);
    }
  }

  /** One writer types a letter; each has a place of its own in the text. */
  type(writer) {
    const client = this.full[writer];
    this.sent[writer].push(performance.now());
    const at = Math.floor((client.length() * (writer + 1)) / this.writers);
    client.insert(at, LETTERS[writer]);
    if (this.carets) client.caret(at + 1);
  }

  /** Whether everybody has everything. */
  isQuiet() {
    return this.full.every(({ seen }, index) => seen.every((count, writer) => writer === index || count === this.sent[writer].length));
  }

  deliveries(edits) {
    return edits * (this.full.length + this.deaf.length - 1);
  }
}

/** All writers type at this pace for so long; gives how many letters. */
async function type(desks, everyMs, forMs) {
  const begun = performance.now();
  const turns = desks.flatMap((desk) => Array.from({ length: desk.writers }, (_, writer) => ({ desk, writer })));
  // Nobody types in the same moment as all others do.
  turns.forEach((turn, index) => (turn.due = begun + (everyMs * index) / turns.length));
  let edits = 0;
  for (;;) {
    const now = performance.now();
    if (now >= begun + forMs) return edits;
    for (const turn of turns) {
      if (turn.due > now) continue;
      turn.desk.type(turn.writer);
      turn.due += everyMs;
      edits += 1;
    }
    const next = Math.min(...turns.map(({ due }) => due));
    await sleep(Math.max(0, next - performance.now()));
  }
}

async function settle(desks) {
  await until("everybody has every letter", () => desks.every((desk) => desk.isQuiet()));
  await Promise.all(desks.flatMap((desk) => desk.full.slice(0, desk.writers).map((client) => client.accepted())));
}

/** Every full client, and one that comes only now, must hold one text with every letter that was typed. */
async function check(open, url, desks) {
  for (const desk of desks) {
    const texts = desk.full.map((client) => client.text());
    const typed = desk.sent.map((times, writer) => LETTERS[writer].repeat(times.length)).join("");
    const keeps = desk.full[0].keeps !== false;
    const wanted = [...(keeps ? SEED : ""), ...typed].sort().join("");
    if (keeps) {
      const late = await open(url, desk.name, { user: `${desk.name}-late` });
      await until(`${desk.name} is whole for who comes late`, () => late.length() === texts[0].length, 10_000);
      texts.push(late.text());
      late.close();
    }
    if (texts.some((text) => text !== texts[0])) throw new Error(`${desk.name}: the texts differ`);
    if ([...texts[0]].sort().join("") !== wanted) throw new Error(`${desk.name}: ${texts[0].length} letters instead of ${wanted.length}`);
  }
}
