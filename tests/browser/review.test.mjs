// `onReview`: what waited long is looked at before it is sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceIn, errors, kill, pagesFolder, settled, startDevice, stored } from "./device.mjs";
import { Server, startBrowser, until } from "./harness.mjs";

const server = await Server.start(await pagesFolder());
const browser = await startBrowser();

/** Opens the document with a question about all that others have changed under; the page answers by `answer(verdict)`. */
async function openReviewed(device) {
  const page = await device.page();
  await page.evaluate((id) => {
    globalThis.reviews = [];
    const onReview = (review) => new Promise((resolve) => void (reviews.push(review), (globalThis.answer = resolve)));
    start(id, "ada", { onReview, reviewRule: { waitedMs: 0 } });
    return shared.ready;
  }, device.id);
  return page;
}

/** A page that was asked, and what another one sees meanwhile. */
async function asked() {
  const [ada, other] = [await startDevice(browser, server), await startDevice(browser, server)];
  const bob = await (await deviceIn(await browser.newContext(), server, { id: ada.id, proxy: other.proxy })).open("bob");
  const page = await openReviewed(ada);
  await page.evaluate(() => (shared.insert(0, "start"), shared.whenAccepted()));
  await ada.cut(page);
  await page.evaluate(() => shared.insert(5, " mine"));
  await stored(page);
  await until(bob, "it arrived", () => shared.text === "start");
  await bob.evaluate(() => (shared.insert(0, "theirs "), shared.whenAccepted()));
  ada.proxy.heal();
  await page.evaluate(() => client.wake());
  await until(page, "it is asked", () => reviews.length === 1);
  return { ada, page, bob };
}

const sides = (page) => page.evaluate(() => ["before", "mine", "theirs", "merged"].map((side) => reviews[0][side].text));

test("nothing is sent until it is answered, edits go on, and a page that dies meanwhile asks again", async () => {
  const { ada, page: first, bob } = await asked();
  assert.deepEqual(await sides(first), ["start", "start mine", "theirs start", "theirs start mine"]);
  await first.evaluate(() => shared.insert(shared.length, "!"));
  await bob.evaluate(() => (shared.insert(0, "more "), shared.whenAccepted()));
  await until(first, "others' edits come", () => shared.text === "more theirs start mine!");
  await stored(first);
  assert.deepEqual(await first.evaluate(() => [shared.status.state, shared.status.reviewing, shared.status.pending]), ["online", true, 2]);
  assert.equal(await bob.evaluate(() => shared.text), "more theirs start");
  await kill(first);
  const page = await openReviewed(ada);
  await until(page, "it is asked again", () => reviews.length === 1);
  assert.deepEqual(await sides(page), ["start", "start mine", "more theirs start", "more theirs start mine!"]);
  assert.equal(await bob.evaluate(() => shared.text), "more theirs start");
  await page.evaluate(() => answer("merged"));
  assert.equal(await settled(page), "more theirs start mine!");
  assert.equal(await page.evaluate(() => shared.status.reviewing), false);
  await until(bob, "it arrived", () => shared.text === "more theirs start mine!");
});

test("their text can be kept, and what was mine can be read and taken back", async () => {
  const { page, bob } = await asked();
  const refused = page.evaluate(() => shared.whenAccepted().catch(({ code }) => code));
  await page.evaluate(() => answer("theirs"));
  assert.equal(await settled(page), "theirs start");
  assert.equal(await refused, "declined");
  assert.deepEqual(await page.evaluate(() => shared.proposals.map(({ kind, delta }) => [kind, delta])), [["declined", [{ retain: 12 }, { insert: " mine" }]]]);
  await page.evaluate(() => shared.acceptProposal(shared.proposals[0].id));
  await until(bob, "it arrived", () => shared.text === "theirs start mine");
});

test("another text can be sent, and what happened meanwhile stays", async () => {
  const { page, bob } = await asked();
  await bob.evaluate(() => (shared.insert(0, "more "), shared.whenAccepted()));
  await until(page, "others' edits come", () => shared.text.startsWith("more "));
  await page.evaluate(() => answer({ text: "theirs and mine" }));
  assert.equal(await settled(page), "more theirs and mine");
  await until(bob, "it arrived", () => shared.text === "more theirs and mine");
});

test("a question that fails is reported, and the merge is sent", async () => {
  const { page, bob } = await asked();
  await page.evaluate(() => answer(Promise.reject(new Error("no answer"))));
  assert.equal(await settled(page), "theirs start mine");
  await until(bob, "it arrived", () => shared.text === "theirs start mine");
  assert.ok(errors.flat().every((error) => error.includes("no answer")) && errors.flat().length === 1, errors.flat().join("\n"));
});
