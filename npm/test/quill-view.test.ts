import assert from "node:assert/strict";
import { test } from "node:test";
import type { Component, Delta } from "../src/delta.js";
import { QuillView, undrawn } from "../src/quill/view.js";
import { compose } from "../src/rich/compose.js";
import { Random, randomText } from "./random-document.js";
import { lengthOf } from "./random-text.js";

const formats = { knows: (name: string) => !["nest", "divider", "strange", "video"].includes(name) };
const textOf = (content: Delta) => content.map((component) => ("insert" in component && typeof component.insert === "string" ? component.insert : "\uFFFC")).join("");

test("a document with and without a newline at its end is shown, and any change of it", () => {
  for (let seed = 1; seed <= 3_000; seed += 1) {
    const random = new Random(seed);
    let content = compose([], changes(random, 0, false));
    const view = new QuillView(formats);
    let shown = view.load(content);
    for (let step = 0; step < 3; step += 1) {
      const change = changes(random, lengthOf(content), false);
      content = compose(content, change);
      shown = compose(shown, view.show(change, lengthOf(shown), (offset) => textOf(shown)[offset] === "\n"));
      assert.deepEqual(shown, new QuillView(formats).load(content), `seed ${seed}: ${JSON.stringify(change)}`);
      assert.equal(lengthOf(shown) - (view.hasExtra ? 1 : 0), lengthOf(content));
    }
  }
});

test("any change in the editor is a change of the document that is shown so", () => {
  for (let seed = 1; seed <= 3_000; seed += 1) {
    const random = new Random(seed);
    let content = compose([], changes(random, 0, false));
    const view = new QuillView(formats);
    let shown = view.load(content);
    for (let step = 0; step < 3; step += 1) {
      const change = changes(random, lengthOf(shown), true);
      const next = compose(shown, change);
      if (!textOf(next).endsWith("\n")) continue;
      content = compose(content, view.take(change, lengthOf(shown), textOf(next).endsWith("\n\n")));
      shown = next;
      assert.deepEqual(new QuillView(formats).load(content), shown, `seed ${seed}: ${JSON.stringify(change)}`);
    }
  }
});

test("of formats that exclude each other one is shown, the same to all, and a new one ends the others", () => {
  const view = new QuillView(formats);
  assert.deepEqual(view.load([{ insert: "\n", attributes: { header: 1, list: "bullet", blockquote: true } }]), [{ insert: "\n", attributes: { list: "bullet" } }]);
  assert.deepEqual(view.take([{ retain: 1, attributes: { header: 2, list: null } }], 1, false), [
    { retain: 1, attributes: { list: null, "code-block": null, header: 2, blockquote: null, nest: null, divider: null } },
  ]);
});

test("what the editor has no format for keeps its place", () => {
  const view = new QuillView(formats);
  assert.deepEqual(view.load([{ insert: { video: "v" } }, { insert: "a\r\nb", attributes: { strange: 1, link: { href: "#" }, header: 99 } }, { insert: "\n", attributes: { nest: "q" } }]), [
    { insert: "\uFFFC" }, { insert: "a\u200B\nb", attributes: { link: "#" } }, { insert: "\n" },
  ]);
});

/** A change of a content of that length; in an editor nothing is known but what it shows. */
function changes(random: Random, length: number, editor: boolean): Delta {
  const delta: Component[] = [];
  for (let left = length; left > 0 || delta.length === 0;) {
    const count = Math.min(left, 1 + random.below(4));
    const attributes = random.chance(30) ? { bold: random.chance(70) ? true : null } : undefined;
    if (random.chance(30)) delta.push({ insert: random.chance(40) ? "\n" : random.chance(15) ? { image: "i" } : randomText(random, 2).replace(/\r/g, ""), ...(random.chance(30) ? { attributes: { italic: true } } : {}) });
    if (count > 0) delta.push(random.chance(25) ? { delete: count } : { retain: count, ...(attributes && (editor || length > 0) ? { attributes } : {}) });
    left -= count;
    if (length === 0) break;
  }
  if (random.chance(30)) delta.push({ insert: random.chance(50) ? "\n" : "end" });
  return compose(delta, []);
}

test("the colours of words in code are drawn, and nobody's format", () => {
  const drawn: Delta = [{ insert: "let", attributes: { "code-token": "hljs-keyword", bold: true } }, { retain: 2, attributes: { "code-token": null } }, { delete: 1 }];
  assert.deepEqual(undrawn(drawn), [{ insert: "let", attributes: { bold: true } }, { retain: 2 }, { delete: 1 }]);
  const plain: Delta = [{ insert: "x" }];
  assert.equal(undrawn(plain), plain);
});
