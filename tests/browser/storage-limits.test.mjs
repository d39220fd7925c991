// What is forgotten of the documents that a device keeps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { errors, pagesFolder, putRecords, startDevice, stored, takeRecords } from "./device.mjs";
import { Server, startBrowser, until } from "./harness.mjs";

const server = await Server.start(await pagesFolder());
const browser = await startBrowser();

/** The ids of the documents that are kept. */
const kept = async (page) => [...new Set((await takeRecords(page)).filter(([key]) => key[4] === "work").map(([key]) => key[1]))].sort();

/** Opens documents one after another, and types into each. */
async function fill(page, ids, options = {}) {
  for (const id of ids) {
    await page.evaluate(([id, options]) => (start(id, "ada", options), shared.ready), [id, options]);
    await page.evaluate(() => (shared.insert(0, "text"), shared.whenAccepted()));
    await stored(page);
    await page.evaluate(() => client.close());
  }
}

test("documents without pending work are forgotten by age and by number, others never", async () => {
  const device = await startDevice(browser, server);
  const page = await device.page();
  await fill(page, ["l-1", "l-2", "l-3", "l-4"]);
  await page.evaluate(() => (start("l-1"), shared.ready));
  await device.cut(page);
  await page.evaluate(() => shared.insert(0, "pending "));
  await stored(page);
  await page.evaluate(() => client.close());
  assert.deepEqual(await kept(page), ["l-1", "l-2", "l-3", "l-4"]);
  // The oldest is the one with pending work; one more was not used for a hundred days.
  const days = { "l-1": 200, "l-2": 100, "l-3": 5, "l-4": 1 };
  const now = Date.now();
  await putRecords(page, (await takeRecords(page)).map(([key, value]) => [key, key[4] === "about" ? { ...value, used: now - days[key[1]] * 86_400_000 } : value]));
  device.proxy.heal();
  await fill(page, ["l-5"]);
  await until(page, "the old one is forgotten", async () => {
    const database = await new Promise((resolve) => (indexedDB.open("cowrite").onsuccess = ({ target }) => resolve(target.result)));
    const keys = await new Promise((resolve) => (database.transaction("records").objectStore("records").getAllKeys().onsuccess = ({ target }) => resolve(target.result)));
    return !keys.some((key) => key[1] === "l-2");
  });
  assert.deepEqual(await kept(page), ["l-1", "l-3", "l-4", "l-5"]);
  await page.reload();
  await until(page, "the page is ready", () => globalThis.ready);
  await fill(page, ["l-5"], { storage: { keepDocuments: 2 } });
  assert.deepEqual(await kept(page), ["l-1", "l-4", "l-5"]);
});

test("a storage that is cleared keeps what is pending, and what another tab has open", async () => {
  const device = await startDevice(browser, server);
  const page = await device.page();
  await fill(page, ["c-1", "c-2"]);
  const other = await device.page();
  await other.evaluate(() => (start("c-2"), shared.ready));
  await page.evaluate(() => (start("c-3"), shared.ready));
  await device.cut(page);
  await page.evaluate(() => shared.insert(0, "pending"));
  await stored(page);
  await page.evaluate(() => client.close());
  assert.equal(await page.evaluate(() => client.clearStorage()), 1);
  assert.deepEqual(await kept(page), ["c-2", "c-3"]);
  await other.close();
  await until(page, "the tab is gone", async () => (await navigator.locks.query()).held.length === 0);
  assert.equal(await page.evaluate(() => client.clearStorage({ pending: true })), 2);
  // Not even who was here.
  assert.deepEqual(await takeRecords(page), []);
});

test("no page has thrown an error", () => assert.deepEqual(errors.flat(), []));
