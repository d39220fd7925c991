import assert from "node:assert/strict";
import { test } from "node:test";
import { converged, startPair, until } from "./harness.mjs";

const EDITS = 200;
const { people } = await startPair("offline");
const [ada, grace] = people;

/** Makes edits at scattered places, each with a token of its own that can be counted. */
const scatter = ({ page }, who) =>
  page.evaluate(({ who, count }) => {
    for (let edit = 0; edit < count; edit += 1) {
      const { document: shared } = demo;
      const at = (edit * 7_919) % (shared.length + 1);
      // Between two letters of a token is no place: the tokens could not be counted any more.
      const next = at === shared.length ? at : (shared.text.indexOf(" ", at) + 1 || shared.length);
      shared.insert(next, `<${who}${edit}> `);
    }
  }, { who, count: EDITS });

function assertEachOnce(text) {
  for (const who of ["a", "g"]) {
    for (let edit = 0; edit < EDITS; edit += 1) assert.equal(text.split(`<${who}${edit}>`).length - 1, 1, `edit ${who}${edit}`);
  }
}

test("200 edits on each side while both are cut off come together, each once", async () => {
  await ada.editor.fill("once upon a time ");
  await converged(people);
  for (const { proxy } of people) proxy.cut();
  for (const { page } of people) await until(page, "the page says offline", () => document.getElementById("status-text").textContent.startsWith("offline"));
  await Promise.all([scatter(ada, "a"), scatter(grace, "g")]);
  for (const { page, status } of people) {
    await until(page, "the page counts what waits", () => /[1-9]\d* edits? waiting/.test(document.getElementById("status-text").textContent));
    assert.ok((await status()).pending > 0);
  }
  assert.ok(!(await ada.text()).includes("<g0>"));
  for (const { proxy } of people) proxy.heal();
  assertEachOnce(await converged(people));
});

test("typing with the keyboard goes on while the network is cut in mid-sentence, again and again", async () => {
  await ada.editor.fill("");
  await converged(people);
  await ada.editor.focus();
  for (let round = 0; round < 3; round += 1) {
    await ada.page.keyboard.type(`before ${round}, `);
    ada.proxy.cut();
    await ada.page.keyboard.type(`after ${round}. `);
    ada.proxy.heal();
    await ada.page.evaluate(() => demo.client.wake());
  }
  assert.equal(await converged(people), "before 0, after 0. before 1, after 1. before 2, after 2. ");
});

test("a page that the browser says is offline comes back by itself", async () => {
  const context = ada.page.context();
  await context.setOffline(true);
  ada.proxy.cut();
  await ada.caretAt(0);
  await ada.page.keyboard.type("offline ");
  await until(ada.page, "the edit waits", () => demo.document.status.pending > 0);
  ada.proxy.heal();
  await context.setOffline(false);
  assert.match(await converged(people), /^offline before 0/);
});

test("no page has thrown an error", () => assert.deepEqual(people.flatMap(({ errors }) => errors), []));
