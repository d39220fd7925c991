import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "prosemirror-model";
import { EditorState, TextSelection } from "prosemirror-state";
import type { Delta } from "../src/delta.js";
import { Mapping } from "../src/prosemirror/mapping.js";
import { Shadow, type Replaced } from "../src/prosemirror/shadow.js";
import { contentOf } from "../src/rich/line.js";
import { compose } from "../src/rich/compose.js";
import { Random, randomDocument, schema } from "./random-document.js";
import { edited } from "./random-edit.js";
import { lengthOf, randomContent, randomEdits } from "./random-text.js";

const mapping = new Mapping(schema);

test("any change of the text replaces what makes the document the one that the text means", () => {
  for (let seed = 1; seed <= 3_000; seed += 1) {
    const random = new Random(seed);
    let content = random.chance(50) ? randomContent(random) : mapping.content(randomDocument(random));
    const shadow = new Shadow(mapping, content);
    let document = mapping.document(content);
    for (let step = 0; step < 3; step += 1) {
      const edit = randomEdits(random, content, 1 + random.below(3));
      content = compose(content, edit);
      document = shadow.apply(edit).reduce(replaced, document);
      document.check();
      assert.ok(document.eq(mapping.document(content)), `seed ${seed}: ${JSON.stringify(edit)}\n${document}\n${mapping.document(content)}`);
      assert.equal(shadow.length, lengthOf(content));
    }
  }
});

test("any edit of the document is a change of the text that means that document", () => {
  for (let seed = 1; seed <= 3_000; seed += 1) {
    const random = new Random(seed);
    let content = random.chance(40) ? randomContent(random) : mapping.content(randomDocument(random));
    const shadow = new Shadow(mapping, content);
    let state = EditorState.create({ doc: mapping.document(content) });
    shadow.read(state.doc, null);
    for (let step = 0; step < 4; step += 1) {
      const before = state.doc;
      state = edited(random, state);
      const { delta, repair } = shadow.read(state.doc, random.chance(50) ? state.selection.head : null);
      content = compose(content, delta);
      const trace = () => `seed ${seed} step ${step}: ${JSON.stringify(delta)}\n${before}\n${state.doc}\n${mapping.document(content)}`;
      // Only half of a character and a newline that breaks no line, which programs may leave behind, are nothing that a text can hold.
      if (repair && isUnsayable(state.doc)) {
        const { index, removed, nodes } = repair;
        const start = state.doc.children.slice(0, index).reduce((sum, { nodeSize }) => sum + nodeSize, 0);
        const end = state.doc.children.slice(index, index + removed).reduce((sum, { nodeSize }) => sum + nodeSize, start);
        state = state.apply(state.tr.replaceWith(start, end, nodes));
        assert.deepEqual(shadow.read(state.doc, null), { delta: [], repair: null });
      } else assert.equal(repair, null, trace());
      assert.deepEqual(contentOf(shadow.blocks.flatMap(({ lines }) => lines).map(({ line }) => line)), content, trace());
      assert.ok(mapping.document(content).eq(state.doc), trace());
      shadow.blocks.forEach(({ node }, index) => assert.equal(node, state.doc.child(index)));
    }
  }
});

test("an edit says no more than what it changed", () => {
  const content: Delta = [{ insert: "first\nsecond" }, { insert: "\n", attributes: { header: 1, align: "right" } }, { insert: "third\n" }];
  const change = (edit: (state: EditorState) => EditorState) => {
    const shadow = new Shadow(mapping, content);
    const state = EditorState.create({ doc: mapping.document(content) });
    shadow.read(state.doc, null);
    const next = edit(state);
    return shadow.read(next.doc, next.selection.head).delta;
  };
  assert.deepEqual(change((state) => state.apply(state.tr.insertText("X", 10))), [{ retain: 8 }, { insert: "X" }]);
  assert.deepEqual(change((state) => state.apply(state.tr.delete(9, 11))), [{ retain: 7 }, { delete: 2 }]);
  assert.deepEqual(change((state) => state.apply(state.tr.addMark(9, 11, schema.mark("strong")))), [{ retain: 7 }, { retain: 2, attributes: { bold: true } }]);
  assert.deepEqual(change((state) => state.apply(state.tr.setBlockType(9, 9, schema.nodes["paragraph"]!))), [{ retain: 12 }, { retain: 1, attributes: { header: null } }]);
  assert.deepEqual(change((state) => state.apply(state.tr.split(10))), [{ retain: 8 }, { insert: "\n", attributes: { header: 1 } }]);
  // Two places far apart are two places.
  assert.deepEqual(change((state) => state.apply(state.tr.insertText("Y", 18).insertText("X", 2))), [{ retain: 1 }, { insert: "X" }, { retain: 14 }, { insert: "Y" }]);
  // Which of two equal letters was typed only the caret can tell.
  const typed = (at: number) => (state: EditorState) => {
    const tr = state.tr.insertText("s", at);
    return state.apply(tr.setSelection(TextSelection.create(tr.doc, at + 1)));
  };
  assert.deepEqual(change(typed(4)), [{ retain: 3 }, { insert: "s" }]);
  assert.deepEqual(change(typed(5)), [{ retain: 4 }, { insert: "s" }]);
});

test("what the schema cannot show stays in the text and can be deleted", () => {
  const content: Delta = [{ insert: "a" }, { insert: { video: "v" } }, { insert: "b\n" }];
  const shadow = new Shadow(mapping, content);
  const state = EditorState.create({ doc: mapping.document(content) });
  assert.equal(state.doc.textContent, "a\uFFFCb");
  assert.deepEqual(shadow.read(state.apply(state.tr.insertText("x", 1)).doc, null).delta, [{ insert: "x" }]);
  const again = new Shadow(mapping, content);
  assert.deepEqual(again.read(state.apply(state.tr.delete(2, 3)).doc, null).delta, [{ retain: 1 }, { delete: 1 }]);
});

test("a document that no text means is repaired", () => {
  const shadow = new Shadow(mapping, [{ insert: "ab\n" }]);
  const state = EditorState.create({ doc: mapping.document([{ insert: "ab\n" }]) });
  const { delta, repair } = shadow.read(state.apply(state.tr.insertText("\n", 2)).doc, null);
  assert.deepEqual(delta, [{ retain: 1 }, { insert: " " }]);
  assert.equal(repair!.nodes[0]!.textContent, "a b");
});

test("offsets of the text and positions in the document lead to each other", () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = new Random(seed);
    const content = random.chance(50) ? randomContent(random) : mapping.content(randomDocument(random));
    const shadow = new Shadow(mapping, content);
    const document = mapping.document(content);
    const last = shadow.blocks.at(-1)!.lines.at(-1)!.line;
    for (let offset = 0; offset < lengthOf(content) + (last.ended ? 0 : 1); offset += 1) {
      const position = shadow.position(offset);
      assert.ok(position <= document.content.size);
      assert.equal(shadow.offset(position), offset, `seed ${seed}: ${offset} at ${position} in ${document}`);
    }
  }
});

function replaced(document: Node, { index, removed, nodes }: Replaced): Node {
  return document.type.create(null, [...document.children.slice(0, index), ...nodes, ...document.children.slice(index + removed)]);
}

/** Whether some text begins or ends within a character, or has a newline outside of code. */
function isUnsayable(document: Node): boolean {
  let found = false;
  document.descendants((node, _, parent) => void (found ||= node.isText && (/\p{Surrogate}/u.test(node.text!) || (!parent!.type.spec.code && node.text!.includes("\n")))));
  return found;
}
