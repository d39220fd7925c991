// One person's browser, whose pages share what is kept on it, and the page that they open.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { DEADLINE_MS, until, watchErrors } from "./harness.mjs";
import { Proxy } from "./proxy.mjs";

const PAGE = `<!doctype html><meta charset="utf-8"><script type="module">
  import { connect } from "/cowrite/index.js";
  const url = \`ws://127.0.0.1:\${location.hash.slice(1)}/v1/socket\`;
  // What one gets who opens the document now and has nothing of it.
  globalThis.acceptedText = async (id) => {
    const visitor = connect(url, { token: "dev:ada" });
    const opened = visitor.open(id);
    await opened.ready;
    const { text } = opened;
    visitor.close();
    return text;
  };
  globalThis.start = (id, user = "ada", options = {}) => {
    globalThis.client = connect(url, { token: "dev:" + user, storage: true, warnOnUnload: false, ...options });
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
</script>`;

/** Errors that pages have thrown. */
export const errors = [];
let documents = 0;

/** A folder with the page. */
export async function pagesFolder() {
  const folder = await mkdtemp(path.join(tmpdir(), "cowrite-page-"));
  after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(path.join(folder, "index.html"), PAGE);
  return folder;
}

/** A device with a profile of its own. Its connection can be cut; the pages themselves still load. */
export async function startDevice(browser, server) {
  const context = await browser.newContext();
  after(() => context.close());
  // It keeps the window open, which costs more than all else of a page that comes and goes.
  await context.newPage();
  return deviceIn(context, server);
}

/** The same in a context that there is, with a document of its own or the one named. */
export async function deviceIn(context, server, { proxy, notes = new Map(), id = `kept-${(documents += 1)}` } = {}) {
  if (!proxy) {
    proxy = await Proxy.start(server.port);
    after(() => proxy.stop());
  }
  await context.exposeFunction("note", (life, stored, accepted) => {
    const known = notes.get(life) ?? [-1, -1];
    notes.set(life, [Math.max(known[0], stored), Math.max(known[1], accepted)]);
  });
  return {
    context, proxy, notes, id,
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
      await loaded(page, this.id, user);
      return page;
    },
    /** The connection is gone, and the page knows. */
    async cut(...pages) {
      proxy.cut();
      for (const page of pages) await until(page, "it is offline", () => shared.status.state === "offline");
    },
  };
}

/** All edits so far would be found again. */
export const stored = (page) => until(page, "it is stored", () => shared.status.stored === shared.status.local);

/** The page loads anew, and opens the document again. */
export async function reload(page, id, user = "ada") {
  await page.reload();
  await until(page, "the page is ready", () => globalThis.ready);
  await loaded(page, id, user);
}

/** Opens a document, and waits until it is loaded. */
async function loaded(page, id, user) {
  const within = await page.evaluate(([id, user, deadlineMs]) => {
    start(id, user);
    return Promise.race([shared.ready.then(() => true), new Promise((resolve) => setTimeout(resolve, deadlineMs, false))]);
  }, [id, user, DEADLINE_MS]);
  assert.ok(within, `${id} was not loaded`);
}

/** The tab's process is killed: no event, no chance to write anything. */
export async function kill(page) {
  const gone = new Promise((resolve) => page.once("crash", resolve));
  const session = await page.context().newCDPSession(page);
  session.send("Page.crash").catch(() => {});
  await gone;
  await page.close();
}

/** Waits until all that is kept on a device has arrived, and gives the text. */
export async function settled(page) {
  await until(page, "nothing is pending", () => shared.status.state === "online" && shared.status.pending === 0);
  // Work of other tabs that are gone is taken over, one after another: that no place is held says nothing, the next
  // may not have been claimed yet. What failed is taken up again by the next look, after half a minute.
  let places;
  const left = async () => (places = new Set((await takeRecords(page)).filter(([key]) => key.length > 1).map(([key]) => JSON.stringify(key.slice(0, 4)))));
  for (const deadline = Date.now() + 2 * DEADLINE_MS; (await left()).size > 1; await pause(20)) {
    assert.ok(Date.now() < deadline, `work of other tabs is left: ${[...places].join(", ")}`);
  }
  // What they sent is accepted; who opens the document now has it, and soon this page, too.
  const text = await page.evaluate(() => acceptedText(shared.id));
  await until(page, "all that is accepted has arrived", (text) => shared.text === text, text);
  return text;
}

/** What the store holds now, as it can be put into another page's by {@link putRecords}. */
export function takeRecords(page) {
  return page.evaluate(async () => {
    const database = await new Promise((resolve) => (indexedDB.open("cowrite").onsuccess = ({ target }) => resolve(target.result)));
    const store = database.transaction("records").objectStore("records");
    const [keys, values] = await Promise.all([store.getAllKeys(), store.getAll()].map((request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)))));
    database.close();
    return keys.map((key, at) => [key, values[at] instanceof Uint8Array ? { bytes: [...values[at]] } : values[at]]);
  });
}

/** Puts records into the page's store. */
export function putRecords(page, records) {
  return page.evaluate(async (records) => {
    const database = await new Promise((resolve) => {
      const request = indexedDB.open("cowrite", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("records");
      request.onsuccess = () => resolve(request.result);
    });
    const transaction = database.transaction("records", "readwrite");
    for (const [key, value] of records) transaction.objectStore("records").put(value.bytes ? new Uint8Array(value.bytes) : value, key);
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    database.close();
  }, records);
}

/** Each token that was stored or accepted is there once, and none twice. */
export function assertTokens(text, notes, what) {
  const times = new Map();
  for (const [token] of text.matchAll(/<[^<>]*>/g)) times.set(token, (times.get(token) ?? 0) + 1);
  for (const [token, count] of times) assert.equal(count, 1, `${token} ${what}: ${count} times`);
  for (const [life, known] of notes) {
    for (let token = 0; token <= Math.max(...known); token += 1) assert.ok(times.has(`<${life}.${token}>`), `<${life}.${token}> of ${known} ${what} is lost`);
  }
  assert.equal(text.replace(/<[^<>]*>/g, ""), "", what);
}
