import assert from "node:assert/strict";
import { test } from "node:test";
import { EditorState, type ChangeSpec } from "@codemirror/state";
import type { RemoteCaret } from "../src/binding/carets.js";
import { LineEnds, lineFeeds, replacementsOf } from "../src/binding/line-ends.js";
import { TextBinding, type Repair, type TextEditor } from "../src/binding/text.js";
import type { Replacement } from "../src/delta.js";
import { connect, type Cursor, type Delta, type Document } from "../src/index.js";
import { WasmClient, type FakeDocument } from "./fake-wasm.js";
import { randomOf } from "./random.js";
import { settled } from "./settled.js";

/** CodeMirror's state, without a page: an editor that counts what it is told. */
class StateEditor implements TextEditor {
  state: EditorState = EditorState.create();
  binding!: TextBinding;
  readonly loads: string[] = [];
  readonly changes: (readonly Replacement[])[] = [];
  carets: readonly RemoteCaret[] = [];
  readOnly: boolean | null = null;
  hasFocus = true;

  get length(): number {
    return this.state.doc.length;
  }
  text(): string {
    return this.state.sliceDoc();
  }
  slice(start: number, end: number): string {
    return this.state.doc.sliceString(Math.max(0, start), Math.min(end, this.length), "\n");
  }
  load(text: string): void {
    this.loads.push(text);
    this.state = this.state.update({ changes: { from: 0, to: this.length, insert: text } }).state;
  }
  change(replacements: readonly Replacement[]): void {
    this.changes.push(replacements);
    this.state = this.state.update({ changes: replacements.map(({ start, end, insert }) => ({ from: start, to: end, insert })) }).state;
  }
  setReadOnly(readOnly: boolean): void {
    this.readOnly = readOnly;
  }
  selection(): Cursor | null {
    return this.hasFocus ? this.state.selection.main : null;
  }
  select({ anchor, head }: Cursor): void {
    this.state = this.state.update({ selection: { anchor, head } }).state;
  }
  drawCarets(carets: readonly RemoteCaret[]): void {
    this.carets = carets;
  }

  /** Edits as a user does. */
  edit(changes: ChangeSpec, caret?: number): void {
    const transaction = this.state.update(caret === undefined ? { changes } : { changes, selection: { anchor: caret } });
    this.state = transaction.state;
    const replacements: Replacement[] = [];
    transaction.changes.iterChanges((start, end, _from, _to, insert) => {
      replacements.push({ start, end, insert: insert.sliceString(0, insert.length, "\n") });
    });
    this.binding.edited(replacements);
  }
}

interface Bound {
  document: Document;
  fake: FakeDocument;
  engine: WasmClient;
  editor: StateEditor;
  deltas: Delta[];
  errors: string[];
  repairs: Repair[];
}

async function bind(text: string): Promise<Bound> {
  const client = connect("ws://localhost:1", { wasm: { WasmClient } });
  await settled();
  const engine = WasmClient.made.at(-1)!;
  const document = client.open("a");
  const fake = engine.document("a");
  if (text) fake.remote([{ insert: text }]);
  const [deltas, errors, repairs]: [Delta[], string[], Repair[]] = [[], [], []];
  const editor = new StateEditor();
  editor.binding = new TextBinding(document, editor, { onError: ({ code }) => void errors.push(code), onRepair: (repair) => void repairs.push(repair) });
  document.on("change", ({ delta, origin }) => void (origin === "local" && deltas.push(delta)));
  await settled();
  return { document, fake, engine, editor, deltas, errors, repairs };
}

test("what is typed reaches the document as the editor's own change", async () => {
  const { document, editor, deltas } = await bind("aaaa");
  editor.edit({ from: 2, insert: "a" }, 3);
  assert.deepEqual(deltas, [[{ retain: 2 }, { insert: "a" }]]);
  editor.edit([{ from: 0, to: 1, insert: "x" }, { from: 4, insert: "y" }]);
  assert.deepEqual(deltas.at(-1), [{ insert: "x" }, { delete: 1 }, { retain: 3 }, { insert: "y" }]);
  assert.equal(document.text, "xaaaya");
});

test("after the load each edit of others is one change of the editor, no larger than itself", async () => {
  const { document, fake, editor, repairs } = await bind("one two three");
  editor.state = editor.state.update({ selection: { anchor: 7, head: 4 } }).state;
  fake.remote([{ insert: "zero " }], [{ retain: 9 }, { insert: "<" }, { retain: 3 }, { insert: ">" }]);
  await settled();
  assert.deepEqual(editor.loads, ["one two three"]);
  assert.deepEqual(editor.changes, [[{ start: 0, end: 0, insert: "zero " }], [{ start: 9, end: 9, insert: "<" }, { start: 12, end: 12, insert: ">" }]]);
  assert.equal(editor.text(), document.text);
  const { anchor, head } = editor.state.selection.main;
  assert.deepEqual(editor.state.sliceDoc(head, anchor), "two");
  assert.deepEqual(repairs, []);
});

test("formats alone change nothing in an editor of plain text", async () => {
  const { fake, editor } = await bind("abc");
  fake.remote([{ retain: 2, attributes: { bold: true } }]);
  await settled();
  assert.deepEqual(editor.changes, []);
});

test("an editor that was changed behind the binding's back is found and mended by the least change", async () => {
  const { document, fake, editor, repairs } = await bind("one two three");
  editor.state = editor.state.update({ changes: { from: 4, to: 7 } }).state;
  fake.remote([{ insert: "> " }]);
  await settled();
  assert.equal(editor.text(), "> one two three");
  assert.equal(document.text, "> one two three");
  assert.deepEqual(repairs, [{ found: 12, expected: 15, replacement: { start: 6, end: 6, insert: "two" } }]);
  assert.equal(editor.loads.length, 1);
});

test("what the document refuses is taken back, told once, and no repair", async () => {
  const { document, engine, editor, errors, repairs } = await bind("abc");
  const { apply } = engine;
  engine.apply = () => { throw "operation_too_large"; };
  editor.edit({ from: 3, insert: "XXXX" });
  engine.apply = apply;
  await settled();
  assert.deepEqual([editor.text(), document.text, errors, repairs], ["abc", "abc", ["operation_too_large"], []]);
  editor.edit({ from: 3, insert: "d" });
  assert.equal(document.text, "abcd");
});

test("undo and redo are shown as the document's changes, with the selection that belongs to them", async () => {
  const { document, fake, editor, repairs } = await bind("abc");
  editor.edit({ from: 1, insert: "XY" }, 3);
  document.undo();
  fake.remote([{ insert: "> " }]);
  await settled();
  assert.deepEqual([editor.text(), editor.state.selection.main.head], ["> abc", 3]);
  assert.deepEqual(editor.changes, [[{ start: 1, end: 3, insert: "" }], [{ start: 0, end: 0, insert: "> " }]]);
  assert.deepEqual(repairs, []);
});

test("edits never part a surrogate pair, and half a character is not taken", async () => {
  const { document, editor, deltas } = await bind("a😀b");
  // Comparing by code units, an editor sees only the second half change.
  editor.edit({ from: 2, to: 3, insert: "😁"[1]! });
  assert.deepEqual(deltas, [[{ retain: 1 }, { insert: "😁" }, { delete: 2 }]]);
  editor.edit({ from: 2, to: 3 });
  await settled();
  assert.equal(document.text, "ab");
  assert.equal(editor.text(), "ab");
});

test("carriage returns stay in the document and are not seen in the editor", async () => {
  const { document, fake, editor, repairs } = await bind("one\r\ntwo\rthree");
  assert.equal(editor.text(), "one\ntwo\nthree");
  editor.edit({ from: 5, insert: "X" });
  assert.equal(document.text, "one\r\ntXwo\rthree");
  editor.edit({ from: 3, to: 4 });
  assert.equal(document.text, "onetXwo\rthree");
  // Behind a carriage return of its own, a line feed would be part of it.
  editor.edit({ from: 8, insert: "\n" });
  assert.equal(document.text, "onetXwo\n\nthree");
  fake.remote([{ insert: "\r" }], [{ retain: 1 }, { insert: "\n" }], [{ delete: 1 }]);
  await settled();
  assert.equal(editor.text(), lineFeeds(document.text));
  assert.deepEqual(repairs, []);
});

test("cursors are told in the document's offsets, once, and not while the editor lacks something", async () => {
  const { fake, editor } = await bind("a\r\nbc");
  const cursorsAt = fake.cursors.length;
  editor.state = editor.state.update({ selection: { anchor: 3 } }).state;
  editor.binding.sendCursor();
  editor.binding.sendCursor();
  fake.remote([{ insert: "12" }]);
  editor.binding.sendCursor();
  await settled();
  editor.hasFocus = false;
  editor.state = editor.state.update({ selection: { anchor: 0 } }).state;
  editor.binding.sendCursor();
  assert.deepEqual(fake.cursors.slice(cursorsAt), [[4, 4]]);
  editor.binding.destroy();
  assert.equal(fake.cursors.at(-1), null);
});

test("others' carets are drawn where the editor shows them", async () => {
  const { fake, editor } = await bind("a\r\nbc");
  fake.members = [{ number: 2, user: "bo", name: "Bo", state: {}, active: "active", self: false, cursor: { anchor: 3, head: 4 } }];
  fake.tellPresence();
  fake.remote([{ insert: "12" }]);
  await settled();
  assert.deepEqual(editor.carets.map(({ name, anchor, head }) => [name, anchor, head]), [["Bo", 4, 5]]);
});

test("line ends come out the same whatever changes on either side", async () => {
  const { seed, below } = randomOf();
  const pieces = ["a", "\r", "\n", "\r\n", "b\r", "\nc", "", "\r\r\n"];
  for (let round = 0; round < 200; round += 1) {
    let text = pieces[below(8)]! + pieces[below(8)]!;
    const ends = new LineEnds();
    let shown = ends.reset(text);
    for (let step = 0; step < 20; step += 1) {
      const apply = (into: string, replacements: readonly Replacement[]) =>
        replacements.slice().reverse().reduce((left, { start, end, insert }) => left.slice(0, start) + insert + left.slice(end), into);
      if (below(2)) {
        const at = below(text.length + 1);
        const delta: Delta = [{ retain: at }, { insert: pieces[below(8)]! }, { delete: Math.min(below(3), text.length - at) }].filter((part) => Object.values(part)[0]);
        shown = apply(shown, ends.show(delta, () => shown));
        text = apply(text, replacementsOf(delta));
      } else {
        const start = below(shown.length + 1);
        const change = { start, end: Math.min(shown.length, start + below(3)), insert: lineFeeds(pieces[below(8)]!) };
        shown = apply(shown, [change]);
        text = apply(text, replacementsOf(ends.made([change])));
      }
      assert.equal(shown, lineFeeds(text), `seed ${seed}, round ${round}, step ${step}`);
    }
  }
});

test("editor and document agree after hundreds of edits of both, composed words among them", async () => {
  const { seed, below } = randomOf();
  const pieces = ["a", "b", "\n", "\r\n", "😀", "é", "שלום", ""];
  const aligned = (text: string, offset: number) => ((text.charCodeAt(offset) & 0xfc00) === 0xdc00 ? offset - 1 : offset);
  const { document, fake, editor, errors, repairs } = await bind("");
  for (let step = 0; step < 600; step += 1) {
    if (below(10) === 0) editor.binding.link.hold();
    for (let edits = below(3); edits > 0; edits -= 1) {
      const { text } = fake;
      const start = aligned(text, below(text.length + 1));
      const end = aligned(text, Math.max(start, Math.min(text.length, start + below(5))));
      fake.remote([{ retain: start }, { insert: pieces[below(8)]! }, { delete: end - start }]);
    }
    if (below(2)) await settled();
    const text = editor.text();
    const start = aligned(text, below(text.length + 1));
    editor.edit({ from: start, to: aligned(text, Math.max(start, Math.min(text.length, start + below(4)))), insert: lineFeeds(pieces[below(8)]!) });
    if (below(4) === 0) editor.binding.link.release();
    if (below(2)) await settled();
    if (editor.binding.link.isCurrent) assert.equal(editor.text(), lineFeeds(document.text), `seed ${seed}, step ${step}`);
  }
  assert.deepEqual([errors, repairs, editor.loads.length], [[], [], 0], `seed ${seed}`);
});
