import assert from "node:assert/strict";
import { test } from "node:test";
import { describe } from "../../examples/demo/status.js";
import { converged, startPair, until } from "./harness.mjs";

const { server, people } = await startPair("status");
const [ada] = people;

const says = (page, pattern) => until(page, `the line says ${pattern}`, (source) => new RegExp(source).test(document.getElementById("status-text").textContent), pattern.source);

test("saved, then offline with a countdown and what waits, then saved", async () => {
  await ada.editor.fill("text");
  await converged(people);
  await says(ada.page, /^saved$/);
  await server.kill();
  await says(ada.page, /^offline/);
  await ada.caretAt(0);
  await ada.page.keyboard.type("abc");
  await says(ada.page, /^offline.* · \d edits? waiting$/);
  // The first attempts come quickly; then there is time to count down.
  await says(ada.page, /^offline, retrying in \d+ s/);
  await server.restart();
  await says(ada.page, /^saved$/);
  assert.equal(await converged(people), "abctext");
});

test("the browser asks before the page is left while work waits, and only then", async () => {
  const leaves = () => ada.page.evaluate(() => globalThis.dispatchEvent(new Event("beforeunload", { cancelable: true })));
  assert.equal(await leaves(), true);
  ada.proxy.cut();
  await ada.page.keyboard.type("x");
  await until(ada.page, "the edit waits", () => demo.document.status.pending > 0);
  assert.equal(await leaves(), false);
  ada.proxy.heal();
  await converged(people);
  assert.equal(await leaves(), true);
});

const online = { state: "online", retryAt: null, error: null };
const saved = { state: "online", local: 3, accepted: 3, durable: 3, pending: 0, version: 9 };
const sentence = (changes) => describe({ link: online, status: saved, error: null, loaded: true, waitedMs: 0, now: 0, ...changes }).text;

test("each state has its sentence", () => {
  assert.equal(sentence({}), "saved");
  assert.equal(sentence({ status: { ...saved, pending: 2 } }), "saving…");
  assert.equal(sentence({ status: { ...saved, pending: 3 }, waitedMs: 5_000 }), "3 edits waiting");
  assert.equal(sentence({ status: { ...saved, pending: 1 }, waitedMs: 5_000 }), "1 edit waiting");
  assert.equal(sentence({ link: { ...online, state: "offline", retryAt: 3_400 } }), "offline, retrying in 4 s");
  assert.equal(sentence({ link: { ...online, state: "offline", retryAt: 0 }, status: { ...saved, pending: 1 } }), "offline, retrying · 1 edit waiting");
  assert.equal(sentence({ link: { ...online, state: "connecting" } }), "connecting…");
  assert.equal(sentence({ loaded: false }), "connecting…");
  assert.equal(sentence({ status: { ...saved, state: "stalled", pending: 2 } }), "the server's storage does not answer · 2 edits waiting");
  assert.equal(sentence({ status: { ...saved, durable: null } }), "received by the server, which keeps it in memory only");
  assert.equal(sentence({ status: { ...saved, durable: 2 } }), "received by the server, not durable yet");
  assert.equal(sentence({ error: { message: "The document was deleted.", whatToDo: "Copy." }, status: { ...saved, pending: 1 } }), "The document was deleted. Copy. · 1 edit waiting");
});
