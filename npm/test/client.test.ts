import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, CowriteError, type Document, type TokenSource } from "../src/index.js";
import { WasmClient, type FakeDocument } from "./fake-wasm.js";

/** A client on a fresh engine that has started. */
async function start(token?: TokenSource) {
  const client = connect("http://localhost:1/v1/socket", { wasm: { WasmClient }, ...(token === undefined ? {} : { token }) });
  await new Promise((resolve) => setImmediate(resolve));
  return { client, engine: WasmClient.made.at(-1)! };
}

async function open(): Promise<{ document: Document; fake: FakeDocument; engine: WasmClient }> {
  const { client, engine } = await start();
  const document = client.open("a");
  await document.ready;
  return { document, fake: engine.document("a"), engine };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

const code = (expected: string) => (error: unknown) => error instanceof CowriteError && error.code === expected;

test("an http address becomes a socket's", async () => {
  const { engine } = await start();
  assert.equal(engine.url, "ws://localhost:1/v1/socket");
});

test("the token is asked for, also when it is slow, and a failure is told to the engine", async () => {
  const { client, engine } = await start(async () => "fresh");
  assert.deepEqual(engine.calls, ["connect", "token fresh"]);
  assert.equal(client.status.state, "online");
  const reported: unknown[] = [];
  const { error } = console;
  console.error = (value) => void reported.push(value);
  const failing = await start(() => Promise.reject(new Error("no session")));
  console.error = error;
  assert.deepEqual(failing.engine.calls, ["connect", "token_failed"]);
  assert.equal(failing.client.status.error?.code, "token_failed");
  assert.ok(failing.client.status.retryAt! > Date.now() + 3_000);
  assert.equal((reported[0] as Error).message, "no session");
});

test("a fresh token is handed out whenever the engine asks, and the connection goes on", async () => {
  let turn = 0;
  const { client, engine } = await start(() => `token${++turn}`);
  const states: string[] = [];
  client.on("status", ({ state, error }) => states.push(`${state} ${error?.code}`));
  engine.tell({ type: "need_token" });
  await settled();
  assert.deepEqual(engine.calls, ["connect", "token token1", "token token2"]);
  assert.deepEqual(states, []);
});

test("that no fresh token is to be had is told while the connection still holds", async () => {
  let failing = false;
  const { client, engine } = await start(() => (failing ? Promise.reject(new Error("no session")) : "good"));
  failing = true;
  const { error } = console;
  console.error = () => {};
  engine.tell({ type: "need_token" });
  await settled();
  console.error = error;
  assert.equal(engine.calls.at(-1), "token_failed");
  assert.deepEqual([client.status.state, client.status.error?.code], ["online", "token_failed"]);
  failing = false;
  engine.tell({ type: "need_token" });
  await settled();
  assert.deepEqual([client.status.state, client.status.error], ["online", null]);
});

test("a token that is a text is said to be fixed", async () => {
  const { engine } = await start("dev:Ada");
  assert.deepEqual(engine.calls, ["connect", "fixed dev:Ada"]);
});

test("an answer of a source that was replaced is not used", async () => {
  let answer!: (token: string) => void;
  const { client, engine } = await start(() => new Promise((resolve) => (answer = resolve)));
  client.setToken(() => "new");
  await settled();
  answer("old");
  await settled();
  assert.deepEqual(engine.calls, ["connect", "refresh_token", "token new"]);
});

test("a refusal says why and what to do, and who signs in again has lost nothing", async () => {
  const { client, engine } = await start("stale");
  const document = client.open("a");
  await document.ready;
  document.insert(0, "kept");
  const accepted = document.whenAccepted();
  const stages: string[] = [];
  document.on("closed", ({ code }) => stages.push(code));
  document.on("opened", () => stages.push("opened"));
  engine.stop("unauthorized");
  await assert.rejects(accepted, code("unauthorized"));
  assert.equal(client.status.state, "stopped");
  assert.equal(client.status.error?.retryable, false);
  assert.match(client.status.error!.whatToDo, /setToken/);
  assert.deepEqual(document.pending, [{ retain: 0 }, { insert: "kept" }]);
  // Asked for again it is the same one: another would come without what is pending.
  assert.equal(client.open("a"), document);
  client.setToken("fresh");
  await settled();
  assert.equal(engine.calls.at(-1), "fixed fresh");
  assert.deepEqual([document.error, document.status.state, document.status.pending], [null, "connecting", 1]);
  engine.document("a").status = { ...engine.document("a").status, state: "online" };
  engine.document("a").opened(false);
  const again = document.whenAccepted();
  engine.document("a").acceptAll();
  await again;
  assert.deepEqual(stages, ["unauthorized", "opened"]);
});

test("a document that was refused before it was loaded is ready after the next sign-in", async () => {
  const { client, engine } = await start("stale");
  engine.opensAtOnce = false;
  const document = client.open("a");
  engine.stop("unauthorized");
  await assert.rejects(document.ready, code("unauthorized"));
  client.setToken("fresh");
  engine.document("a").opened();
  await document.ready;
  assert.equal(document.error, null);
});

test("a refused edit can be read in the event", async () => {
  const { document, fake } = await open();
  document.insert(0, "mine");
  const told: unknown[] = [];
  document.on("rejected", ({ error, delta }) => told.push([error.code, delta]));
  fake.reject(1, 1, "read_only");
  assert.deepEqual(told, [["read_only", [{ retain: 0 }, { insert: "mine" }]]]);
});

test("work that its user may not do any more is kept as a proposal, and who waits for it hears so", async () => {
  const { document, fake } = await open();
  document.insert(0, "mine");
  const accepted = document.whenAccepted();
  fake.withheld();
  await assert.rejects(accepted, code("read_only"));
  assert.equal(document.readOnly, true);
  assert.deepEqual(document.proposals, [{ id: 1, kind: "not_allowed", delta: [{ retain: 0 }, { insert: "mine" }] }]);
});

test("the same id is the same document, closed when each opener has closed it", async () => {
  const { client, engine } = await start();
  const first = client.open("a", { presence: { name: "Ada" } });
  assert.equal(client.open("a", { presence: { name: "Grace" } }), first);
  assert.deepEqual(engine.document("a").presence, { name: "Grace" });
  first.close();
  assert.equal(first.error, null);
  first.close();
  const closed: Document = first;
  assert.equal(closed.error?.code, "closed");
  assert.ok(engine.calls.includes("close_document 1"));
  assert.notEqual(client.open("a"), first);
});

test("a document opened before the module is there is opened when it is", async () => {
  const client = connect("ws://localhost:1", { wasm: { WasmClient } });
  const document = client.open("early");
  assert.equal(document.status.state, "connecting");
  assert.equal(document.text, "");
  assert.throws(() => document.insert(0, "x"), code("not_loaded"));
  await document.ready;
  document.insert(0, "x");
  assert.equal(document.text, "x");
});

test("an id that is none fails ready and says closed, without throwing", async () => {
  const { client, engine } = await start();
  engine.failure = "bad_document_id";
  const document = client.open("..");
  const closed: string[] = [];
  document.on("closed", (error) => closed.push(error.code));
  await assert.rejects(document.ready, code("bad_document_id"));
  assert.deepEqual(closed, ["bad_document_id"]);
});

test("edits change the text and are told with their origin", async () => {
  const { document, fake } = await open();
  const seen: unknown[] = [];
  document.on("change", ({ origin, user, delta }) => seen.push([origin, user, delta, document.text]));
  document.insert(0, "hello");
  fake.remote([{ retain: 5 }, { insert: "!" }]);
  document.delete(0, 1);
  document.apply({ ops: [{ insert: "J" }] });
  assert.deepEqual(seen.map((entry) => (entry as unknown[])[3]), ["hello", "hello!", "ello!", "Jello!"]);
  assert.deepEqual(seen[1], ["remote", "other", [{ retain: 5 }, { insert: "!" }], "hello!"]);
  assert.equal(document.length, 6);
});

test("offsets that are none, and half a character, are refused before the engine sees them", async () => {
  const { document } = await open();
  for (const offset of [-1, 0.5, NaN, 2 ** 32]) assert.throws(() => document.insert(offset, "x"), code("out_of_range"));
  assert.throws(() => document.insert(0, "\ud83d"), code("splits_pair"));
  assert.equal(document.text, "");
});

test("a listener that throws harms nobody", async () => {
  const { document } = await open();
  const reported: unknown[] = [];
  const { error } = console;
  console.error = (value) => void reported.push(value);
  const texts: string[] = [];
  document.on("change", () => { throw new Error("listener"); });
  const end = document.on("change", () => void texts.push(document.text));
  document.insert(0, "a");
  end();
  document.insert(0, "b");
  console.error = error;
  assert.deepEqual(texts, ["a"]);
  assert.equal(reported.length, 2);
});

test("whenAccepted waits for the edits made so far", async () => {
  const { document, fake } = await open();
  await document.whenAccepted();
  document.insert(0, "a");
  let settled = false;
  const accepted = document.whenAccepted().then(() => (settled = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(settled, false);
  fake.acceptAll();
  await accepted;
  await document.whenDurable();
  assert.deepEqual(document.status, { state: "online", local: 1, accepted: 1, durable: 1, pending: 0, stored: null, reviewing: false, inFlight: 0, version: 0 });
});

test("whenAccepted fails when one of the edits is refused, and later edits are not blamed", async () => {
  const { document, fake } = await open();
  document.insert(0, "a");
  const first = document.whenAccepted();
  const rejected: unknown[] = [];
  document.on("rejected", ({ from, to, error }) => rejected.push([from, to, error.code]));
  fake.reject(1, 1, "document_too_large");
  await assert.rejects(first, code("document_too_large"));
  assert.deepEqual(rejected, [[1, 1, "document_too_large"]]);
  await document.whenAccepted();
  document.insert(0, "b");
  const second = document.whenAccepted();
  fake.acceptAll();
  await second;
});

test("whenDurable fails at once where nothing is durable", async () => {
  const { client, engine } = await start();
  engine.opensAtOnce = false;
  const document = client.open("a");
  const fake = engine.document("a");
  fake.status = { ...fake.status, durable: null };
  fake.opened();
  document.insert(0, "a");
  await assert.rejects(document.whenDurable(), code("no_durability"));
});

test("a document that the server closes keeps its text and pending work readable", async () => {
  const { document, fake } = await open();
  document.insert(0, "kept");
  const accepted = document.whenAccepted();
  fake.closed("access_denied");
  await assert.rejects(accepted, code("access_denied"));
  assert.equal(document.status.state, "closed");
  assert.equal(document.readOnly, true);
  document.close();
  assert.equal(document.text, "kept");
  assert.deepEqual(document.pending, [{ retain: 0 }, { insert: "kept" }]);
  assert.throws(() => document.insert(0, "x"), code("access_denied"));
});

test("when the module dies, text and pending work stay readable and all later calls say so", async () => {
  const { client, engine } = await start();
  const document = client.open("a");
  document.insert(0, "kept");
  engine.die("unreachable");
  assert.equal(client.status.state, "stopped");
  assert.equal(client.status.error?.code, "panicked");
  // Its stack leads to where the module failed.
  assert.match((client.status.error?.cause as Error).stack!, /^Error: unreachable\n[^]*\bdie\b/);
  assert.deepEqual(document.pending, [{ retain: 0 }, { insert: "kept" }]);
  // Nobody had read the text since the last edit: it is put together from what was told.
  assert.deepEqual([document.text, document.length], ["kept", 4]);
  assert.throws(() => document.delta, code("panicked"));
  assert.throws(() => document.insert(0, "x"), code("panicked"));
});

test("an exception that is no code counts as the module's death", async () => {
  const { document, engine } = await open();
  engine.failure = new WebAssembly.RuntimeError("unreachable");
  assert.throws(() => document.insert(0, "x"), code("panicked"));
  assert.equal(document.status.state, "closed");
});

test("what the module throws at a timer or a socket ends every client in it, and no other can begin there", async () => {
  const wasm = { WasmClient };
  const clients = [connect("ws://a", { wasm }), connect("ws://b", { wasm })];
  await settled();
  const [, engine] = WasmClient.made.slice(-2);
  const documents = clients.map((client) => client.open("a"));
  documents[0]!.insert(0, "kept");
  const closed: string[] = [];
  documents.forEach((document) => document.on("closed", ({ code }) => void closed.push(code)));
  const reported: unknown[] = [];
  globalThis.reportError = (error: unknown) => void reported.push(error);
  const trap = new WebAssembly.RuntimeError("unreachable");
  engine!.guard(() => { throw trap; })(undefined);
  Reflect.deleteProperty(globalThis, "reportError");
  assert.deepEqual([reported, closed], [[trap], ["panicked", "panicked"]]);
  assert.deepEqual(clients.map(({ status }) => [status.state, status.error?.code]), [["stopped", "panicked"], ["stopped", "panicked"]]);
  assert.equal(documents[0]!.text, "kept");
  const late = connect("ws://c", { wasm });
  await settled();
  assert.equal(late.status.error?.code, "panicked");
});

test("a text is remembered over any number of changes", async () => {
  const { document, engine, fake } = await open();
  for (let edit = 0; edit < 2_500; edit += 1) {
    fake.remote([{ insert: String(edit % 10) }], [{ retain: 1 }, { insert: "-" }]);
    if (edit % 400 === 0) await settled();
  }
  const { text } = fake;
  engine.die("unreachable");
  assert.equal(text.length, 5_000);
  assert.equal(document.text, text);
});

test("closing the client closes its documents and stops the engine", async () => {
  const { client, engine } = await start();
  const document = client.open("a");
  client.close();
  assert.equal(document.error?.code, "closed");
  assert.equal(client.status.state, "stopped");
  assert.equal(engine.calls.at(-1), "close");
  await assert.rejects(client.open("b").ready, code("closed"));
});

test("members bear the name that they show", async () => {
  const { document, fake, engine } = await open();
  const member = { number: 2, user: "u", name: "u", state: { name: "Ada" }, active: "active" as const, self: false, cursor: { anchor: 0, head: 0 } };
  fake.members = [member, { ...member, number: 3, state: null }];
  const names: string[][] = [];
  document.on("presence", (members) => names.push(members.map(({ name }) => name)));
  engine.tell({ type: "presence", doc: 1 });
  assert.deepEqual(names, [["Ada", "u"]]);
});

test("members are listed anew when one of them is another, and of those whose carets moved only these are other objects", async () => {
  const { document, fake, engine } = await open();
  const member = (number: number, at: number | null, name = "u") =>
    ({ number, user: "u", name, state: {}, active: "active", self: false, cursor: at === null ? null : { anchor: at, head: at + 1 } }) as const;
  let listed = 0;
  const list = engine.members.bind(engine);
  engine.members = (doc) => ((listed += 1), list(doc));
  fake.members = [member(2, 0), member(3, null), member(4, 7)];
  const before = document.members;
  assert.deepEqual(before.map(({ cursor }) => cursor), [{ anchor: 0, head: 1 }, null, { anchor: 7, head: 8 }]);
  assert.equal(document.members, before);
  fake.members = [member(2, null), member(3, 5), member(4, 7)];
  const after = document.members;
  assert.deepEqual(after.map(({ cursor }) => cursor), [null, { anchor: 5, head: 6 }, { anchor: 7, head: 8 }]);
  assert.equal(after[2], before[2]);
  assert.deepEqual([listed, before[0]!.cursor], [1, { anchor: 0, head: 1 }]);
  fake.members = [member(2, null), member(3, 5, "v")];
  assert.deepEqual([document.members.map(({ name }) => name), listed], [["u", "v"], 2]);
});

test("undo and redo tell where the selection belongs, and when there is nothing left", async () => {
  const { document, fake } = await open();
  const told: unknown[] = [];
  document.on("change", ({ origin, selection }) => told.push([origin, selection]));
  document.on("undo", ({ canUndo, canRedo }) => told.push([canUndo, canRedo]));
  assert.equal(document.undo(), false);
  document.insert(0, "abc");
  assert.equal(document.canUndo, true);
  assert.equal(document.undo(), true);
  assert.equal(document.text, "");
  assert.equal(document.redo(), true);
  assert.equal(document.text, "abc");
  assert.deepEqual(told, [
    ["local", null], [true, false],
    ["undo", { anchor: 0, head: 0 }], [false, true],
    ["undo", { anchor: 3, head: 3 }], [true, false],
  ]);
  document.stopCapturing();
  assert.equal(fake.history.stops, 1);
});

test("what a program edits without undo is not undone, also when it fails", async () => {
  const { document } = await open();
  assert.throws(() => document.withoutUndo(() => {
    document.withoutUndo(() => document.insert(0, "a"));
    document.insert(0, "b");
    throw new Error("mine");
  }), /mine/);
  assert.equal(document.canUndo, false);
  document.insert(0, "c");
  assert.equal(document.canUndo, true);
});
