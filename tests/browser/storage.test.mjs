import assert from "node:assert/strict";
import { test } from "node:test";
import { assertTokens, errors, kill, pagesFolder, reload, settled, startDevice, stored } from "./device.mjs";
import { Server, startBrowser, until } from "./harness.mjs";

/** Each in a browser of its own, side by side. */
const LANES = 2;
/** `COWRITE_KILLS` asks for more, or fewer where the machine has other work. */
const KILLS = Number(process.env.COWRITE_KILLS ?? 16);

const server = await Server.start(await pagesFolder());
const browser = await startBrowser();

test("what was typed without a connection outlives the reload, and goes once", async () => {
  const device = await startDevice(browser, server);
  let page = await device.open();
  await page.evaluate(() => (shared.insert(0, "online "), shared.whenAccepted()));
  device.proxy.cut();
  await until(page, "it is offline", () => shared.status.state === "offline");
  await page.evaluate(() => shared.insert(shared.length, "offline "));
  await until(page, "it is stored", () => shared.status.stored === shared.status.local);
  assert.deepEqual(await page.evaluate(() => shared.persistence), { state: "stored", reason: null });
  for (let round = 0; round < 3; round += 1) {
    await reload(page, device.id);
    const [text, pending] = await page.evaluate(() => [shared.text, shared.status.pending]);
    assert.equal(text, "online offline " + "again ".repeat(round));
    assert.equal(pending, 1 + round);
    await page.evaluate(() => shared.insert(shared.length, "again "));
    await until(page, "it is stored", () => shared.status.stored === shared.status.local);
  }
  await kill(page);
  device.proxy.heal();
  page = await device.open();
  assert.equal(await settled(page), "online offline again again again ");
  const other = await startDevice(browser, server);
  const plain = await other.page();
  await plain.evaluate((id) => (start(id), shared.ready), device.id);
  assert.equal(await plain.evaluate(() => shared.text), "online offline again again again ");
});

test("killed at random instants while typing, nothing that was stored or accepted is lost, nothing comes twice", { timeout: 120_000 + 4_000 * KILLS }, async () => {
  await Promise.all(Array.from({ length: LANES }, async (_, lane) => {
    const device = await startDevice(browser, server);
    for (let round = 0; round < KILLS / LANES; round += 1) {
      const page = await device.page();
      // Now and then the network is gone as well; not before anything is kept, or nobody could load the document.
      const kept = [...device.notes.values()].some(([stored]) => stored >= 0);
      if (round % 5 === 1 && kept) device.proxy.cut();
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
  const device = await startDevice(browser, server);
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

test("no page has thrown an error", () => assert.deepEqual(errors.flat(), []));
