import assert from "node:assert/strict";
import { test } from "node:test";
import { DEADLINE_MS, converged, openDemo, startPair, until } from "./harness.mjs";

const { server, browser, people } = await startPair("start");
const [ada, grace] = people;

test("the long text loads, and another page opens it", async () => {
  await ada.page.locator("#load-text").click();
  await until(ada.page, "the text is there", () => demo.document.length >= 100_000);
  const hash = await ada.page.evaluate(() => location.hash);
  await grace.page.evaluate((target) => { location.hash = target; }, hash);
  await until(grace.page, "the text is there", () => demo.document.length >= 100_000);
  const text = await converged(people);
  assert.match(text, /^Chapter 1: /);
});

test("edits at its start, middle and end arrive", async () => {
  const before = await converged(people);
  const middle = before.indexOf("\n", 50_000);
  await ada.caretAt(middle);
  await ada.page.keyboard.type(" IN THE MIDDLE");
  await grace.caretAt(0);
  await grace.page.keyboard.type("AT THE START ");
  await grace.page.keyboard.press("Control+End");
  await grace.page.keyboard.type("AT THE END");
  assert.equal(await converged(people), `AT THE START ${before.slice(0, middle)} IN THE MIDDLE${before.slice(middle)}AT THE END`);
});

test("a caret deep in the text is drawn at its line", async () => {
  const offset = (await ada.value()).indexOf(" IN THE MIDDLE");
  await ada.caretAt(offset);
  await until(grace.page, "the caret is there", (at) => document.querySelector(".cowrite-caret")?.dataset.offset === String(at), offset);
  // Bring it into view there as Ada's browser brings it into view here.
  await grace.caretAt(offset);
  await grace.page.keyboard.type(" ");
  await grace.page.keyboard.press("Backspace");
  await converged(people);
  // What scrolls is told at the next frame, and drawn then.
  await until(grace.page, "it is in view", () => {
    const [caret, area] = [".cowrite-caret", "#editor"].map((selector) => document.querySelector(selector)?.getBoundingClientRect());
    return caret && caret.top >= area.top && caret.bottom <= area.bottom;
  });
});

test("everything can be deleted and is gone for a page that comes later", { timeout: DEADLINE_MS * 3 }, async () => {
  await ada.editor.focus();
  await ada.page.keyboard.press("Control+a");
  await ada.page.keyboard.press("Delete");
  assert.equal(await converged(people), "");
  const hash = await ada.page.evaluate(() => location.hash);
  const late = await openDemo(browser, `http://127.0.0.1:${server.port}/${hash}`, "Late Comer");
  assert.equal(await late.text(), "");
});

test("no page has thrown an error", () => assert.deepEqual(people.flatMap(({ errors }) => errors), []));
