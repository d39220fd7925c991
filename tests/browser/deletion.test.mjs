import assert from "node:assert/strict";
import { test } from "node:test";
import { textarea } from "./drivers/textarea.mjs";
import { borrowContext, Server, startBrowser, until, watchErrors } from "./harness.mjs";

const apiKey = "of-the-application-in-this-test";
const server = await Server.start(textarea.pages, { apiKey });
const browser = await startBrowser();

/** Somebody who has the document open in a textarea, on a device that keeps it. */
async function sitDown(name) {
  const page = await (await borrowContext(browser, {})).newPage();
  const errors = watchErrors(page);
  const open = async (go) => {
    await go();
    await until(page, "the document is loaded", () => globalThis.example?.shared.role != null && example.shared.status.state === "online");
    await page.evaluate(() => {
      globalThis.refused = [];
      example.shared.on("rejected", ({ error }) => refused.push(error.code));
    });
  };
  await open(() => page.goto(`http://127.0.0.1:${server.port}/?document=letter&token=dev:${name}&storage`));
  const reads = (text) => until(page, `${name} reads ${JSON.stringify(text)}`, (wanted) => example.area.value === wanted && example.shared.text === wanted && example.shared.status.pending === 0, text);
  const types = async (text) => (await page.locator("#editor").focus(), await page.keyboard.type(text));
  return { page, errors, reads, types, reload: () => open(() => page.reload()) };
}

/** What the application's own servers do. */
async function application(method) {
  const answer = await fetch(`http://127.0.0.1:${server.port}/v1/documents/letter`, { method, headers: { authorization: `Bearer ${apiKey}` } });
  return { status: answer.status, ...(await answer.json()) };
}

test("H4 two people whose document is deleted see it empty, are told why they cannot write, and begin anew", async () => {
  const people = [await sitDown("ada"), await sitDown("bob")];
  const [ada, bob] = people;
  await ada.types("a secret");
  for (const { reads } of people) await reads("a secret");

  const deleted = await application("DELETE");
  assert.deepEqual([deleted.status, deleted.deleted], [200, true]);
  for (const { reads } of people) await reads("");
  await bob.types("x");
  await until(bob.page, "bob is told", () => refused.length > 0);
  await bob.reads("");
  assert.deepEqual(await bob.page.evaluate(() => [...new Set(refused)]), ["deleted"]);
  assert.equal(await bob.page.evaluate(() => example.shared.status.state), "online");

  // Neither the server nor what the device has kept brings anything back.
  for (const { page, reload, reads } of people) {
    await until(page, "the device keeps what is there", () => example.shared.status.stored === example.shared.status.local);
    await reload();
    await reads("");
  }

  const anew = await application("PUT");
  assert.deepEqual([anew.status, anew.deleted], [200, false]);
  for (const { page } of people) await until(page, "the next life is there", () => example.shared.status.state === "online" && !example.shared.error);
  await ada.types("Dear Bob");
  for (const { reads } of people) await reads("Dear Bob");
  await bob.page.evaluate(() => example.area.setSelectionRange(8, 8));
  await bob.types(", yes");
  for (const { reads, reload } of people) {
    await reads("Dear Bob, yes");
    await reload();
    await reads("Dear Bob, yes");
  }
  for (const { errors } of people) assert.deepEqual(errors, []);
});
