import assert from "node:assert/strict";
import { test } from "node:test";
import { boxes, converged, shown, startPair, until } from "./harness.mjs";

const { people } = await startPair("typing");
const [ada, grace] = people;

const selection = ({ editor }) => editor.evaluate(({ selectionStart, selectionEnd }) => [selectionStart, selectionEnd]);

test("typing in both pages converges, and each letter is there once", async () => {
  await ada.editor.focus();
  await grace.editor.focus();
  await Promise.all([ada.page.keyboard.type("The quick brown fox. "), grace.page.keyboard.type("Jumps over the lazy dog. ")]);
  const text = await converged(people);
  assert.equal([...text].sort().join(""), [..."The quick brown fox. Jumps over the lazy dog. "].sort().join(""));
});

test("each sees the other's caret, with the name, where it stands in the text", async () => {
  await ada.editor.fill("first line\nsecond line\nthird line");
  await converged(people);
  await ada.caretAt(18);
  await until(grace.page, "Ada's caret is at the offset", () => document.querySelector(".cowrite-caret")?.dataset.offset === "18");
  const caret = grace.page.locator(".cowrite-caret");
  assert.equal(await caret.textContent(), "Ada Lovelace");
  // Both pages have the same size, so Ada's own overlay measures where Grace must show it.
  await grace.caretAt(18);
  await until(ada.page, "Grace's caret is at the offset", () => document.querySelector(".cowrite-caret")?.dataset.offset === "18");
  const [[atAdas], [atGraces]] = await Promise.all(people.map(({ page }) => boxes(page, ".cowrite-caret")));
  assert.deepEqual(atAdas, atGraces);
  // "second " is 7 letters into the second line: right of the first column, one line below the first.
  const area = await grace.page.locator("#editor").evaluate((editor) => {
    const style = getComputedStyle(editor);
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.font = style.font;
    const box = editor.getBoundingClientRect();
    return {
      left: box.left + parseFloat(style.paddingLeft) + canvas.measureText("second ").width,
      line: box.top + parseFloat(style.paddingTop) + 1.5 * parseFloat(style.lineHeight),
    };
  });
  assert.ok(Math.abs(atAdas.x + 1 - area.left) < 2, `${atAdas.x} is not ${area.left}`);
  assert.ok(Math.abs(atAdas.y + atAdas.height / 2 - area.line) < 3, `${atAdas.y} is not around ${area.line}`);
});

test("who is here is shown, and leaves", async () => {
  await until(ada.page, "two are here", () => document.querySelectorAll("#people li").length === 2);
  const labels = await ada.page.locator("#people li").evaluateAll((items) => items.map((item) => item.getAttribute("aria-label")));
  assert.match(labels[0], /^Ada Lovelace \(you\)/);
  assert.match(labels[1], /^Grace Hopper/);
  const other = await ada.page.evaluate(() => demo.document.members.find((member) => !member.self).number);
  await grace.page.evaluate(() => { location.hash = "elsewhere"; });
  await until(ada.page, "Grace has left", (number) => !demo.document.members.some((member) => member.number === number), other);
  await until(ada.page, "her caret has left", () => !document.querySelector(".cowrite-caret"));
  await grace.page.evaluate(() => { location.hash = "typing"; });
  await until(grace.page, "Grace is back", () => demo.document.id === "typing" && demo.document.role !== null);
  assert.equal(shown(await grace.text()), "first line\nsecond line\nthird line");
});

test("a replaced selection, undo and cut reach the other page", async () => {
  await ada.editor.fill("one two three");
  await ada.editor.evaluate((editor) => editor.setSelectionRange(4, 7));
  // The browser tells of a selection in a task of its own, which a busy machine may have after a key.
  await until(grace.page, "Grace knows of the selection", () => demo.document.members.some(({ self, cursor }) => !self && cursor?.anchor === 4 && cursor.head === 7));
  await ada.page.keyboard.type("2");
  assert.equal(await converged(people), "one 2 three");
  await ada.page.keyboard.press("Control+z");
  assert.equal(await converged(people), "one two three");
  assert.deepEqual(await selection(ada), [4, 7]);
  await ada.page.keyboard.press("Control+Shift+Z");
  assert.equal(await converged(people), "one 2 three");
  assert.deepEqual(await selection(ada), [5, 5]);
  await ada.page.keyboard.press("Control+a");
  await ada.page.keyboard.press("Control+x");
  assert.equal(await converged(people), "");
});

test("undo takes back what was written here, and leaves what the other wrote", async () => {
  await ada.editor.fill("");
  await converged(people);
  await ada.editor.focus();
  await ada.page.keyboard.type("mine");
  await converged(people);
  await grace.caretAt(2);
  await grace.page.keyboard.type("<theirs>");
  assert.equal(await converged(people), "mi<theirs>ne");
  // The browser's own undo would bring back a text from before Grace's words.
  await ada.page.keyboard.press("Control+z");
  assert.equal(await converged(people), "<theirs>");
  await ada.page.keyboard.press("Control+y");
  assert.equal(await converged(people), "mi<theirs>ne");
  await grace.page.keyboard.press("Control+z");
  assert.equal(await converged(people), "mine");
});

test("no page has thrown an error", () => assert.deepEqual(people.flatMap(({ errors }) => errors), []));
