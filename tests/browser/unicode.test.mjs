import assert from "node:assert/strict";
import { test } from "node:test";
import { converged, startPair } from "./harness.mjs";

const { people } = await startPair("unicode");
const [ada, grace] = people;

const samples = {
  emoji: "a😀b🌧c",
  "joined emoji": "👩‍👩‍👧‍👦 and 🏳️‍🌈 and 👍🏽",
  "combining marks": "e\u0301 n\u0303 Z\u0351\u036b\u0343 o\u0308",
  "right to left": "שלום עולם – مرحبا بالعالم",
  "both directions": "abc אבג 123 דהו xyz",
  "beyond the basic plane": "𝕳𝖊𝖑𝖑𝖔 𠜎𠜱",
};

for (const [name, sample] of Object.entries(samples)) {
  test(`D9 ${name}: pasted and typed between, it is the same on both sides`, async () => {
    await ada.editor.fill("");
    await converged(people);
    await ada.editor.focus();
    await ada.pasted(sample);
    assert.equal(await converged(people), sample);
    await grace.caretAt(sample.length);
    await ada.caretAt(0);
    await Promise.all([grace.page.keyboard.type(sample), ada.page.keyboard.type("<")]);
    assert.equal(await converged(people), `<${sample}${sample}`);
  });
}

test("D9 deleting character by character never splits one", async () => {
  const sample = "x😀👍🏽e\u0301";
  await ada.editor.fill(sample);
  await converged(people);
  await ada.caretAt(sample.length);
  while ((await ada.value()) !== "") {
    await ada.page.keyboard.press("Backspace");
    assert.ok(!/\p{Surrogate}/u.test(await converged(people)));
  }
});

test("CRLF that is pasted becomes a line feed", async () => {
  await ada.editor.fill("");
  await ada.editor.focus();
  await ada.pasted("one\r\ntwo\rthree\n");
  assert.equal(await converged(people), "one\ntwo\nthree\n");
});

test("CRLF that a program put into the document stays, and editing around it is exact", async () => {
  await ada.editor.fill("");
  await converged(people);
  await ada.page.evaluate(() => demo.document.insert(0, "one\r\ntwo\r\nthree"));
  await converged(people);
  assert.equal(await grace.value(), "one\ntwo\nthree");
  await grace.caretAt(5);
  await grace.page.keyboard.type("X");
  assert.equal(await converged(people), "one\r\ntXwo\r\nthree");
  await grace.caretAt(9);
  await grace.page.keyboard.press("Backspace");
  assert.equal(await converged(people), "one\r\ntXwothree");
});

test("D9 two write at once at both sides of a joined emoji", async () => {
  const family = "👩‍👩‍👧‍👦";
  await ada.editor.fill(family);
  await converged(people);
  await ada.caretAt(0);
  await grace.caretAt(family.length);
  await Promise.all([ada.page.keyboard.type("left 😀 "), grace.page.keyboard.type(" right 🌧")]);
  assert.equal(await converged(people), `left 😀 ${family} right 🌧`);
});

test("no page has thrown an error", () => assert.deepEqual(people.flatMap(({ errors }) => errors), []));
