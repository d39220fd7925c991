import assert from "node:assert/strict";
import { test } from "node:test";
import { rebase } from "../src/binding/rebase.js";
import { Mapping } from "../src/prosemirror/mapping.js";
import { compose } from "../src/rich/compose.js";
import { Random, randomDocument, schema } from "./random-document.js";
import { randomContent, randomEdits } from "./random-text.js";

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
    const [a, b] = [randomEdits(random, start, 3), randomEdits(random, start, 3)];
    const [b1, a1] = rebase(b, a);
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
