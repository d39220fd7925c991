// Writes quill-random.json.gz: what the Quill Delta, asked at random, says of every kind that it knows.
//
//     npm install --no-save quill-delta@5.1.0 && node generate.mjs
//
// The same seed gives the same file. `expect…_later_attribute_wins` is the answer of the same library
// with the winner of an attribute conflict turned round, and nothing else.
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import quill from "quill-delta";

const { AttributeMap } = quill;
const Delta = quill.default ?? quill;
const LETTERS = ["a", "b", "\n", "é", "\u{1F600}", "字", "xyz", "lorem ", "\u0301"];
const KEYS = { bold: [true, null], color: ["red", "blue", null], header: [1, 2, null], link: ["https://e.x/", null] };

let state = 20261121;
/** A whole number from 0 to below `bound` (mulberry32). */
function below(bound) {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
}
const one = (list) => list[below(list.length)];

function attributes(keepNull) {
  const set = {};
  for (const [key, values] of Object.entries(KEYS)) {
    const value = one(values);
    if (below(3) === 0 && (keepNull || value !== null)) set[key] = value;
  }
  return Object.keys(set).length > 0 ? set : undefined;
}

function text() {
  return Array.from({ length: 1 + below(4) }, () => one(LETTERS)).join("");
}

function insert(delta) {
  return delta.insert(below(8) === 0 ? { image: `https://e.x/${below(3)}.png` } : text(), attributes(false));
}

function document() {
  let delta = new Delta();
  for (let count = below(6); count > 0; count -= 1) delta = insert(delta);
  return delta;
}

/** Where a document may be cut: not inside a surrogate pair. */
function cuts(base) {
  const cuts = [0];
  for (const { insert } of base.ops) {
    if (typeof insert === "string") for (const letter of insert) cuts.push(cuts.at(-1) + letter.length);
    else cuts.push(cuts.at(-1) + 1);
  }
  return cuts;
}

function change(base) {
  const places = cuts(base);
  let delta = new Delta();
  for (let at = 0; at < places.length; ) {
    if (below(3) === 0) delta = insert(delta);
    const next = Math.min(places.length - 1, at + 1 + below(5));
    const length = places[next] - places[at];
    if (next === at) break;
    switch (below(4)) {
      case 0: delta = delta.delete(length); break;
      case 1: delta = delta.retain(length, attributes(true)); break;
      default: delta = delta.retain(length);
    }
    at = next;
  }
  return delta.chop();
}

const plain = AttributeMap.transform;
/** What `run` gives where the later of two values of one attribute wins. */
function later(run) {
  AttributeMap.transform = (a, b, priority) => plain(a, b, !priority);
  try { return run(); } finally { AttributeMap.transform = plain; }
}
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** A case with what Quill says, and with what our rule says where that is something else. */
function judged(input, run) {
  const [quills, ours] = [run(), later(run)];
  const expected = {};
  for (const [name, value] of Object.entries(quills)) {
    expected[name] = value;
    if (!same(value, ours[name])) expected[`${name}_later_attribute_wins`] = ours[name];
  }
  return { ...input, ...expected };
}

/** Submissions in the order in which they come, each carried over what its author had not seen. */
function committed(doc, made) {
  const log = [];
  let whole = doc;
  for (const { base, op } of made) {
    const entry = log.slice(base).reduce((carried, before) => before.transform(carried, true), op).chop();
    log.push(entry);
    whole = whole.compose(entry);
  }
  return { expect_log: log.map((entry) => entry.ops), expect_doc: whole.ops };
}

/** What a client has pending: the first edit is in flight, all others are one operation behind it. */
function waiting(edits) {
  const [inFlight, ...rest] = edits.filter((edit) => edit.ops.length > 0);
  const buffer = rest.reduce((all, edit) => all.compose(edit), new Delta());
  return [inFlight, buffer].filter((edit) => edit !== undefined && edit.ops.length > 0);
}

function arrived(doc, edits, server) {
  let pending = waiting(edits);
  const changes = [];
  let shown = edits.reduce((whole, edit) => whole.compose(edit), doc);
  for (const operation of server) {
    let carried = operation;
    pending = pending.map((edit) => {
      const rebased = carried.transform(edit, true).chop();
      carried = edit.transform(carried, false).chop();
      return rebased;
    });
    changes.push(carried);
    shown = shown.compose(carried);
  }
  const ops = (list) => list.map((delta) => delta.ops);
  return { expect_doc: shown.ops, expect_pending: ops(pending), expect_change: ops(changes) };
}

const kinds = {
  apply(doc, a) { return { doc: doc.ops, a: a.ops, expect: doc.compose(a).ops }; },
  compose(doc, a) { const b = change(doc.compose(a)); return { a: a.ops, b: b.ops, expect: a.compose(b).ops }; },
  transform(doc, a) {
    const b = change(doc), priority = below(2) === 0;
    return judged({ a: a.ops, b: b.ops, priority }, () => ({ expect: a.transform(b, priority).ops }));
  },
  transformPosition(doc, a) {
    const index = below(doc.length() + 1), priority = below(2) === 0;
    return { a: a.ops, index, priority, expect: a.transformPosition(index, priority) };
  },
  invert(doc, a) { return { base: doc.ops, a: a.ops, expect: a.invert(doc).ops }; },
  diff(doc, a) { const b = doc.compose(a); return { a: doc.ops, b: b.ops, expect: doc.diff(b).ops }; },
  canonical(doc, a) {
    // The same operation in pieces.
    const pieces = a.ops.flatMap((op) => {
      const cut = typeof op.retain === "number" && op.retain > 1 ? 1 + below(op.retain - 1) : 0;
      return cut > 0 ? [{ ...op, retain: cut }, { ...op, retain: op.retain - cut }] : [op];
    });
    return { a: pieces, expect: a.ops };
  },
  tp1(doc, a) {
    const b = change(doc);
    return judged({ doc: doc.ops, a: a.ops, b: b.ops }, () => ({ expect: doc.compose(a).compose(a.transform(b, true)).ops }));
  },
  serverLog(doc) {
    // What was made on a version depends on the rule; on these bases both rules have one document.
    const first = Array.from({ length: 1 + below(4) }, () => ({ base: 0, op: change(doc) }));
    const submissions = first.map(({ base, op }, at) => ({ client: `c${at % 2}`, base, op: op.ops }));
    return judged({ doc: doc.ops, submissions }, () => committed(doc, first));
  },
  concurrent(doc) {
    const made = Array.from({ length: 2 + below(4) }, () => ({ base: 0, op: change(doc) }));
    return judged({ doc: doc.ops, ops: made.map(({ op }) => op.ops) }, () => committed(doc, made));
  },
  pending(doc) {
    const edits = [change(doc)];
    while (below(2) === 0) edits.push(change(edits.reduce((whole, edit) => whole.compose(edit), doc)));
    const server = [change(doc)];
    while (below(2) === 0) server.push(change(server.reduce((whole, entry) => whole.compose(entry), doc)));
    const ops = (list) => list.map((delta) => delta.ops);
    return judged({ doc: doc.ops, edits: ops(edits), server: ops(server) }, () => arrived(doc, edits, server));
  },
};

/** Submissions on any base so far, texts alone: without attributes both rules are one. */
function chained() {
  const bare = (delta) => new Delta(delta.ops.map(({ attributes: _, ...op }) => op));
  const doc = bare(document());
  const versions = [doc], log = [], made = [];
  for (let count = 2 + below(5); count > 0; count -= 1) {
    const base = below(versions.length);
    const op = bare(change(versions[base])).chop();
    const entry = log.slice(base).reduce((carried, before) => before.transform(carried, true), op).chop();
    made.push({ base, op });
    log.push(entry);
    versions.push(versions.at(-1).compose(entry));
  }
  const submissions = made.map(({ base, op }, at) => ({ client: `c${at % 3}`, base, op: op.ops }));
  return { doc: doc.ops, submissions, expect_log: log.map((entry) => entry.ops), expect_doc: versions.at(-1).ops };
}

const cases = [];
const add = (kind, body) => cases.push({ id: `qr-${String(cases.length + 1).padStart(4, "0")}`, kind, ...body });
for (const [kind, make] of Object.entries(kinds)) {
  for (let count = 0; count < 150; count += 1) {
    const doc = document();
    add(kind, make(doc, change(doc)));
  }
}
for (let count = 0; count < 150; count += 1) add("serverLog", chained());
const source = "quill-delta 5.1.0, asked at random by generate.mjs";
const file = { format: "ot-vectors/1", source, unit: "utf16", count: cases.length, cases };
const packed = gzipSync(JSON.stringify(file), { level: 9 });
writeFileSync(new URL("quill-random.json.gz", import.meta.url), packed);
console.log(`${cases.length} cases, ${packed.length} bytes`);
