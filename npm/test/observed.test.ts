import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { connect } from "../src/index.js";
import { membersOf, othersOf, statusOf, textOf } from "../src/observed/document.js";
import { sameShallow, selecting } from "../src/observed/select.js";
import { Shelf } from "../src/observed/shelf.js";
import { type FakeMember, WasmClient } from "./fake-wasm.js";

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

const member = (number: number, head: number | null = null): FakeMember => ({
  number, user: `u${number}`, name: `User ${number}`, state: { color: "red" }, active: "active", self: number === 1, cursor: head === null ? null : { anchor: head, head },
});

async function start() {
  const client = connect("ws://localhost:1", { wasm: { WasmClient } });
  await settled();
  const engine = WasmClient.made.at(-1)!;
  const document = client.open("a");
  await document.ready;
  return { client, engine, document, fake: engine.document("a") };
}

test("own edits are told at once, others' once for all that come together", async () => {
  const { document, fake } = await start();
  const seen: string[] = [];
  const end = textOf(document).subscribe(() => seen.push(textOf(document).get()));
  document.insert(0, "a");
  assert.deepEqual(seen, ["a"]);
  fake.remote([{ insert: "b" }], [{ insert: "c" }], [{ insert: "d" }]);
  // Read by somebody before it is told.
  assert.equal(textOf(document).get(), "dcba");
  assert.deepEqual(seen, ["a"]);
  await settled();
  assert.deepEqual(seen, ["a", "dcba"]);
  end();
  document.insert(0, "e");
  assert.deepEqual(seen, ["a", "dcba"]);
  assert.equal(textOf(document).get(), "edcba");
});

test("of the members only those that changed are other objects", async () => {
  const { document, engine, fake } = await start();
  fake.members = [member(1), member(2, 0), member(3, 0)];
  let told = 0;
  othersOf(document).subscribe(() => (told += 1));
  const [two, three] = othersOf(document).get();
  engine.tell({ type: "presence", doc: fake.doc });
  await settled();
  const before = membersOf(document).get();
  const toldBefore = told;
  fake.members = [member(1), member(2, 0), member(3, 5)];
  engine.tell({ type: "presence", doc: fake.doc });
  engine.tell({ type: "presence", doc: fake.doc });
  await settled();
  assert.equal(told, toldBefore + 1);
  assert.equal(othersOf(document).get()[0], two);
  assert.notEqual(othersOf(document).get()[1], three);
  assert.equal(membersOf(document).get()[0], before[0]);
  fake.members = [member(1, 9), member(2, 0), member(3, 5)];
  engine.tell({ type: "presence", doc: fake.doc });
  await settled();
  // Only this client has moved.
  assert.equal(told, toldBefore + 1);
});

test("an edit moves the carets behind it, though no presence is told", async () => {
  const { document, fake } = await start();
  fake.remote([{ insert: "abc" }]);
  fake.members = [member(2, 2)];
  const heads: unknown[] = [];
  othersOf(document).subscribe(() => heads.push(othersOf(document).get()[0]?.cursor?.head));
  document.insert(0, "xy");
  await settled();
  assert.deepEqual(heads, [4]);
});

test("the status is the same object until it changes, and survives the end", async () => {
  const { client, document } = await start();
  const status = statusOf(document);
  assert.equal(status.get(), status.get());
  assert.deepEqual([status.get().role, status.get().readOnly, status.get().error], ["editor", false, null]);
  client.close();
  assert.deepEqual([status.get().state, status.get().error?.code], ["closed", "closed"]);
  assert.deepEqual(membersOf(document).get(), []);
});

test("a selection keeps its identity as long as it is equal", () => {
  const names = selecting((list: readonly { name: string; at: number }[]) => list.map(({ name }) => name), sameShallow);
  const first = names([{ name: "Ada", at: 1 }]);
  assert.equal(names([{ name: "Ada", at: 2 }]), first);
  assert.deepEqual(names([{ name: "Grace", at: 2 }]), ["Grace"]);
  assert.ok(!sameShallow([1], { 0: 1 }) && !sameShallow({ a: undefined }, { b: 1 }) && !sameShallow(new Date(1), new Date(2)) && sameShallow({ a: 1 }, { a: 1 }));
});

test("a document is open once for all who look, and closed a while after the last user left", async (context) => {
  const client = connect("ws://localhost:1", { wasm: { WasmClient } });
  await settled();
  const engine = WasmClient.made.at(-1)!;
  context.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ["setTimeout"] });
  const shelf = Shelf.of(client);
  const document = shelf.look("a");
  assert.equal(shelf.look("a"), document);
  await document.ready;
  await settled();
  const [first, second] = [shelf.use("a"), shelf.use("a")];
  first();
  first();
  mock.timers.tick(60_000);
  assert.equal(document.error, null);
  second();
  // Strict mode: back in the same moment.
  const again = shelf.use("a");
  mock.timers.tick(60_000);
  assert.equal(shelf.look("a"), document);
  document.insert(0, "pending");
  again();
  mock.timers.tick(60_000);
  assert.equal(document.error, null, "work is pending");
  engine.document("a").acceptAll();
  mock.timers.tick(60_000);
  assert.equal(document.status.state, "closed");
  assert.deepEqual(engine.calls.slice(-1), ["close_document 1"]);
  assert.notEqual(shelf.look("a"), document);
});

test("a document that nobody came to use is closed after it is loaded", async (context) => {
  const client = connect("ws://localhost:1", { wasm: { WasmClient } });
  await settled();
  context.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ["setTimeout"] });
  const document = Shelf.of(client).look("a");
  mock.timers.tick(60_000);
  assert.equal(document.error, null, "it is not loaded yet");
  await document.ready;
  await settled();
  mock.timers.tick(60_000);
  assert.equal(document.status.state, "closed");
});
