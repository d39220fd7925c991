// What every editor of text that is bound to a document has to do, tried with two people in Chromium.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { buildExample } from "./bundle.mjs";
import { DEADLINE_MS, Server, borrowContext, root, startBrowser, token, until, watchErrors } from "./harness.mjs";

const SECRET = "a secret of the editors' tests, which nobody else knows";
const LINES = Array.from({ length: 300 }, (_, line) => `line ${line}`).join("\n");

/**
 * Tries an example of an editor. The functions of `driver` run in the page, where the example has left what
 * it consists of: `text`, `select([anchor, head])` which gives the focus too, `selection` as `[anchor, head]`,
 * `watch` which counts changes in `changes`, `scrollTo(line)`, `topLine` as the offset of the first line in
 * view from the editor's edge and its text, `names` of the carets and `selections` shown, `replace(text)` by
 * a program, `isReadOnly`, `bind`, and `traces` of a binding, which must be 0 after its end. `pages` is where
 * the page is, if it is no example.
 */
export async function editorSuite(name, { pages, ...driver }) {
  const isExample = !pages;
  pages ??= await buildExample(name);
  const server = await Server.start(pages);
  const browser = await startBrowser();
  const errors = [];

  const open = async (port, token, shared) => {
    const context = await borrowContext(browser, { viewport: { width: 900, height: 600 } });
    const page = await context.newPage();
    errors.push(watchErrors(page));
    await page.goto(`http://127.0.0.1:${port}/?${new URLSearchParams({ token, document: shared })}`);
    await until(page, "the document is shown", () => globalThis.example?.shared.role);
    const run = (does) => (argument) => page.evaluate(does, argument);
    const person = Object.fromEntries(Object.entries(driver).map(([key, does]) => [key, run(does)]));
    return { page, ...person, keys: page.keyboard, edit: (offset, insert) => page.evaluate(([at, text]) => example.shared.insert(at, text), [offset, insert]) };
  };

  /** Two people on a document of their own, with a text in it. */
  const pair = async (shared, text = "") => {
    const people = [await open(server.port, "dev:ada", shared), await open(server.port, "dev:grace", shared)];
    if (text) await people[0].edit(0, text);
    assert.equal(await converged(people), text);
    for (const person of people) await person.watch();
    return people;
  };

  test(`${name}: two people who type at once come to the same text`, async () => {
    const [ada, grace] = await pair("typing", "first\nsecond");
    await ada.select([5, 5]);
    await grace.select([12, 12]);
    await Promise.all([ada.keys.type(" one of many words", { delay: 10 }), grace.keys.type(" two of many words", { delay: 10 })]);
    assert.equal(await converged([ada, grace]), "first one of many words\nsecond two of many words");
    await ada.select([0, 5]);
    await ada.keys.type("1");
    await grace.keys.press("Backspace");
    assert.equal(await converged([ada, grace]), "1 one of many words\nsecond two of many word");
  });

  test(`${name}: the other's caret is shown by name, and goes where it goes`, async () => {
    const [ada, grace] = await pair("carets", "alpha beta gamma");
    if (ada.layers) assert.equal(await ada.layers(), 0);
    await grace.select([6, 10]);
    await until(ada.page, "Grace's name is shown", `(${driver.names})().includes('grace')`);
    await until(ada.page, "Grace's selection is shown", `(${driver.selections})().join() === "beta"`);
    await ada.select([0, 0]);
    await ada.keys.type("so ");
    await converged([ada, grace]);
    await grace.keys.press("ArrowRight");
    await until(ada.page, "no selection is shown", `(${driver.selections})().length === 0`);
    assert.deepEqual(await ada.names(), ["grace"]);
    await grace.page.close();
    await until(ada.page, "the caret is gone", `(${driver.names})().length === 0`);
  });

  test(`${name}: selection and scroll position stay while the other writes above, by one change for each edit`, async () => {
    const [ada, grace] = await pair("scroll", LINES);
    const at = LINES.indexOf("line 150");
    await ada.select([at + 8, at]);
    await ada.scrollTo(140);
    const before = await ada.topLine();
    assert.ok(before.text.startsWith("line 1"), JSON.stringify(before));
    const changes = await ada.page.evaluate(() => (globalThis.remote = 0, example.shared.on("change", ({ origin }) => void (remote += origin === "remote")), globalThis.changes.length = 0, globalThis.changes.length));
    assert.equal(changes, 0);
    for (const piece of ["above\n", "and\nagain\n", "in the line "]) await grace.edit(0, piece);
    await converged([ada, grace]);
    const [anchor, head] = await ada.selection();
    assert.deepEqual([(await ada.text()).slice(head, anchor), anchor > head], ["line 150", true]);
    const after = await ada.topLine();
    assert.equal(after.text, before.text);
    assert.ok(Math.abs(after.top - before.top) <= 1, `${before.top} became ${after.top}`);
    const [told, made] = await ada.page.evaluate(() => [globalThis.remote, globalThis.changes]);
    assert.equal(made.length, told);
    assert.ok(made.every((size) => size < 30), `changes of ${made} letters`);
  });

  test(`${name}: a caret stays before what another inserts there, and a selection does not grow`, async () => {
    const [ada, grace] = await pair("ties", "abcd");
    await ada.select([1, 1]);
    await grace.edit(1, "X");
    await converged([ada, grace]);
    assert.deepEqual(await ada.selection(), [1, 1]);
    await ada.select([2, 4]);
    await grace.edit(4, "Y");
    await grace.edit(2, "Z");
    await converged([ada, grace]);
    assert.deepEqual(await ada.selection(), [3, 5]);
  });

  test(`${name}: a word that an input method composes is left alone, and comes together with the other's`, async () => {
    const [ada, grace] = await pair("composing", "ab");
    await ada.select([1, 1]);
    const session = await ada.page.context().newCDPSession(ada.page);
    await session.send("Input.imeSetComposition", { text: "か", selectionStart: 1, selectionEnd: 1 });
    await grace.edit(0, ">>");
    await grace.page.evaluate(() => example.shared.insert(example.shared.length, "<<"));
    await until(ada.page, "the engine has the other's text", () => example.shared.text.startsWith(">>") && example.shared.text.endsWith("<<"));
    assert.equal(await ada.text(), "aかb");
    await session.send("Input.imeSetComposition", { text: "かな", selectionStart: 2, selectionEnd: 2 });
    assert.equal(await ada.text(), "aかなb");
    await session.send("Input.insertText", { text: "仮名" });
    assert.equal(await converged([ada, grace]), ">>a仮名b<<");
    assert.deepEqual(await ada.selection(), [5, 5]);
    await ada.keys.type("!");
    assert.equal(await converged([ada, grace]), ">>a仮名!b<<");
  });

  test(`${name}: undo takes back only what one has written oneself`, async () => {
    const [ada, grace] = await pair("undo", "text");
    await ada.select([0, 0]);
    await ada.page.evaluate(() => example.shared.stopCapturing());
    // In one go: what is typed after a pause is a step of its own, and a busy machine may make one.
    await ada.keys.insertText("mine ");
    await converged([ada, grace]);
    await grace.select([2, 2]);
    await grace.keys.type("X");
    await converged([ada, grace]);
    await grace.select([9, 9]);
    await grace.keys.type(" theirs");
    assert.equal(await converged([ada, grace]), "miXne tex theirst");
    await ada.keys.press("Control+z");
    assert.equal(await converged([ada, grace]), "Xtex theirst");
    await ada.keys.press("Control+y");
    const again = await converged([ada, grace]);
    assert.equal(again.replace("X", ""), "mine tex theirst");
    await grace.keys.press("Control+z");
    assert.ok((await converged([ada, grace])).startsWith("m"));
  });

  test(`${name}: whoever may only read cannot type, and sees what others type`, async () => {
    const guarded = await Server.start(pages, { secret: SECRET });
    const ada = await open(guarded.port, token(SECRET, "ada", "editor"), "guarded");
    await ada.edit(0, "to be read");
    const vic = await open(guarded.port, token(SECRET, "vic", "viewer"), "guarded");
    await converged([ada, vic]);
    assert.deepEqual([await ada.isReadOnly(), await vic.isReadOnly()], [false, true]);
    await vic.select([0, 0]);
    await vic.keys.type("xyz");
    await vic.keys.press("Control+z");
    await ada.select([10, 10]);
    await ada.keys.type(", and heard");
    assert.equal(await converged([ada, vic]), "to be read, and heard");
  });

  test(`${name}: a text that a program sets goes to the others, with line feeds`, async () => {
    const [ada, grace] = await pair("replaced", "one\ntwo\nthree");
    await ada.replace("one\r\n2\r\nthree");
    assert.equal(await converged([ada, grace]), "one\n2\nthree");
    await grace.edit(0, "zero\r\n");
    await until(ada.page, "it is shown", `(${driver.text})() === "zero\\none\\n2\\nthree"`);
    await ada.select([5, 5]);
    await ada.keys.type("X");
    await until(grace.page, "it has come", () => example.shared.text === "zero\r\nXone\n2\nthree");
    assert.equal(await grace.text(), "zero\nXone\n2\nthree");
  });

  test(`${name}: an end leaves nothing behind, and one can begin again`, async () => {
    const [ada, grace] = await pair("end", "some text");
    await grace.select([2, 6]);
    await until(ada.page, "Grace's name is shown", `(${driver.names})().includes('grace')`);
    assert.ok((await ada.traces()) > 0);
    await ada.page.evaluate(() => (example.binding.destroy(), example.binding.destroy()));
    await until(ada.page, "nothing is left of it", `(${driver.traces})() === 0`);
    await grace.keys.type("X");
    await ada.select([0, 0]);
    await ada.keys.type("only here ");
    assert.equal(await ada.text(), "only here some text");
    assert.equal(await grace.text(), "soXext");
    await ada.page.evaluate(() => example.shared.whenAccepted());
    await ada.bind();
    assert.equal(await converged([ada, grace]), "soXext");
    await ada.select([0, 0]);
    await ada.keys.type("a");
    assert.equal(await converged([ada, grace]), "asoXext");
  });

  if (isExample) test(`${name}: the guide shows the very code of the example`, async () => {
    const [guide, example] = await Promise.all([`docs/guides/${name}.md`, `examples/${name}/main.js`].map((file) => readFile(path.join(root, file), "utf8")));
    assert.ok(guide.includes(example.slice(0, example.indexOf("\n// For the console"))), "they differ");
  });

  test(`${name}: no page has thrown an error`, () => assert.deepEqual(errors.flat(), []));
}

/** Waits until everything is accepted and all hold one text, in engine and editor, and gives it. */
async function converged(people) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    for (const { page } of people) await until(page, "nothing is pending", () => example.shared.status.pending === 0 && example.shared.status.state === "online");
    const states = await Promise.all(people.map(async ({ page, text }) => ({ version: await page.evaluate(() => example.shared.status.version), text: await page.evaluate(() => example.shared.text), shown: await text() })));
    if (states.every((state) => state.text === states[0].text && state.version === states[0].version && state.shown === state.text)) return states[0].text;
    if (Date.now() > deadline) throw new Error(`no convergence:\n${states.map((state) => JSON.stringify(state).slice(0, 2_000)).join("\n")}`);
  }
}
