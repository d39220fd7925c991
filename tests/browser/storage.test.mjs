import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { Server, startBrowser, until, watchErrors } from "./harness.mjs";
import { Proxy } from "./proxy.mjs";

/** Each in a browser of its own, side by side. */
const LANES = 2;
/** `COWRITE_KILLS` asks for fewer, where the machine has other work. */
const KILLS = Number(process.env.COWRITE_KILLS ?? 200);

const folder = await mkdtemp(path.join(tmpdir(), "cowrite-page-"));
after(() => rm(folder, { recursive: true, force: true }));
await writeFile(path.join(folder, "index.html"), `<!doctype html><meta charset="utf-8"><script type="module">
  import { connect } from "/cowrite/index.js";
  globalThis.start = (id, user = "ada") => {
    globalThis.client = connect(\`ws://127.0.0.1:\${location.hash.slice(1)}/v1/socket\`, { token: "dev:" + user, storage: true, warnOnUnload: false });
    globalThis.shared = client.open(id);
    globalThis.heard = { persistence: [], rejected: [], proposals: [] };
    for (const name of Object.keys(heard)) shared.on(name === "proposals" ? "proposal" : name, (event) => heard[name].push(event));
  };
  // Types numbered tokens, and notes which of them were stored and which accepted.
  globalThis.type = (life, pauseMs, most = Infinity) => {
    const edits = [];
    let stored = -1, accepted = -1;
    const look = ({ status } = shared) => {
      const last = (edit) => edits.findLastIndex((made) => made <= edit);
      const known = [Math.max(stored, last(status.stored ?? 0)), Math.max(accepted, last(status.accepted))];
      if (known[0] === stored && known[1] === accepted) return;
      [stored, accepted] = known;
      note(life, stored, accepted);
    };
    shared.on("status", () => look());
    const step = () => {
      if (edits.length >= most) return;
      shared.insert(shared.length, "<" + life + "." + edits.length + ">");
      edits.push(shared.status.local);
      setTimeout(step, pauseMs);
    };
    step();
  };
  globalThis.ready = true;
</script>`);
const server = await Server.start(folder);
const browser = await startBrowser();
let documents = 0;
const errors = [];

/** One person's browser: its pages share what is kept. Its connection can be cut; the pages themselves still load. */
async function startDevice() {
  const proxy = await Proxy.start(server.port);
  after(() => proxy.stop());
  const context = await browser.newContext();
  after(() => context.close());
  const notes = new Map();
  await context.exposeFunction("note", (life, stored, accepted) => {
    const known = notes.get(life) ?? [-1, -1];
    notes.set(life, [Math.max(known[0], stored), Math.max(known[1], accepted)]);
  });
  let die;
  await context.exposeFunction("dieHere", () => die?.());
  return {
    context, proxy, notes,
    id: `kept-${(documents += 1)}`,
    dying: () => new Promise((resolve) => void (die = resolve)),
    async page() {
      const page = await context.newPage();
      errors.push(watchErrors(page));
      await page.goto(`http://127.0.0.1:${server.port}/#${proxy.port}`);
      await until(page, "the page is ready", () => globalThis.ready);
      return page;
    },
    /** A page with the document open. */
    async open(user = "ada") {
      const page = await this.page();
      await page.evaluate(([id, user]) => (start(id, user), shared.ready), [this.id, user]);
      return page;
    },
  };
}

/** The tab's process is killed: no event, no chance to write anything. */
async function kill(page) {
  const gone = new Promise((resolve) => page.once("crash", resolve));
  const session = await page.context().newCDPSession(page);
  session.send("Page.crash").catch(() => {});
  await gone;
  await page.close();
}

/** Waits until all that is kept on a device has arrived, and gives the text. */
async function settled(page) {
  await until(page, "nothing is pending", () => shared.status.state === "online" && shared.status.pending === 0);
  // Work of other tabs that are gone is taken over.
  await until(page, "nothing is left of other tabs", async () => {
    const { held } = await navigator.locks.query();
    return held.length === 1;
  });
  return page.evaluate(() => shared.text);
}

/** What the store holds now is put aside, where the page finds it again. */
async function copyRecords() {
  const database = await new Promise((resolve) => (indexedDB.open("cowrite").onsuccess = ({ target }) => resolve(target.result)));
  const store = database.transaction("records").objectStore("records");
  const [keys, values] = await Promise.all([store.getAllKeys(), store.getAll()].map((request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)))));
  localStorage.setItem("copy", JSON.stringify(keys.map((key, at) => [key, typeof values[at] === "string" ? values[at] : [...values[at]]])));
  database.close();
}

/** And put back. */
async function restoreRecords() {
  const database = await new Promise((resolve) => (indexedDB.open("cowrite").onsuccess = ({ target }) => resolve(target.result)));
  const transaction = database.transaction("records", "readwrite");
  for (const [key, value] of JSON.parse(localStorage.getItem("copy"))) transaction.objectStore("records").put(typeof value === "string" ? value : new Uint8Array(value), key);
  await new Promise((resolve) => (transaction.oncomplete = resolve));
  database.close();
}

/** Each token that was stored or accepted is there once, and none twice. */
function assertTokens(text, notes, what) {
  const times = new Map();
  for (const [token] of text.matchAll(/<[^<>]*>/g)) times.set(token, (times.get(token) ?? 0) + 1);
  for (const [token, count] of times) assert.equal(count, 1, `${token} ${what}: ${count} times`);
  for (const [life, known] of notes) {
    for (let token = 0; token <= Math.max(...known); token += 1) assert.ok(times.has(`<${life}.${token}>`), `<${life}.${token}> of ${known} ${what} is lost`);
  }
  assert.equal(text.replace(/<[^<>]*>/g, ""), "", what);
}

test("what was typed without a connection outlives the reload, and goes once", async () => {
  const device = await startDevice();
  let page = await device.open();
  await page.evaluate(() => (shared.insert(0, "online "), shared.whenAccepted()));
  device.proxy.cut();
  await until(page, "it is offline", () => shared.status.state === "offline");
  await page.evaluate(() => shared.insert(shared.length, "offline "));
  await until(page, "it is stored", () => shared.status.stored === shared.status.local);
  assert.deepEqual(await page.evaluate(() => shared.persistence), { state: "stored", reason: null });
  for (let round = 0; round < 3; round += 1) {
    await page.reload();
    await until(page, "the page is ready", () => globalThis.ready);
    const [text, pending] = await page.evaluate(async (id) => (start(id), await shared.ready, [shared.text, shared.status.pending]), device.id);
    assert.equal(text, "online offline " + "again ".repeat(round));
    assert.equal(pending, 1 + round);
    await page.evaluate(() => shared.insert(shared.length, "again "));
    await until(page, "it is stored", () => shared.status.stored === shared.status.local);
  }
  await kill(page);
  device.proxy.heal();
  page = await device.open();
  assert.equal(await settled(page), "online offline again again again ");
  const other = await startDevice();
  const plain = await other.page();
  await plain.evaluate((id) => (start(id), shared.ready), device.id);
  assert.equal(await plain.evaluate(() => shared.text), "online offline again again again ");
});

test("killed at random instants while typing, nothing that was stored or accepted is lost, nothing comes twice", { timeout: 300_000 }, async () => {
  await Promise.all(Array.from({ length: LANES }, async (_, lane) => {
    const device = await startDevice();
    for (let round = 0; round < KILLS / LANES; round += 1) {
      const page = await device.page();
      // Now and then the network is gone as well.
      if (round % 5 === 1) device.proxy.cut();
      else device.proxy.heal();
      const typing = page.evaluate(([id, life]) => (start(id), shared.ready.then(() => type(life, 3))), [device.id, `${lane}-${round}`]);
      // Some are killed while they load, most while they type.
      if (round % 4 === 3) typing.catch(() => {});
      else await typing;
      await page.waitForTimeout(Math.random() * 100);
      await kill(page);
    }
    device.proxy.heal();
    const page = await device.open();
    const text = await settled(page);
    assertTokens(text, device.notes, `in lane ${lane}`);
    assert.ok(device.notes.size > KILLS / LANES / 3, `${device.notes.size} lives got to type`);
    assert.deepEqual(await page.evaluate(() => shared.proposals), []);
  }));
});

test("a second tab of the same user is another client, and takes over what the first leaves", async () => {
  const device = await startDevice();
  const [first, second] = [await device.open(), await device.open()];
  device.proxy.cut();
  for (const page of [first, second]) await until(page, "it is offline", () => shared.status.state === "offline");
  await first.evaluate(() => shared.insert(0, "<first>"));
  await second.evaluate(() => shared.insert(0, "<second>"));
  for (const page of [first, second]) await until(page, "it is stored", () => shared.status.stored === shared.status.local);
  // Both are killed, and one is opened again: it has its own work, and sends the other's, too.
  await kill(first);
  await kill(second);
  device.proxy.heal();
  const page = await device.open();
  await until(page, "both are there", () => shared.text.includes("<first>") && shared.text.includes("<second>"));
  assert.equal((await settled(page)).length, "<first><second>".length);
});

test("storage that is cleared under the page is filled again, and one that is full says so and harms nothing", async () => {
  const device = await startDevice();
  let page = await device.open();
  await page.evaluate(() => (shared.insert(0, "a"), shared.whenAccepted()));
  const session = await device.context.newCDPSession(page);
  const origin = `http://127.0.0.1:${server.port}`;
  await session.send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
  await page.evaluate(() => (shared.insert(1, "b"), shared.whenAccepted()));
  await until(page, "it is stored again", () => shared.persistence.state === "stored" && shared.status.stored === shared.status.local);
  // This Chromium takes a quota by `Storage.overrideQuotaForOrigin` and does not heed it: the store says so by itself.
  await page.evaluate(() => {
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (value, key) {
      if (value.length > 100_000) throw new DOMException("full", "QuotaExceededError");
      return put.call(this, value, key);
    };
  });
  await page.evaluate(() => (shared.insert(2, "c".repeat(300_000)), shared.whenAccepted()));
  await until(page, "it says so", () => shared.persistence.state === "failed");
  assert.equal(await page.evaluate(() => shared.persistence.reason), "quota");
  await page.evaluate(() => (shared.insert(0, "d"), shared.whenAccepted()));
  await kill(page);
  page = await device.open();
  await until(page, "it is there", () => shared.text.length === 300_003);
  assert.deepEqual(await page.evaluate(() => [shared.text.slice(0, 3), shared.persistence, shared.proposals]), ["dab", { state: "stored", reason: null }, []]);
});

test("without IndexedDB, and where it throws, documents work in memory and say so", async () => {
  for (const [reason, spoil] of [["unsupported", "Object.defineProperty(globalThis, 'indexedDB', { value: undefined })"], ["blocked", "IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); }"]]) {
    const device = await startDevice();
    await device.context.addInitScript(spoil);
    const page = await device.open();
    await page.evaluate(() => (shared.insert(0, "a"), shared.whenAccepted()));
    assert.deepEqual(await page.evaluate(() => shared.persistence), { state: "memory", reason });
  }
});

test("a record of an earlier moment is shown as unknown and not sent", async () => {
  const device = await startDevice();
  let page = await device.open();
  await page.evaluate(() => (shared.insert(0, "start "), shared.whenAccepted()));
  device.proxy.cut();
  await until(page, "it is offline", () => shared.status.state === "offline");
  await page.evaluate(() => shared.insert(0, "once "));
  await until(page, "it is stored", () => shared.status.stored === shared.status.local);
  await page.evaluate(copyRecords);
  device.proxy.heal();
  await page.evaluate(() => (client.wake(), shared.whenAccepted()));
  await page.evaluate(() => (shared.insert(0, "twice "), shared.whenAccepted()));
  await kill(page);
  page = await device.page();
  await page.evaluate(restoreRecords);
  await page.evaluate((id) => (start(id), shared.ready), device.id);
  await until(page, "the proposal is there", () => shared.status.state === "online" && shared.proposals.length === 1);
  const [text, kind] = await page.evaluate(() => [shared.text, shared.proposals[0].kind]);
  assert.deepEqual([text, kind], ["twice once start ", "unknown_outcome"]);
  await page.evaluate(() => shared.discardProposal(shared.proposals[0].id));
  await until(page, "it is stored", () => shared.status.pending === 0);
});

test("work of one user is not sent by another, and is there when the first comes back", async () => {
  const device = await startDevice();
  let page = await device.open("ada");
  await page.evaluate(() => (shared.insert(0, "start "), shared.whenAccepted()));
  device.proxy.cut();
  await until(page, "it is offline", () => shared.status.state === "offline");
  await page.evaluate(() => shared.insert(0, "mine "));
  await until(page, "it is stored", () => shared.status.stored === shared.status.local);
  await kill(page);
  device.proxy.heal();
  page = await device.open("eve");
  await until(page, "Eve sees what is hers", () => shared.status.state === "online" && shared.text === "start ");
  // If her page showed his text before the server said who she is, it took that back.
  assert.ok(await page.evaluate(() => heard.rejected.every(({ error }) => error.code === "foreign_client")));
  await page.evaluate(() => (shared.insert(0, "hers "), shared.whenAccepted()));
  await kill(page);
  page = await device.open("ada");
  await until(page, "both are there", () => shared.status.state === "online" && shared.status.pending === 0 && shared.text.includes("mine ") && shared.text.includes("hers "));
  assert.equal((await page.evaluate(() => shared.text)).length, "mine hers start ".length);
});

test("no page has thrown an error", () => assert.deepEqual(errors.flat(), []));
