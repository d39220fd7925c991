import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attributes, Component, Delta } from "../src/delta.js";
import { Mapping } from "../src/prosemirror/mapping.js";
import { compose, transform } from "../src/rich/algebra.js";
import { Random, randomDocument, randomText, schema } from "./random-document.js";

const mapping = new Mapping(schema);

test("a random document of the schema goes there and back unchanged", () => {
  for (let seed = 1; seed <= 4_000; seed += 1) {
    const document = randomDocument(new Random(seed));
    const content = mapping.content(document);
    const back = mapping.document(content);
    back.check();
    assert.ok(back.eq(document), `seed ${seed}:\n${document}\n${JSON.stringify(content)}\n${back}`);
    assert.deepEqual(mapping.content(back), content, `seed ${seed}`);
  }
});

test("any rich text whatever is exactly one document, and the schema takes it", () => {
  for (let seed = 1; seed <= 4_000; seed += 1) {
    const content = randomContent(new Random(seed));
    const document = mapping.document(content);
    document.check();
    assert.ok(mapping.document(content).eq(document));
    assert.ok(mapping.document(mapping.content(document)).eq(document), `seed ${seed}: ${JSON.stringify(content)}`);
  }
});

test("what two people do at the same time is a document that the schema takes, the same for both", () => {
  for (let seed = 1; seed <= 3_000; seed += 1) {
    const random = new Random(seed);
    const start = mapping.content(randomDocument(random));
    let [ours, theirs] = [start, start];
    const [a, b] = [edits(random, start, 3), edits(random, start, 3)];
    const [a1, b1] = transform(a, b);
    ours = compose(compose(ours, a), b1);
    theirs = compose(compose(theirs, b), a1);
    assert.deepEqual(ours, theirs, `seed ${seed}`);
    mapping.document(ours).check();
  }
});

test("the attributes are Quill's own wherever they can say it", () => {
  const p = (text: string) => schema.node("paragraph", null, text ? [schema.text(text)] : []);
  const item = (...content: ReturnType<typeof p>[]) => schema.node("list_item", null, content);
  const document = schema.node("doc", null, [
    schema.node("heading", { level: 2 }, [schema.text("Title")]),
    schema.node("blockquote", null, [p("said")]),
    schema.node("bullet_list", null, [item(p("one"), schema.node("ordered_list", { order: 1 }, [item(p("nested"))])), item(p("two"), p("more"))]),
    schema.node("code_block", null, [schema.text("x\ny")]),
    schema.node("horizontal_rule"),
    schema.node("paragraph", null, [schema.text("b", [schema.mark("strong")]), schema.text("l", [schema.mark("link", { href: "#" })]), schema.node("image", { src: "i", alt: "A" })]),
  ]);
  assert.deepEqual(mapping.content(document), [
    { insert: "Title" }, { insert: "\n", attributes: { header: 2 } },
    { insert: "said" }, { insert: "\n", attributes: { blockquote: true } },
    { insert: "one" }, { insert: "\n", attributes: { list: "bullet" } },
    { insert: "nested" }, { insert: "\n", attributes: { list: "ordered", indent: 1 } },
    { insert: "two" }, { insert: "\n", attributes: { list: "bullet" } },
    { insert: "more" }, { insert: "\n", attributes: { nest: "b" } },
    { insert: "x" }, { insert: "\n", attributes: { "code-block": true } },
    { insert: "y" }, { insert: "\n", attributes: { "code-block": true } },
    { insert: "\n", attributes: { divider: true } },
    { insert: "b", attributes: { bold: true } }, { insert: "l", attributes: { link: "#" } }, { insert: { image: "i" }, attributes: { alt: "A" } }, { insert: "\n" },
  ]);
});

/** Attributes that somebody may send, sensible or not. */
export function randomAttributes(random: Random): Attributes {
  const values: Record<string, readonly unknown[]> = {
    header: [1, 6, 7, 1e9, -1, "2", true, 1.5], list: ["bullet", "ordered", "checked", 5], indent: [1, 2, 8, 1e9, -3, "1"],
    blockquote: [true, "x", false], "code-block": [true, "plain", "rust", false, 3], divider: [true, 1],
    nest: ["q", "Q", "b", "B", "U", "O7", "qb", "QB", "bq", "bB", "qqo", "UC", "C", "N999999999999", "", "?", 4, "b".repeat(500)],
    bold: [true, false, "yes"], italic: [true], code: [true], link: ["#a", { href: "#b", title: "t" }, { title: "t" }, 3, true, {}], alt: ["x", 5], title: ["t", {}], strange: [{ deep: [1] }],
  };
  const attributes: Record<string, unknown> = {};
  for (const key of Object.keys(values)) if (random.chance(14)) attributes[key] = random.pick(values[key]!);
  return attributes;
}

function randomInsert(random: Random): Component {
  const embeds = [{ image: "x.png" }, { image: 5 }, { image: { src: "y" } }, { break: true }, { video: "v" }, { horizontal_rule: true }, { paragraph: {} }, { text: "t" }, {}];
  const insert = random.chance(20) ? random.pick(embeds) : random.chance(45) ? "\n".repeat(1 + random.below(2)) : randomText(random);
  return { insert, attributes: randomAttributes(random) };
}

function randomContent(random: Random): Delta {
  return compose([], Array.from({ length: random.below(14) }, () => randomInsert(random)));
}

/** One person's edits of a content, as one delta on it. */
function edits(random: Random, content: Delta, count: number): Delta {
  let all: Delta = [];
  for (; count > 0; count -= 1) {
    const now = compose(content, all);
    const length = now.reduce((sum, component) => sum + ("insert" in component && typeof component.insert === "string" ? component.insert.length : 1), 0);
    const at = random.below(length + 1);
    const span = Math.min(length - at, random.below(8));
    const attributes = Object.fromEntries(Object.entries(randomAttributes(random)).map(([key, value]) => [key, random.chance(25) ? null : value]));
    const edit: Component[] = at > 0 ? [{ retain: at }] : [];
    if (random.chance(50)) edit.push(randomInsert(random));
    if (span > 0) edit.push(random.chance(50) ? { delete: span } : { retain: span, attributes });
    all = compose(all, edit);
  }
  return all;
}
