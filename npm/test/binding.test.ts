import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, type ChangeEvent, type CowriteError, type Delta, type Document } from "../src/index.js";
import { RemoteCarets, type RemoteCaret } from "../src/binding/carets.js";
import { memberColor } from "../src/binding/color.js";
import { Disposal } from "../src/binding/disposal.js";
import { Link, type LinkedEditor } from "../src/binding/link.js";
import { rebase } from "../src/binding/rebase.js";
import { WasmClient, type FakeDocument } from "./fake-wasm.js";
import { randomOf } from "./random.js";
import { settled } from "./settled.js";

/** Applies a delta of text to a list of letters, each with its attributes. */
function applied(letters: readonly string[], delta: Delta): string[] {
  const after: string[] = [];
  let at = 0;
  for (const component of delta) {
    if ("insert" in component) after.push(...String(component.insert));
    else if ("delete" in component) at += component.delete;
    else {
      for (const letter of letters.slice(at, at + component.retain)) {
        const [text, attributes] = [letter[0]!, JSON.parse(letter.slice(1) || "{}") as object];
        const all = Object.entries({ ...attributes, ...component.attributes }).sort();
        after.push(all.length > 0 ? text + JSON.stringify(Object.fromEntries(all)) : text);
      }
      at += component.retain;
    }
  }
  return [...after, ...letters.slice(at)];
}

test("two changes carried over each other lead to the same, whatever they are", () => {
  const { seed, below } = randomOf();
  const change = (length: number): Delta => {
    const delta: Delta[number][] = [];
    for (let at = 0; at < length;) {
      const span = Math.min(1 + below(3), length - at);
      const kind = below(5);
      if (kind === 0) delta.push({ insert: "xyz".slice(0, 1 + below(3)) });
      else if (kind === 1) (delta.push({ delete: span }), (at += span));
      else if (kind === 2) (delta.push({ retain: span, attributes: { [below(2) ? "bold" : "color"]: below(3) } }), (at += span));
      else (delta.push({ retain: span }), (at += span));
    }
    if (below(2)) delta.push({ insert: "end" });
    return delta;
  };
  for (let round = 0; round < 5_000; round += 1) {
    const letters = [..."abcdefgh".slice(0, below(9))];
    const [mine, theirs] = [change(letters.length), change(letters.length)];
    const [carried, over] = rebase(mine, theirs);
    assert.deepEqual(applied(applied(letters, theirs), carried), applied(applied(letters, mine), over), `seed ${seed}, round ${round}`);
  }
});

test("at one place theirs stands before mine, and of two attributes mine counts", () => {
  assert.deepEqual(rebase([{ retain: 1 }, { insert: "m" }], [{ retain: 1 }, { insert: "t" }]), [
    [{ retain: 2 }, { insert: "m" }],
    [{ retain: 1 }, { insert: "t" }],
  ]);
  assert.deepEqual(rebase([{ retain: 1, attributes: { a: 1 } }], [{ retain: 1, attributes: { a: 2, b: 3 } }]), [
    [{ retain: 1, attributes: { a: 1 } }],
    [{ retain: 1, attributes: { b: 3 } }],
  ]);
  // A word that is composed anew stays before what was put behind it, in whichever order the editor tells it.
  for (const mine of [[{ delete: 1 }, { insert: "m" }], [{ insert: "m" }, { delete: 1 }]]) {
    assert.deepEqual(rebase(mine, [{ retain: 1 }, { insert: "t" }])[1], [{ retain: 1 }, { insert: "t" }]);
  }
});

/** The least of an editor: it shows letters. */
class Letters implements LinkedEditor {
  letters: string[] = [];
  readonly changes: ChangeEvent[] = [];
  readonly guards: boolean[] = [];
  readonly errors: string[] = [];
  comparisons = 0;
  failures = 0;
  readonly #document: Document;
  constructor(document: Document) {
    this.#document = document;
  }
  load(): void {
    this.letters = [...this.#document.text];
  }
  show(change: ChangeEvent): void {
    this.changes.push(change);
    this.letters = applied(this.letters, change.delta);
  }
  shown(): void {
    this.comparisons += 1;
  }
  refused(error: CowriteError): void {
    this.errors.push(error.code);
  }
  failed(): void {
    this.failures += 1;
  }
  setReadOnly(readOnly: boolean): void {
    this.guards.push(readOnly);
  }
}

async function linked(text: string): Promise<{ document: Document; fake: FakeDocument; engine: WasmClient; editor: Letters; link: Link; type: (delta: Delta) => void }> {
  const client = connect("ws://localhost:1", { wasm: { WasmClient } });
  await settled();
  const engine = WasmClient.made.at(-1)!;
  const document = client.open("a");
  const fake = engine.document("a");
  if (text) fake.remote([{ insert: text }]);
  const editor = new Letters(document);
  const link = new Link(document, editor);
  await settled();
  const type = (delta: Delta) => {
    editor.letters = applied(editor.letters, delta);
    link.edit(delta);
  };
  return { document, fake, engine, editor, link, type };
}

test("each edit of others is shown once, own ones never, and comparing comes after", async () => {
  const { document, fake, editor, type } = await linked("abc");
  type([{ retain: 3 }, { insert: "d" }]);
  fake.remote([{ insert: "1" }], [{ retain: 1 }, { insert: "2" }]);
  document.insert(0, "p");
  assert.equal(editor.changes.length, 0);
  await settled();
  assert.deepEqual(editor.changes.map(({ origin }) => origin), ["remote", "remote", "local"]);
  assert.equal(editor.letters.join(""), document.text);
  assert.equal(editor.comparisons, 1);
});

test("while a word is composed nothing is shown, and what is typed comes together with what waits", async () => {
  const { document, fake, editor, link, type } = await linked("ab");
  link.hold();
  type([{ retain: 1 }, { insert: "k" }]);
  fake.remote([{ insert: ">>" }, { retain: 3 }, { insert: "<<" }]);
  await settled();
  assert.equal(link.isCurrent, false);
  type([{ retain: 1 }, { delete: 1 }, { insert: "か" }]);
  assert.equal(editor.letters.join(""), "aかb");
  assert.equal(document.text, ">>aかb<<");
  link.release();
  // The next word begins before the last one's task has come.
  link.hold();
  await settled();
  assert.equal(editor.letters.join(""), "aかb");
  link.release();
  await settled();
  assert.equal(editor.letters.join(""), document.text);
});

test("editor and document agree after hundreds of edits of both", async () => {
  const { seed, below } = randomOf();
  const { document, fake, editor, link, type } = await linked("");
  const change = (length: number): Delta => {
    const at = below(length + 1);
    return [{ retain: at }, { insert: "abcdef".slice(0, below(4)) }, { delete: Math.min(below(4), length - at) }];
  };
  for (let step = 0; step < 800; step += 1) {
    if (below(10) === 0) link.hold();
    for (let edits = below(3); edits > 0; edits -= 1) fake.remote(change(fake.text.length));
    if (below(3) === 0) await settled();
    type(change(editor.letters.length));
    if (below(5) === 0) link.release();
    if (below(5) === 0) document.insert(below(document.length + 1), "p");
    if (below(3) === 0) await settled();
    if (link.isCurrent) assert.equal(editor.letters.join(""), document.text, `seed ${seed}, step ${step}`);
  }
});

test("a refused edit is told, and the editor is compared with the document", async () => {
  const { engine, editor, type } = await linked("abc");
  engine.apply = () => { throw "operation_too_large"; };
  type([{ insert: "x" }]);
  await settled();
  assert.deepEqual(editor.errors, ["operation_too_large"]);
  assert.equal(editor.comparisons, 1);
});

test("an editor may be written in exactly as long as the document may", async () => {
  const { fake, editor } = await linked("abc");
  fake.role = "viewer";
  fake.opened(false);
  fake.role = "editor";
  fake.opened(false);
  fake.closed("access_denied");
  assert.deepEqual(editor.guards, [false, true, false, true]);
});

test("nothing is shown after the end", async () => {
  const { fake, editor, link, type } = await linked("abc");
  fake.remote([{ insert: "1" }]);
  link.destroy();
  link.destroy();
  fake.remote([{ insert: "2" }]);
  await settled();
  assert.equal(editor.letters.join(""), "abc");
  type([{ insert: "x" }]);
  assert.equal(fake.text, "21abc");
});

test("carets are those of others that have one, drawn when the editor shows all of the document", async () => {
  const { document, fake, link } = await linked("abc");
  const drawn: (readonly RemoteCaret[])[] = [];
  const carets = new RemoteCarets(document, (list) => void drawn.push(list), () => link.isCurrent);
  const member = (number: number, user: string, self: boolean, caret: boolean, state: object) =>
    ({ number, user, name: user, state, active: "active", self, cursor: caret ? { anchor: 1, head: 2 } : null }) as const;
  fake.members = [member(3, "cy", false, true, { name: "Cy", color: "#123456" }), member(1, "me", true, true, {}), member(2, "bo", false, true, {}), member(4, "di", false, false, {})];
  await settled();
  const bo = { member: 2, name: "bo", color: memberColor({ user: "bo", state: {} }), anchor: 1, head: 2 };
  assert.deepEqual(drawn, [[bo, { member: 3, name: "Cy", color: "#123456", anchor: 1, head: 2 }]]);
  link.hold();
  fake.remote([{ insert: "12" }]);
  await settled();
  assert.equal(drawn.length, 1);
  link.release();
  await settled();
  carets.invalidate();
  await settled();
  assert.deepEqual(drawn.at(-1)![0], { ...bo, anchor: 3, head: 4 });
  carets.destroy();
  fake.remote([{ insert: "3" }]);
  await settled();
  assert.equal(drawn.length, 2);
});

test("a colour is the user's, and never more than a colour", () => {
  assert.equal(memberColor({ user: "ada", state: {} }), memberColor({ user: "ada", state: { color: "red; background: url(x)" } }));
  assert.match(memberColor({ user: "", state: {} }), /^#[\da-f]{6}$/);
});

test("what is disposed of goes last first, and a failure stops nothing", () => {
  const done: number[] = [];
  const disposal = new Disposal();
  disposal.add(() => void done.push(1), () => void done.push(2));
  disposal.dispose();
  disposal.dispose();
  disposal.add(() => void done.push(3));
  assert.deepEqual([done, disposal.done], [[2, 1, 3], true]);
});
