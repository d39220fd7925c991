// FAULTS.md G6, G7 and G8: what goes wrong between an editor and its document, in every editor that can be bound.
import assert from "node:assert/strict";
import { test } from "node:test";
import { converged, editors, open, openPair, serve } from "./editor-table.mjs";
import { startBrowser, until } from "./harness.mjs";

const browser = await startBrowser();
const MEGABYTE = Array.from({ length: 1_024 }, (_, line) => `${line} `.padEnd(1_023, "lorem ipsum ")).join("\n");

// All of them before the first test: the runner takes a file for done when it has nothing to run.
const tried = await Promise.all(editorsToTry().map(async (name) => [name, await serve(name)]));

for (const [name, server] of tried) {
  const pair = (shared, text) => openPair(browser, name, server, shared, text);

  for (const when of ["before", "after"]) {
    test(`G6 ${name}: what throws ${when} the editor takes a change costs neither side a letter`, async () => {
      const [ada, grace] = await pair(`g6-${when}`, "one two three");
      await ada.trip(when);
      // As long as before: that something is missing is not seen by the length.
      await grace.edit(4, "six", 3);
      assert.equal(await converged([ada, grace]), "one six three");
      await grace.edit(0, "> ");
      await ada.select([5, 5]);
      await ada.keys.type("!");
      assert.equal((await converged([ada, grace])).replace("!", ""), "> one six three");
      assert.ok(ada.errors.every((error) => error.includes("made to fail")), ada.errors.join());
      assert.ok(ada.errors.length > 0, "it was to be told");
    });
  }

  test(`G6 ${name}: the user's own edit is not lost, whatever an application's listeners throw at it`, async () => {
    const [ada, grace] = await pair("g6-own", "one two three");
    await ada.page.evaluate(() => {
      for (const event of ["change", "status", "presence", "undo"]) example.shared.on(event, () => { throw new Error("made to fail"); });
    });
    // A new binding, whose own listeners come after the application's.
    await ada.rebind();
    await ada.trip("own");
    await converged([ada, grace]);
    await ada.select([3, 3]);
    await ada.keys.type("abc");
    await grace.edit(0, "> ");
    assert.equal(await converged([ada, grace]), "> oneabc two three");
    assert.ok(ada.errors.length > 0 && ada.errors.every((error) => error.includes("made to fail")), ada.errors.join());
  });

  test(`G7 ${name}: a word that is composed over others' edits before, behind and around it comes out once`, async () => {
    const [ada, grace] = await pair("g7-composition", "left right");
    await ada.select([5, 5]);
    for (const text of ["に", "にほ", "にほん"]) {
      await ada.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
      await grace.edit(0, "<");
      await grace.page.evaluate(() => example.shared.insert(example.shared.length - 1, ">"));
    }
    // Both letters between which the word stands go away beneath it.
    await grace.page.evaluate(() => {
      const at = example.shared.text.indexOf("right");
      example.shared.delete(at, 1);
    });
    await until(ada.page, "the engine has it all", () => example.shared.text.includes(">>>") && !example.shared.text.includes("right"));
    await ada.send("Input.insertText", { text: "日本" });
    assert.equal(await converged([ada, grace]), "<<<left 日本ight>>>");
    await ada.keys.type("!");
    assert.equal(await converged([ada, grace]), "<<<left 日本!ight>>>");
    await ada.send("Input.imeSetComposition", { text: "ni", selectionStart: 2, selectionEnd: 2 });
    await grace.edit(0, "<");
    // The input method is left without a word.
    await ada.send("Input.imeSetComposition", { text: "", selectionStart: 0, selectionEnd: 0 });
    await ada.send("Input.insertText", { text: "" });
    assert.equal(await converged([ada, grace]), "<<<<left 日本!ight>>>");
    assert.deepEqual([...ada.errors, ...grace.errors], []);
  });

  test(`G7 ${name}: a word that a keyboard corrects while another writes is replaced once`, async () => {
    const [ada, grace] = await pair("g7-correction", "x teh y");
    await ada.select([5, 5]);
    await ada.send("Input.imeSetComposition", { text: "the", selectionStart: 3, selectionEnd: 3, replacementStart: 2, replacementEnd: 5 });
    await grace.edit(0, "> ");
    await grace.page.evaluate(() => example.shared.insert(example.shared.length - 1, " <"));
    await ada.send("Input.insertText", { text: "the" });
    await ada.keys.type("!");
    assert.equal(await converged([ada, grace]), "> x the! y <");
    assert.deepEqual([...ada.errors, ...grace.errors], []);
  });

  test(`G7 ${name}: a megabyte that is pasted arrives, with what the other writes meanwhile`, { timeout: 120_000 }, async () => {
    const [ada, grace] = await pair("g7-paste", "ab");
    await ada.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await ada.select([1, 1]);
    await ada.page.evaluate((text) => navigator.clipboard.writeText(text), MEGABYTE);
    await Promise.all([ada.keys.press("Control+v"), grace.edit(0, "> ").then(() => grace.page.evaluate(() => example.shared.insert(example.shared.length - 1, " <")))]);
    await until(ada.page, "it is in the document", (length) => example.shared.length > length, MEGABYTE.length);
    const text = await converged([ada, grace]);
    assert.ok(text === `> a${MEGABYTE}b <`, `${text.slice(0, 40)} … ${text.slice(-40)}, ${text.length} letters`);
    assert.deepEqual(await ada.selection(), [MEGABYTE.length + 3, MEGABYTE.length + 3]);
    await ada.keys.type("!");
    await until(ada.page, "the caret was behind it", () => example.shared.text.includes("!b <"));
    assert.deepEqual([...ada.errors, ...grace.errors], []);
  });

  test(`G7 ${name}: undo and redo while the other writes without a pause lose and double nothing`, async () => {
    const [ada, grace] = await pair("g7-undo", "middle");
    await ada.select([6, 6]);
    await ada.page.evaluate(() => example.shared.stopCapturing());
    // In one go: what is typed after a pause is a step of its own, and a busy machine may make one.
    // Without brackets, which some editors close by a step of their own.
    await ada.keys.insertText(" mine");
    await converged([ada, grace]);
    await grace.page.evaluate(() => {
      globalThis.written = 0;
      globalThis.writing = setInterval(() => {
        const { shared } = example;
        shared.insert(globalThis.written % 2 ? 0 : shared.length - 1, `<${globalThis.written}>`);
        globalThis.written += 1;
      }, 15);
    });
    for (let round = 0; round < 6; round += 1) {
      await ada.keys.press("Control+z");
      await until(ada.page, "it is taken back", () => !example.shared.text.includes("mine"));
      await ada.keys.press("Control+Shift+Z");
      await until(ada.page, "it is there again", () => example.shared.text.includes("mine"));
    }
    const written = await grace.page.evaluate(() => (clearInterval(globalThis.writing), globalThis.written));
    const text = await converged([ada, grace]);
    for (let edit = 0; edit < written; edit += 1) assert.equal(text.split(`<${edit}>`).length, 2, `<${edit}> of ${written}`);
    assert.equal(text.replace(/<\d+>/g, ""), "middle mine");
    const [, head] = await ada.selection();
    assert.equal(text.slice(0, head).replace(/<\d+>/g, ""), "middle mine");
    assert.deepEqual([...ada.errors, ...grace.errors], []);
  });

  test(`G8 ${name}: an editor that shows another text than the document is found out, mended and told`, async () => {
    const [ada, grace] = await pair("g8", "one two three");
    await ada.page.evaluate(() => {
      globalThis.repairs = [];
      globalThis.options = { onRepair: (repair) => globalThis.repairs.push(repair) };
    });
    await ada.rebind();
    await converged([ada, grace]);
    // Edits that reach nobody, as from an editor that tells nothing.
    await ada.page.evaluate(() => (example.shared.apply = () => {}));
    await ada.select([3, 3]);
    await ada.keys.type("XYZ");
    await ada.page.evaluate(() => delete example.shared.apply);
    assert.ok((await ada.text()).startsWith("oneXYZ"));
    await grace.edit(0, "> ");
    assert.equal(await converged([ada, grace]), "> one two three");
    if (editors[name].reports) {
      const [{ found, expected }, ...more] = await ada.page.evaluate(() => globalThis.repairs);
      assert.deepEqual([found - expected, more], [3, []]);
    }
    await ada.select([2, 2]);
    await ada.keys.type("!");
    assert.equal(await converged([ada, grace]), "> !one two three");
    assert.deepEqual([...ada.errors, ...grace.errors], []);
  });
}

/** All of them, or the one that the environment names: for whoever works on it. */
function editorsToTry() {
  const { COWRITE_EDITOR } = process.env;
  return COWRITE_EDITOR ? [COWRITE_EDITOR] : Object.keys(editors);
}
