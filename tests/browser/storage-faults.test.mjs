// Rows G1, G2, G3, G9 and G10 of the table of faults: what a browser does to what it keeps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertTokens, deviceIn, errors, kill, pagesFolder, putRecords, reload, settled, startDevice, stored, takeRecords } from "./device.mjs";
import { Server, startBrowser, until } from "./harness.mjs";

const server = await Server.start(await pagesFolder());
const browser = await startBrowser();
const origin = `http://127.0.0.1:${server.port}`;
const device = () => startDevice(browser, server);

/** The client ids that the server has given a page, in order: the `Opened` frames among what it received. */
function clientIds(page) {
  const ids = [];
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => {
    if (typeof payload === "string" || payload[0] !== 2) return;
    let at = 1;
    for (let varint = 0; varint < 2; varint += 1) while (payload[at++] >= 0x80);
    ids.push(payload.subarray(at, at + 16).toString("hex"));
  }));
  return ids;
}

const accepted = (page, text) => page.evaluate((text) => (shared.insert(shared.length, text), shared.whenAccepted()), text);

/** In each state the edits are made that lead to it, and the page is in it when this settles. */
const states = {
  synchronized: async ({ page }, [token]) => accepted(page, token),
  "buffering, without a connection": async ({ page, device }, tokens) => {
    await device.cut(page);
    for (const token of tokens) await page.evaluate((token) => shared.insert(shared.length, token), token);
  },
  "in flight, and it has not reached the server": async ({ page, device }, [token]) => {
    device.proxy.hold({ up: true });
    await page.evaluate((token) => shared.insert(shared.length, token), token);
  },
  "in flight, and the ack has not come": async ({ page, device, witness }, [token]) => {
    device.proxy.hold({ down: true });
    await page.evaluate((token) => shared.insert(shared.length, token), token);
    await until(witness, "the server has it", (token) => shared.text.includes(token), token);
  },
  "in flight with a buffer": async ({ page, device, witness }, [token, ...more]) => {
    device.proxy.hold({ down: true });
    await page.evaluate((token) => shared.insert(shared.length, token), token);
    await until(witness, "the server has it", (token) => shared.text.includes(token), token);
    for (const token of more) await page.evaluate((token) => shared.insert(shared.length, token), token);
  },
  "catching up": async ({ page, device, witness }, tokens) => {
    await device.cut(page);
    for (const token of tokens) await page.evaluate((token) => shared.insert(shared.length, token), token);
    await accepted(witness, "<w>");
    device.proxy.hold({ down: true });
    device.proxy.heal();
    await page.evaluate(() => client.wake());
    await until(page, "it connects", () => shared.status.state === "connecting");
  },
};

for (const [end, how] of [["reloaded", reload], ["killed", null]]) {
  test(`G1 ${end} in every state of the engine, what was typed is there in order, and once`, async () => {
    for (const [state, reach] of Object.entries(states)) {
      const [ada, other] = [await device(), await device()];
      const witness = await (async () => {
        const page = await other.page();
        await page.evaluate((id) => (start(id, "wit", { storage: false }), shared.ready), ada.id);
        return page;
      })();
      let page = await ada.open();
      const tokens = ["<a.0>", "<a.1>", "<a.2>"];
      await accepted(page, "<s.0>");
      await reach({ page, device: ada, witness }, tokens);
      await stored(page);
      const pending = await page.evaluate(() => shared.text);
      ada.proxy.cut();
      ada.proxy.hold();
      if (how) await how(page, ada.id);
      else {
        await kill(page);
        page = await ada.open();
      }
      assert.equal(await page.evaluate(() => shared.text), pending, state);
      ada.proxy.heal();
      const text = await settled(page);
      assertTokens(text, new Map(), state);
      assert.equal(text.replace("<w>", ""), pending.replace("<w>", ""), state);
      await until(witness, `all have one text (${state})`, (text) => shared.text === text, text);
      assert.deepEqual(await page.evaluate(() => [heard.rejected, shared.proposals]), [[], []], state);
      for (const { context } of [ada, other]) await context.close();
    }
  });
}

test("G2 a duplicated tab is another client, and both keep what is theirs", async () => {
  const ada = await device();
  const first = await ada.open();
  const [second] = await Promise.all([ada.context.waitForEvent("page"), first.evaluate(() => void window.open(location.href))]);
  errors.push([]);
  const ids = [clientIds(first), clientIds(second)];
  await until(second, "the page is ready", () => globalThis.ready);
  await second.evaluate((id) => (start(id), shared.ready), ada.id);
  for (let round = 0; round < 3; round += 1) {
    await ada.cut(first, second);
    await first.evaluate((round) => shared.insert(0, `<a.${round}>`), round);
    await second.evaluate((round) => shared.insert(0, `<b.${round}>`), round);
    await Promise.all([stored(first), stored(second)]);
    ada.proxy.heal();
    // Both at once, as a session that is restored does it.
    await Promise.all([reload(first, ada.id), reload(second, ada.id)]);
    for (const page of [first, second]) await until(page, "it arrived", () => shared.status.state === "online" && shared.status.pending === 0);
  }
  assert.ok(ids.every((ids) => ids.length > 0), "client ids were seen");
  await until(first, "it sees both", () => new Set(shared.members.map(({ number }) => number)).size === 2);
  assert.notEqual(ids[0].at(-1), ids[1].at(-1), "one client id was at work twice");
  await until(second, "both have one text", (text) => shared.text === text, await first.evaluate(() => shared.text));
  assertTokens(await first.evaluate(() => shared.text), new Map([["a", [2, 2]], ["b", [2, 2]]]), "in both tabs");
});

test("G2 of two profiles with one copied storage, one sends what both hold, and the other asks", async () => {
  const ada = await device();
  let page = await ada.open();
  await accepted(page, "<s.0>");
  await ada.cut(page);
  await page.evaluate(() => shared.insert(shared.length, "<a.0>"));
  await stored(page);
  const records = await takeRecords(page);
  await kill(page);
  ada.proxy.heal();
  const pages = await Promise.all([0, 1].map(async () => {
    const copy = await deviceIn(await browser.newContext(), server, { id: ada.id, proxy: ada.proxy });
    const page = await copy.page();
    const ids = clientIds(page);
    await putRecords(page, records);
    return { page, ids };
  }));
  await Promise.all(pages.map(({ page }) => page.evaluate((id) => (start(id), shared.ready), ada.id)));
  for (const [index, { page }] of pages.entries()) {
    await until(page, "it is settled", () => shared.status.state === "online" && shared.status.pending === shared.proposals.length && shared.text.includes("<a.0>"));
    // Not by its number in the room, which both have in turn as long as they are one client.
    await page.evaluate((own) => (shared.insert(0, `<${own}.0>`), 0), index);
  }
  await until(pages[0].page, "all have arrived", () => shared.text.match(/</g).length === 4);
  await until(pages[1].page, "both have one text", (text) => shared.text === text, await pages[0].page.evaluate(() => shared.text));
  const text = await pages[0].page.evaluate(() => shared.text);
  assertTokens(text, new Map([["s", [0, 0]], ["a", [0, 0]]]), "with copied storage");
  const proposals = (await Promise.all(pages.map(({ page }) => page.evaluate(() => shared.proposals.map(({ kind }) => kind))))).flat();
  assert.ok(proposals.length <= 1 && proposals.every((kind) => kind === "unknown_outcome"), JSON.stringify(proposals));
  assert.notEqual(pages[0].ids.at(-1), pages[1].ids.at(-1), "one client id is at work twice");
  for (const { page } of pages) await page.context().close();
});

test("G3 a store that is full says so and harms nothing; once there is room it is used again", { timeout: 120_000 }, async () => {
  const ada = await device();
  let page = await ada.page();
  const session = await ada.context.newCDPSession(page);
  // Before the first write: of a store in use, Chromium believes for a while that it has room.
  await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1_000 });
  await page.evaluate((id) => (start(id), shared.ready), ada.id);
  await page.evaluate(() => shared.insert(0, "ba"));
  await until(page, "it says so", () => shared.persistence.state === "failed");
  assert.deepEqual(await page.evaluate(() => [shared.persistence.reason, shared.status.stored]), ["quota", null]);
  await accepted(page, "c");
  // A new page finds what there is, and goes on.
  await reload(page, ada.id);
  await until(page, "it is loaded", () => shared.status.state === "online" && shared.text === "bac");
  await accepted(page, "d");
  await session.send("Storage.overrideQuotaForOrigin", { origin });
  await until(page, "it is stored again", () => shared.persistence.state === "stored" && shared.status.stored === shared.status.local, undefined, 60_000);
  await kill(page);
  page = await ada.open();
  assert.equal(await page.evaluate(() => shared.text), "bacd");
  assert.deepEqual(await page.evaluate(() => shared.proposals), []);
});

test("G3 storage that is cleared under the page is filled again", async () => {
  const ada = await device();
  const page = await ada.open();
  await accepted(page, "a");
  const session = await ada.context.newCDPSession(page);
  await session.send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
  await accepted(page, "b");
  await until(page, "it is stored again", () => shared.persistence.state === "stored" && shared.status.stored === shared.status.local);
  ada.proxy.cut();
  await reload(page, ada.id);
  assert.equal(await page.evaluate(() => shared.text), "ab");
});

test("G3 without IndexedDB or Web Locks, and where it throws or never answers, documents work in memory and say so", async () => {
  for (const [reason, spoil] of [
    ["unsupported", "Object.defineProperty(globalThis, 'indexedDB', { value: undefined })"],
    ["unsupported", "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })"],
    ["blocked", "IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); }"],
    ["blocked", "IDBFactory.prototype.open = () => new EventTarget()"],
    ["blocked", "LockManager.prototype.request = () => Promise.reject(new DOMException('no', 'SecurityError'))"],
  ]) {
    const ada = await device();
    await ada.context.addInitScript(spoil);
    const page = await ada.open();
    await page.evaluate(() => (shared.insert(0, "a"), shared.whenAccepted()));
    // Who the user is, and so whether there is a place, is known once the server has said it.
    await until(page, "it says so", () => shared.persistence.reason !== "off" && shared.persistence.state !== "stored");
    assert.equal(await page.evaluate(() => shared.persistence.reason), reason, spoil);
    assert.equal(await page.evaluate(() => shared.status.stored), null, spoil);
    await ada.context.close();
  }
});

/** A part of a record, changed, with the checksum that it must end with: SipHash-2-4 under the zero key. */
function resealed(bytes, change) {
  const body = bytes.slice(0, -8);
  change(body);
  const mask = (1n << 64n) - 1n;
  const turn = (word, by) => ((word << by) | (word >> (64n - by))) & mask;
  let v = [0x736f6d6570736575n, 0x646f72616e646f6dn, 0x6c7967656e657261n, 0x7465646279746573n];
  const round = () => {
    let [a, b, c, d] = v;
    a = (a + b) & mask; b = turn(b, 13n) ^ a; a = turn(a, 32n);
    c = (c + d) & mask; d = turn(d, 16n) ^ c;
    a = (a + d) & mask; d = turn(d, 21n) ^ a;
    c = (c + b) & mask; b = turn(b, 17n) ^ c; c = turn(c, 32n);
    v = [a, b, c, d];
  };
  const take = (word) => ((v[3] ^= word), round(), round(), (v[0] ^= word));
  const word = (at) => body.slice(at, at + 8).reduce((sum, byte, place) => sum | (BigInt(byte) << BigInt(8 * place)), 0n);
  const whole = body.length - (body.length % 8);
  for (let at = 0; at < whole; at += 8) take(word(at));
  take(word(whole) | (BigInt(body.length & 0xff) << 56n));
  v[2] ^= 0xffn;
  for (let turns = 0; turns < 4; turns += 1) round();
  const sum = v[0] ^ v[1] ^ v[2] ^ v[3];
  return [...body, ...Array.from({ length: 8 }, (_, place) => Number((sum >> BigInt(8 * place)) & 0xffn))];
}

/** What is kept, with the parts of that name changed. */
const changed = (records, name, change) => records.map(([key, value]) => [key, key[4] === name ? { bytes: change(value.bytes) } : value]);

test("G3 a torn record is not used, and the server's text takes its place", async () => {
  for (const part of ["base", "work"]) {
    const ada = await device();
    const page = await ada.open();
    await accepted(page, "abc");
    await stored(page);
    await page.evaluate(() => client.close());
    await putRecords(page, changed(await takeRecords(page), part, (bytes) => bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 4 : byte))));
    // Before the server can say what is right.
    ada.proxy.cut();
    await page.reload();
    await until(page, "the page is ready", () => globalThis.ready);
    await page.evaluate((id) => start(id), ada.id);
    await until(page, "the record was looked at", () => shared.persistence.state === "stored");
    assert.deepEqual(await page.evaluate(() => [shared.text, shared.role]), ["", null], `a torn ${part} is used`);
    ada.proxy.heal();
    await page.evaluate(() => (client.wake(), shared.ready));
    await accepted(page, "d");
    await stored(page);
    assert.deepEqual(await page.evaluate(() => [shared.text, shared.persistence.state]), ["abcd", "stored"]);
    ada.proxy.cut();
    await reload(page, ada.id);
    assert.equal(await page.evaluate(() => shared.text), "abcd");
    await ada.context.close();
  }
});

test("G3 a record or a database of a newer version is not understood, not used and not touched", async () => {
  const ada = await device();
  const page = await ada.open();
  await accepted(page, "abc");
  await stored(page);
  await page.evaluate(() => client.close());
  const newer = changed(await takeRecords(page), "work", (bytes) => resealed(bytes, (body) => (body[0] = 2)));
  await putRecords(page, newer);
  await reload(page, ada.id);
  await accepted(page, "d");
  await until(page, "it says so", () => shared.persistence.reason === "format");
  assert.deepEqual(await page.evaluate(() => [shared.text, shared.persistence.state, shared.status.stored]), ["abcd", "failed", null]);
  await page.evaluate(() => client.close());
  const parts = (records) => records.filter(([key]) => key[4] === "base" || key[4] === "work");
  assert.deepEqual(parts(await takeRecords(page)), parts(newer));
  // The same with a database that has another form altogether.
  const other = await device();
  const second = await other.page();
  await second.evaluate(() => new Promise((resolve) => {
    const request = indexedDB.open("cowrite", 7);
    request.onupgradeneeded = () => request.result.createObjectStore("other").put("kept", "key");
    request.onsuccess = () => resolve(request.result.close());
  }));
  await second.evaluate((id) => (start(id), shared.ready), ada.id);
  await accepted(second, "e");
  await until(second, "it says so", () => shared.persistence.reason === "format");
  assert.equal(await second.evaluate(() => new Promise((resolve) => {
    indexedDB.open("cowrite").onsuccess = ({ target: { result } }) => (result.transaction("other").objectStore("other").get("key").onsuccess = ({ target }) => resolve(target.result));
  })), "kept");
});

test("G9 a record that is older than the log is shown as unknown and not sent, under a new client id", async () => {
  const ada = await device();
  let page = await ada.open();
  await page.evaluate(() => (shared.insert(0, "start "), shared.whenAccepted()));
  ada.proxy.cut();
  await until(page, "it is offline", () => shared.status.state === "offline");
  await page.evaluate(() => shared.insert(0, "once "));
  await until(page, "it is stored", () => shared.status.stored === shared.status.local);
  const records = await takeRecords(page);
  ada.proxy.heal();
  await page.evaluate(() => (client.wake(), shared.whenAccepted()));
  await page.evaluate(() => (shared.insert(0, "twice "), shared.whenAccepted()));
  await kill(page);
  page = await ada.page();
  const ids = clientIds(page);
  await putRecords(page, records);
  await page.evaluate((id) => (start(id), shared.ready), ada.id);
  await until(page, "the proposal is there", () => shared.status.state === "online" && shared.proposals.length === 1);
  const [text, kind] = await page.evaluate(() => [shared.text, shared.proposals[0].kind]);
  assert.deepEqual([text, kind], ["twice once start ", "unknown_outcome"]);
  assert.equal(ids.length, 2);
  assert.notEqual(ids[0], ids[1], "the client id was used on");
  // What is typed now goes under the new one, and none of it is taken for something that was sent before.
  await page.evaluate(() => (shared.insert(0, "new "), shared.status.accepted));
  await until(page, "it is accepted", () => shared.status.pending === 1);
  assert.equal(await page.evaluate(() => shared.text), "new twice once start ");
  await page.evaluate(() => shared.discardProposal(shared.proposals[0].id));
  await until(page, "it is stored", () => shared.status.pending === 0);
});

test("G10 work of one user is not sent by another, and is there when the first comes back", async () => {
  const ada = await device();
  let page = await ada.open("ada");
  await page.evaluate(() => (shared.insert(0, "start "), shared.whenAccepted()));
  ada.proxy.cut();
  await until(page, "it is offline", () => shared.status.state === "offline");
  await page.evaluate(() => shared.insert(0, "mine "));
  await until(page, "it is stored", () => shared.status.stored === shared.status.local);
  await kill(page);
  ada.proxy.heal();
  page = await ada.open("eve");
  await until(page, "Eve sees what is hers", () => shared.status.state === "online" && shared.text === "start ");
  // If her page showed his text before the server said who she is, it took that back.
  assert.ok(await page.evaluate(() => heard.rejected.every(({ error }) => error.code === "foreign_client")));
  await page.evaluate(() => (shared.insert(0, "hers "), shared.whenAccepted()));
  await kill(page);
  page = await ada.open("ada");
  await until(page, "both are there", () => shared.status.state === "online" && shared.status.pending === 0 && shared.text.includes("mine ") && shared.text.includes("hers "));
  assert.equal((await page.evaluate(() => shared.text)).length, "mine hers start ".length);
});


test("no page has thrown an error", () => assert.deepEqual(errors.flat(), []));
