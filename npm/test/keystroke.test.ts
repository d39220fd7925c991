// What a keystroke may do, counted instead of timed: `bench/browser` has the times.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { TextBinding, type TextEditor } from "../src/binding/text.js";
import type { Replacement } from "../src/delta.js";
import { connect, type Cursor, type Document } from "../src/index.js";
import { UnloadWarning } from "../src/unload.js";
import { WasmClient, type FakeDocument } from "./fake-wasm.js";
import { settled } from "./settled.js";

const TEXT = "some words of a long line\n".repeat(40_000);

/** An editor that counts what its binding asks of it, in calls and in code units of text. */
class CountingEditor implements TextEditor {
  binding!: TextBinding;
  content = "";
  counts = { whole: 0, units: 0, changes: 0, draws: 0, readOnly: 0 };

  get length(): number {
    return this.content.length;
  }
  text(): string {
    this.counts.whole += 1;
    return this.content;
  }
  slice(start: number, end: number): string {
    const slice = this.content.slice(Math.max(0, start), end);
    this.counts.units += slice.length;
    return slice;
  }
  load(text: string): void {
    this.content = text;
  }
  change(replacements: readonly Replacement[]): void {
    this.counts.changes += 1;
    for (const { start, end, insert } of [...replacements].reverse()) this.content = this.content.slice(0, start) + insert + this.content.slice(end);
  }
  setReadOnly(): void {
    this.counts.readOnly += 1;
  }
  selection(): Cursor | null {
    return { anchor: 500_001, head: 500_001 };
  }
  select(): void {}
  drawCarets(): void {
    this.counts.draws += 1;
  }

  type(offset: number, letter: string): void {
    this.content = this.content.slice(0, offset) + letter + this.content.slice(offset);
    this.binding.edited([{ start: offset, end: offset, insert: letter }]);
  }
}

async function bind(): Promise<{ document: Document; fake: FakeDocument; editor: CountingEditor; asked: string[] }> {
  const client = connect("ws://localhost:1", { wasm: { WasmClient } });
  await settled();
  const engine = WasmClient.made.at(-1)!;
  const document = client.open("a");
  const fake = engine.document("a");
  fake.remote([{ insert: TEXT }]);
  const editor = new CountingEditor();
  editor.binding = new TextBinding(document, editor, {});
  await settled();
  assert.equal(editor.content, TEXT);
  // From here on, whatever makes a text or a list of everything is written down.
  const asked: string[] = [];
  for (const name of ["text", "contents", "members", "pending"] as const) {
    const read = engine[name].bind(engine);
    engine[name] = (doc: number) => (asked.push(name), read(doc));
  }
  editor.counts = { whole: 0, units: 0, changes: 0, draws: 0, readOnly: 0 };
  return { document, fake, editor, asked };
}

test("a keystroke reads nothing of a large document but the letters beside it, and changes nothing in the editor", async () => {
  const { document, fake, editor, asked } = await bind();
  for (let count = 0; count < 10; count += 1) {
    editor.type(500_000 + count, "x");
    fake.acceptAll();
    await settled();
  }
  assert.deepEqual(asked, []);
  assert.deepEqual(editor.counts, { whole: 0, units: 20, changes: 0, draws: 0, readOnly: 0 });
  assert.equal(document.length, TEXT.length + 10);
});

test("edits without a pause leave nothing behind for each of them", async () => {
  const { document, fake } = await bind();
  const { queueMicrotask } = globalThis;
  let queued = 0;
  globalThis.queueMicrotask = (task) => ((queued += 1), queueMicrotask(task));
  try {
    for (let count = 0; count < 100; count += 1) document.insert(500_000 + count, "x");
    // The editor shows all of them together.
    assert.equal(queued, 1);
    const accepted = document.whenAccepted();
    for (let count = 0; count < 100; count += 1) document.insert(500_000 + count, "x");
    fake.acceptAll();
    assert.equal(queued, 2);
    await accepted;
  } finally {
    globalThis.queueMicrotask = queueMicrotask;
  }
});

test("another's keystroke is one change of the editor, and no text is copied", async () => {
  const { fake, editor, asked } = await bind();
  for (let count = 0; count < 10; count += 1) {
    fake.remote([{ retain: 700_000 }, { insert: "x" }]);
    await settled();
  }
  assert.deepEqual(asked, []);
  assert.deepEqual(editor.counts, { whole: 0, units: 0, changes: 10, draws: 0, readOnly: 0 });
});

test("with another's caret shown, an edit asks for where it is, and not who everybody is", async () => {
  const { fake, editor, asked } = await bind();
  fake.members = [{ number: 2, user: "b", name: "b", state: {}, active: "active", self: false, cursor: { anchor: 9, head: 9 } }];
  fake.tellPresence();
  await settled();
  asked.length = editor.counts.draws = 0;
  editor.type(500_000, "x");
  await settled();
  assert.deepEqual([asked, editor.counts.draws], [[], 1]);
});

test("the browser is told once of many keystrokes that the page has something to ask", () => {
  const listeners = new Set<(event: { preventDefault(): void }) => void>();
  let told = 0;
  const page = globalThis as { window?: unknown };
  page.window = {
    addEventListener: (_: string, listener: (event: { preventDefault(): void }) => void) => (listeners.add(listener), (told += 1)),
    removeEventListener: (_: string, listener: (event: { preventDefault(): void }) => void) => (listeners.delete(listener), (told += 1)),
  };
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const asks = () => {
      let asked = false;
      for (const listener of listeners) listener({ preventDefault: () => (asked = true) });
      return asked;
    };
    const warning = new UnloadWarning();
    for (let count = 0; count < 100; count += 1) {
      warning.armed = true;
      assert.equal(asks(), true);
      warning.armed = false;
      assert.equal(asks(), false);
      mock.timers.tick(100);
    }
    assert.equal(told, 1);
    // At rest the page may be kept for a quick return again.
    mock.timers.tick(4_000);
    assert.deepEqual([told, listeners.size], [2, 0]);
    warning.armed = true;
    mock.timers.tick(60_000);
    assert.equal(asks(), true);
  } finally {
    mock.timers.reset();
    delete page.window;
  }
});
