import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, type CowriteError, type Delta, type Document } from "../src/index.js";
import { bindTextarea, type Repair } from "../src/textarea.js";
import { differenceOf } from "../src/binding/difference.js";
import { View } from "../src/binding/view.js";
import { FakeTextarea } from "./fake-textarea.js";
import { WasmClient, type FakeDocument } from "./fake-wasm.js";
import { settled } from "./settled.js";

interface Bound {
  document: Document;
  fake: FakeDocument;
  engine: WasmClient;
  area: FakeTextarea;
  errors: string[];
  repairs: Repair[];
  /** Lets what is put off to the end of a task happen. */
  settle: () => Promise<void>;
}

async function bind(text: string, tagName: "TEXTAREA" | "INPUT" = "TEXTAREA"): Promise<Bound> {
  const client = connect("ws://localhost:1", { wasm: { WasmClient } });
  await settled();
  const engine = WasmClient.made.at(-1)!;
  const document = client.open("a");
  await document.ready;
  const fake = engine.document("a");
  if (text) fake.remote([{ insert: text }]);
  const area = new FakeTextarea(tagName);
  const errors: string[] = [];
  const repairs: Repair[] = [];
  bindTextarea(area.element, document, { onError: (error: CowriteError) => void errors.push(error.code), onRepair: (repair) => void repairs.push(repair) });
  await settled();
  return { document, fake, engine, area, errors, repairs, settle: settled };
}

const insertAt = (offset: number, insert: string): Delta => [{ retain: offset }, { insert }];

test("typing, replacing and deleting reach the document where they were made", async () => {
  const { document, area, fake } = await bind("aaaa");
  area.select(2);
  const deltas: Delta[] = [];
  document.on("change", ({ delta }) => void deltas.push(delta));
  area.type("a");
  assert.deepEqual(deltas, [[{ retain: 2 }, { insert: "a" }]]);
  area.select(1, 4);
  area.type("bc");
  assert.equal(document.text, "abca");
  area.select(0, 2);
  area.type("");
  assert.equal(document.text, "ca");
  assert.deepEqual(fake.cursors.at(-1), [0, 0]);
});

test("remote edits keep caret, selection with its direction, and scroll position", async () => {
  const { area, fake, settle } = await bind("one two three");
  area.select(4, 7, "backward");
  area.scrollTop = 30;
  fake.remote(insertAt(0, "zero "), insertAt(9, "<"), insertAt(13, ">"));
  await settle();
  assert.equal(area.value, "zero one <two> three");
  assert.equal(area.value.slice(area.selectionStart, area.selectionEnd), "two");
  assert.equal(area.selectionDirection, "backward");
  assert.equal(area.scrollTop, 30);
  area.select(10);
  fake.remote([{ retain: 8 }, { delete: 4 }]);
  await settle();
  assert.deepEqual([area.selectionStart, area.selectionEnd], [8, 8]);
});

test("edits of a long text that come between two frames have the page laid out once", async () => {
  const text = "one two three\n".repeat(8_000);
  const { area, fake, settle } = await bind(text);
  const frames: (() => void)[] = [];
  Object.assign(globalThis, { requestAnimationFrame: (call: () => void) => frames.push(call), cancelAnimationFrame: () => {} });
  try {
    let [asked, top] = [0, 30];
    Object.defineProperty(area, "scrollTop", { get: () => ((asked += 1), top), set: (to: number) => void (top = to) });
    for (const letter of "abc") {
      fake.remote(insertAt(0, letter));
      await settle();
      // As a browser may do.
      top = 0;
    }
    assert.equal(area.value, `cba${text}`);
    assert.equal(asked, 1);
    frames.splice(0).forEach((call) => call());
    assert.equal(top, 30);
    assert.equal(asked, 1);
    fake.remote(insertAt(0, "d"));
    await settle();
    top = 0;
    // The browser will bring the caret into view, and is not to be put back after it.
    area.dispatchEvent(new Event("beforeinput"));
    assert.deepEqual([top, asked], [30, 2]);
  } finally {
    Object.assign(globalThis, { requestAnimationFrame: undefined, cancelAnimationFrame: undefined });
  }
});

test("a caret that an edit elsewhere moved is not sent again", async () => {
  const { area, fake, settle } = await bind("hello");
  area.select(3);
  fake.remote(insertAt(0, "12"));
  await settle();
  area.ownerDocument.dispatchEvent(new Event("selectionchange"));
  assert.deepEqual(fake.cursors, [[0, 0], [3, 3]]);
});

test("edits made by a program through the document are shown too", async () => {
  const { document, area, settle } = await bind("b");
  document.insert(0, "a");
  await settle();
  assert.equal(area.value, "ab");
});

test("while a word is composed the element is left alone, then both come together", async () => {
  const { document, area, fake, settle } = await bind("ab");
  area.select(1);
  area.dispatchEvent(new Event("compositionstart"));
  area.type("k", true);
  // What is composed goes to the others at once.
  assert.equal(document.text, "akb");
  fake.remote(insertAt(0, ">>"), insertAt(5, "<<"));
  await settle();
  assert.equal(area.value, "akb");
  area.setSelectionRange(1, 2);
  area.type("かな", true);
  area.dispatchEvent(new Event("compositionend"));
  await settle();
  assert.equal(document.text, ">>aかなb<<");
  assert.equal(area.value, ">>aかなb<<");
  assert.equal(area.selectionStart, 5);
});

test("text that another user put inside a selection survives its being replaced", async () => {
  const { document, area, fake, settle } = await bind("abcd");
  area.select(1, 3);
  area.dispatchEvent(new Event("compositionstart"));
  fake.remote(insertAt(2, "NEW"));
  area.type("x", true);
  area.dispatchEvent(new Event("compositionend"));
  assert.equal(document.text, "axNEWd");
  await settle();
  assert.equal(area.value, "axNEWd");
});

test("carriage returns stay in the document and are not seen in the element", async () => {
  const { document, area, fake, settle } = await bind("one\r\ntwo\rthree");
  assert.equal(area.value, "one\ntwo\nthree");
  area.select(5);
  area.type("X");
  assert.equal(document.text, "one\r\ntXwo\rthree");
  area.select(3, 4);
  area.type("");
  assert.equal(document.text, "onetXwo\rthree");
  fake.remote(insertAt(0, "\r\n"));
  await settle();
  assert.equal(area.value, "\nonetXwo\nthree");
  assert.equal(area.selectionStart, 4);
});

test("an input shows one line", async () => {
  const { document, area, fake, settle } = await bind("a\r\nb", "INPUT");
  assert.equal(area.value, "ab");
  area.select(2);
  area.type("c");
  assert.equal(document.text, "a\r\nbc");
  fake.remote([{ retain: 3 }, { insert: "\n" }, { retain: 1 }, { insert: "\nd" }]);
  await settle();
  assert.equal(area.value, "abdc");
  assert.deepEqual([area.selectionStart, area.selectionEnd], [4, 4]);
});

test("an edit that is refused is reported, and the element shows the document again", async () => {
  const { area, engine, document, errors, settle } = await bind("abc");
  const { apply } = engine;
  engine.apply = () => { throw "operation_too_large"; };
  area.select(3);
  area.type("XXXX");
  engine.apply = apply;
  await settle();
  assert.deepEqual(errors, ["operation_too_large"]);
  assert.equal(area.value, "abc");
  area.type("d");
  assert.equal(document.text, "abcd");
});

test("the element is read-only for viewers and once the document is closed", async () => {
  const { area, fake } = await bind("abc");
  assert.equal(area.readOnly, false);
  fake.role = "viewer";
  fake.opened(false);
  assert.equal(area.readOnly, true);
  fake.role = "editor";
  fake.opened(false);
  assert.equal(area.readOnly, false);
  fake.closed("access_denied");
  assert.equal(area.readOnly, true);
});

test("a value that a program set without any event is merged, not lost", async () => {
  const { area, fake, document, settle } = await bind("abc");
  area.value = "abc and more";
  fake.remote(insertAt(0, "> "));
  await settle();
  assert.equal(document.text, "> abc and more");
  assert.equal(area.value, "> abc and more");
});

test("what the document cannot take is repaired and told", async () => {
  const { area, fake, document, settle, repairs } = await bind("abc");
  fake.role = "viewer";
  fake.opened(false);
  area.value = "abX";
  fake.remote(insertAt(0, "> "));
  await settle();
  assert.deepEqual([document.text, area.value], ["> abc", "> abc"]);
  assert.deepEqual(repairs, [{ found: 5, expected: 5, replacement: { start: 4, end: 5, insert: "c" } }]);
});

test("differences never split a surrogate pair", () => {
  // The two differ in one half of the pair only.
  assert.deepEqual(differenceOf("a😀b", "a😁b", 3), { start: 1, end: 3, insert: "😁" });
  assert.deepEqual(differenceOf("😀😀", "😀", 0), { start: 0, end: 2, insert: "" });
});

test("views translate offsets both ways", () => {
  const view = new View("a\r\nb\r\n", false);
  assert.equal(view.text, "a\nb\n");
  assert.deepEqual([0, 1, 2, 3, 4].map((offset) => view.toDocument(offset)), [0, 1, 3, 4, 6]);
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6].map((offset) => view.toView(offset)), [0, 1, 1, 2, 3, 3, 4]);
});

test("element and document agree after hundreds of edits of both", async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  let state = seed;
  const below = (limit: number) => {
    // Any generator will do; this one is small and the same everywhere.
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const pieces = ["a", "b", "\n", "\r\n", "😀", "é", "שלום", ""];
  const aligned = (text: string, offset: number) => ((text.charCodeAt(offset) & 0xfc00) === 0xdc00 ? offset - 1 : offset);
  const { document, fake, area, errors, settle } = await bind("");
  let composing = false;
  for (let step = 0; step < 600; step += 1) {
    if (!composing && below(10) === 0) area.dispatchEvent(new Event("compositionstart")), (composing = true);
    for (let edits = below(3); edits > 0; edits -= 1) {
      const { text } = fake;
      const start = aligned(text, below(text.length + 1));
      const end = aligned(text, Math.max(start, Math.min(text.length, start + below(5))));
      fake.remote([{ retain: start }, { insert: pieces[below(pieces.length)]! }, { delete: end - start }]);
    }
    if (!composing) await settle();
    const start = aligned(area.value, below(area.value.length + 1));
    area.setSelectionRange(start, aligned(area.value, Math.max(start, Math.min(area.value.length, start + below(4)))));
    area.type(pieces[below(pieces.length)]!.replace("\r", ""), composing);
    if (composing && below(3) === 0) (composing = false), area.dispatchEvent(new Event("compositionend"));
    if (composing) continue;
    await settle();
    const shown = document.text.replace(/\r\n?/g, "\n");
    assert.equal(area.value, shown, `seed ${seed}, step ${step}`);
  }
  assert.deepEqual(errors, [], `seed ${seed}`);
});

/** Presses a key; returns whether the browser would still act on it. */
function press(area: FakeTextarea, key: string, modifiers: Partial<KeyboardEvent> = { ctrlKey: true }): boolean {
  const event = new Event("keydown", { cancelable: true });
  return area.dispatchEvent(Object.assign(event, { key, code: `Key${key.toUpperCase()}`, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...modifiers }));
}

test("the keys for undo and redo are the document's, and put the caret where the change was", async () => {
  const { document, area, fake, settle } = await bind("one two");
  area.select(7);
  area.type("!");
  fake.remote(insertAt(0, "zero "));
  await settle();
  fake.history.undo = [[{ retain: 12 }, { delete: 1 }]];
  area.select(0);
  assert.equal(press(area, "z"), false);
  assert.equal(area.value, "zero one two");
  assert.equal(document.text, "zero one two");
  assert.equal(area.selectionStart, 12);
  assert.equal(press(area, "z", { metaKey: true, shiftKey: true }), false);
  assert.equal(area.value, "zero one two!");
  assert.equal(press(area, "я", { ctrlKey: true, code: "KeyZ" }), false);
  assert.equal(area.value, "zero one two");
  assert.equal(press(area, "y"), false);
  assert.equal(area.value, "zero one two!");
  for (const other of [{ altKey: true, ctrlKey: true }, {}, { ctrlKey: true, metaKey: true }]) assert.equal(press(area, "z", other), true);
  assert.equal(area.value, "zero one two!");
});

test("the browser's menu undoes the document, and a paste is undone alone", async () => {
  const { area, fake } = await bind("");
  area.type("a");
  const input = (inputType: string) => area.dispatchEvent(Object.assign(new Event("beforeinput", { cancelable: true }), { inputType }));
  assert.equal(input("insertFromPaste"), true);
  assert.equal(fake.history.stops, 1);
  assert.equal(input("historyUndo"), false);
  assert.equal(area.value, "");
  assert.equal(input("historyRedo"), false);
  assert.equal(area.value, "a");
  fake.role = "viewer";
  fake.opened(false);
  assert.equal(input("historyUndo"), false);
  assert.equal(area.value, "a");
});
