import assert from "node:assert/strict";
import { test } from "node:test";
import { createElement, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { effectScope, watch } from "vue";
import { connect } from "../src/index.js";
import { CowriteProvider, useConnection, useDocument, useOthers, useStatus, useSuspenseDocument, useText, useUndo } from "../src/react.js";
import * as svelte from "../src/svelte.js";
import * as vue from "../src/vue.js";
import { WasmClient } from "./fake-wasm.js";

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

async function start() {
  const client = connect("ws://localhost:1", { wasm: { WasmClient } });
  await settled();
  return { client, engine: WasmClient.made.at(-1)! };
}

test("React on a server renders an empty document and connects to nothing", async () => {
  const made = WasmClient.made.length;
  const Notes = () => {
    const notes = useDocument("notes");
    const names = useOthers(notes, (others) => others.map(({ name }) => name));
    return createElement("p", null, JSON.stringify([useText(notes), useText(notes, (text) => text.length), names, useStatus(notes).role, useUndo(notes).canUndo, useConnection().state]));
  };
  const Loaded = () => createElement("b", null, useSuspenseDocument("notes").text);
  // Neither a relative address nor a missing socket matters there.
  const app = createElement(StrictMode, null, createElement(CowriteProvider, { url: "/v1/socket", wasm: { WasmClient } }, createElement(Notes)));
  assert.equal(renderToString(app).replaceAll("&quot;", '"').replaceAll("<!--$-->", "").replaceAll("<!--/$-->", ""), '<p>["",0,[],null,false,"connecting"]</p>');
  const waiting = createElement(CowriteProvider, { url: "/v1/socket", wasm: { WasmClient }, fallback: "loading" }, createElement(Loaded));
  assert.match(renderToString(waiting), /loading/);
  await settled();
  assert.equal(WasmClient.made.length, made);
});

test("Vue's refs follow the document until their scope ends", async () => {
  const { client, engine } = await start();
  const scope = effectScope();
  const seen: number[] = [];
  const made = scope.run(() => {
    const document = vue.useDocument(client, "a");
    const length = vue.useText(document, (text) => text.length);
    watch(length, (value) => seen.push(value), { flush: "sync" });
    return { document, text: vue.useText(document), status: vue.useStatus(document), length };
  })!;
  await made.document.ready;
  made.document.insert(0, "ab");
  assert.deepEqual([made.text.value, made.length.value], ["ab", 2]);
  engine.document("a").remote([{ insert: "xy" }, { delete: 2 }]);
  await settled();
  assert.deepEqual([made.text.value, made.status.value.role], ["xy", "editor"]);
  assert.deepEqual(seen, [2], "its length is the same");
  scope.stop();
  made.document.insert(0, "!");
  assert.equal(made.text.value, "xy");
});

test("Svelte's stores tell what they select, first at once and then when it changes", async () => {
  const { client, engine } = await start();
  const document = client.open("a");
  await document.ready;
  const [texts, lengths]: [string[], number[]] = [[], []];
  const ends = [svelte.textOf(document).subscribe((text) => texts.push(text)), svelte.textOf(document, (text) => text.length).subscribe((length) => lengths.push(length))];
  document.insert(0, "ab");
  engine.document("a").remote([{ insert: "xy" }, { delete: 2 }]);
  await settled();
  ends.forEach((end) => end());
  document.insert(0, "!");
  assert.deepEqual([texts, lengths], [["", "ab", "xy"], [0, 2]]);
});

test("Vue and Svelte tell of undo only when there begins or ceases to be something to take back", async () => {
  const { client } = await start();
  const document = client.open("a");
  await document.ready;
  const [scope, inVue, inSvelte]: [ReturnType<typeof effectScope>, vue.Undo[], svelte.Undo[]] = [effectScope(), [], []];
  const ref = scope.run(() => vue.useUndo(document))!;
  scope.run(() => watch(ref, (value) => inVue.push(value), { flush: "sync" }));
  const end = svelte.undoOf(document).subscribe((value) => inSvelte.push(value));
  const { undo, redo } = ref.value;
  assert.deepEqual([undo(), redo()], [false, false], "there is nothing");
  for (const step of [() => document.insert(0, "a"), () => document.insert(1, "b"), undo, redo, () => document.insert(2, "c")]) {
    step();
    await settled();
  }
  const seen = (values: (vue.Undo | svelte.Undo)[]) => values.map(({ canUndo, canRedo }) => `${canUndo} ${canRedo}`);
  assert.deepEqual(seen(inVue), ["true false", "true true", "true false"]);
  assert.deepEqual(seen(inSvelte), ["false false", ...seen(inVue)]);
  assert.deepEqual(inVue.map((value) => [value.undo, value.redo]), inVue.map(() => [undo, redo]), "they stay the same functions");
  document.close();
  await settled();
  assert.deepEqual([ref.value.canUndo, inSvelte.at(-1)!.canUndo, undo()], [false, false, false], "a button was pressed as the document closed");
  scope.stop();
  end();
});

test("a client and a document end with the block that uses them", async () => {
  const { client } = await start();
  const document = client.open("a");
  document[Symbol.dispose]();
  assert.equal(document.status.state, "closed");
  client[Symbol.dispose]();
  assert.equal(client.status.state, "stopped");
});
