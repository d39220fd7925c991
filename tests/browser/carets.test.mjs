import assert from "node:assert/strict";
import { test } from "node:test";
import { converged, startPair, until } from "./harness.mjs";

const { people } = await startPair("carets");
const [ada, grace] = people;
const LINE = "alpha beta gamma delta";

/** The letters around the real caret of a page. */
const around = ({ editor }) => editor.evaluate(({ value, selectionStart, selectionEnd }) => {
  if (selectionStart !== selectionEnd) throw new Error("a selection, not a caret");
  return `${value.slice(0, selectionStart).slice(-3)}|${value.slice(selectionStart, selectionStart + 3)}`;
});

/** The letters around the caret that a page shows of the other. */
const aroundOther = ({ page }) => page.evaluate(() => {
  const at = Number(document.querySelector(".cowrite-caret").dataset.offset);
  const { value } = document.getElementById("editor");
  return `${value.slice(0, at).slice(-3)}|${value.slice(at, at + 3)}`;
});

test("two carets in one line stay on their characters while the other types before them", async () => {
  await ada.editor.fill(LINE);
  await converged(people);
  await ada.caretAt(LINE.indexOf("ta g"));
  await grace.caretAt(LINE.indexOf("lta"));
  assert.deepEqual([await around(ada), await around(grace)], [" be|ta ", " de|lta"]);
  await ada.page.keyboard.type("many words that go before ");
  await converged(people);
  assert.equal(await around(grace), " de|lta");
  await until(ada.page, "Grace's caret is shown", () => document.querySelector(".cowrite-caret"));
  await until(ada.page, "Grace's caret stands before lta", () => {
    const at = Number(document.querySelector(".cowrite-caret")?.dataset.offset);
    return document.getElementById("editor").value.startsWith("lta", at);
  });
  assert.equal(await aroundOther(ada), " de|lta");

  // Now the one behind goes to the front, and the other's caret is the one that moves.
  await grace.caretAt(0);
  await ada.caretAt((await ada.value()).indexOf("mma"));
  await grace.page.keyboard.type("in front of it all, ");
  await converged(people);
  assert.equal(await around(ada), " ga|mma");
  await until(grace.page, "Ada's caret stands before mma", () => {
    const at = Number(document.querySelector(".cowrite-caret")?.dataset.offset);
    return document.getElementById("editor").value.startsWith("mma", at);
  });
});

test("a selection and its direction survive edits before and inside it", async () => {
  await ada.editor.fill(LINE);
  await converged(people);
  await ada.editor.evaluate((editor) => (editor.focus(), editor.setSelectionRange(6, 16, "backward")));
  await grace.caretAt(0);
  await grace.page.keyboard.type("zero ");
  await grace.caretAt("zero alpha beta".length);
  await grace.page.keyboard.type("!");
  await converged(people);
  const selection = await ada.editor.evaluate(({ value, selectionStart, selectionEnd, selectionDirection }) => [value.slice(selectionStart, selectionEnd), selectionDirection]);
  assert.deepEqual(selection, ["beta! gamma", "backward"]);
  await until(grace.page, "Ada's selection is drawn", () => document.querySelectorAll(".cowrite-selection").length > 0);
});

test("the page does not scroll when somebody writes above", async () => {
  await ada.editor.fill(Array.from({ length: 200 }, (_, line) => `line ${line}`).join("\n"));
  await converged(people);
  await ada.editor.evaluate((editor) => void (editor.scrollTop = 1_500));
  await grace.caretAt(0);
  await grace.page.keyboard.type("above ");
  await converged(people);
  assert.equal(await ada.editor.evaluate((editor) => editor.scrollTop), 1_500);
});

test("text that an input method composes meanwhile comes together with the other's", async () => {
  await ada.editor.fill("ab");
  await converged(people);
  await ada.caretAt(1);
  const session = await ada.page.context().newCDPSession(ada.page);
  await session.send("Input.imeSetComposition", { text: "か", selectionStart: 1, selectionEnd: 1 });
  await grace.caretAt(0);
  await grace.page.keyboard.type(">>");
  await until(ada.page, "the engine has the other's text", () => demo.document.text.startsWith(">>"));
  assert.equal(await ada.value(), "aかb");
  await session.send("Input.imeSetComposition", { text: "かな", selectionStart: 2, selectionEnd: 2 });
  await session.send("Input.insertText", { text: "仮名" });
  assert.equal(await converged(people), ">>a仮名b");
  assert.equal(await around(ada), "a仮名|b");
});

test("no page has thrown an error", () => assert.deepEqual(people.flatMap(({ errors }) => errors), []));
