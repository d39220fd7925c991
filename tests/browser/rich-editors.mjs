// What every editor of rich text that is bound to a document has to do, tried with two people in Chromium.
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildExample } from "./bundle.mjs";
import { DEADLINE_MS, Server, borrowContext, boxes, startBrowser, token, until, watchErrors } from "./harness.mjs";

const SECRET = "a secret of the rich editors' tests, which nobody else knows";

/**
 * Tries an example of an editor. The functions of `driver` run in the page, where the example has left what it
 * consists of: `shown` is what the editor holds as JSON, `text` its text without the newline at its end,
 * `select([anchor, head])` in offsets of the text, which gives the focus too, `selected` the selected text,
 * `letters` what is on the page, `caret` the offset of the other's caret in the first line, `watch` counts changes of the editor's content in `changes` by their size, `scroller`
 * is the element that scrolls, `bold` and `heading` format what is selected, `isReadOnly`, and `end`. `stray` writes
 * "XX" at the start without telling the binding as usual, and `insert(offset, text)` does it as a user does. `everyFormat`
 * gives the editor's text whatever it has, one after the other.
 */
export async function richEditorSuite(name, { folder = name, page: file = "", everyFormat, ...driver }) {
  const pages = await buildExample(folder);
  const server = await Server.start(pages);
  const browser = await startBrowser();
  const errors = [];

  const open = async (port, token, shared) => {
    const context = await borrowContext(browser, { viewport: { width: 900, height: 600 } });
    const page = await context.newPage();
    errors.push(watchErrors(page));
    await page.goto(`http://127.0.0.1:${port}/${file}?${new URLSearchParams({ token, document: shared })}`);
    await until(page, "the document is shown", () => globalThis.example?.shared.role);
    const person = Object.fromEntries(Object.entries(driver).map(([key, does]) => [key, (argument) => page.evaluate(does, argument)]));
    return { page, ...person, keys: page.keyboard, apply: (delta) => page.evaluate((change) => globalThis.example.shared.apply(change), delta) };
  };

  /** Two people on a document of their own, with a content in it. */
  const pair = async (shared, content) => {
    const people = [await open(server.port, "dev:ada", shared), await open(server.port, "dev:grace", shared)];
    await people[0].apply(content);
    await converged(people);
    for (const person of people) await person.watch();
    return people;
  };

  test(`${name}: two people who type and format at once come to the same document`, async () => {
    const [ada, grace] = await pair("typing", [{ insert: "first line\nsecond line\n" }]);
    await ada.select([10, 10]);
    await grace.select([22, 22]);
    await Promise.all([ada.keys.type(" one of many words", { delay: 10 }), grace.keys.type(" two of many words", { delay: 10 })]);
    await converged([ada, grace]);
    await ada.select([0, 5]);
    await grace.select([3, 10]);
    await Promise.all([ada.bold().then(() => ada.select([0, 0])).then(() => ada.keys.type("F")), grace.heading()]);
    await converged([ada, grace]);
    await grace.keys.press("End");
    // The browser tells an editor of a moved caret in a task of its own.
    await until(grace.page, "the caret is at the end", `(${driver.selected})() === ""`);
    await grace.keys.press("Enter");
    await grace.keys.type("third");
    const { text, content } = await converged([ada, grace]);
    assert.equal(text, "Ffirst line one of many words\nthird\nsecond line two of many words\n");
    assert.deepEqual(content.find(({ insert }) => insert.startsWith("\n")).attributes, { header: 1 });
    assert.ok(content.some(({ attributes }) => attributes?.bold));
  });

  test(`${name}: a caret that was moved just before another's caret is drawn stays where it was put`, async () => {
    const [ada, grace] = await pair("carets", [{ insert: "first line\nsecond line\n" }]);
    await ada.select([0, 5]);
    // The browser has moved the caret and told nobody yet, and in the same task the frame is drawn.
    await ada.page.evaluate(() => {
      const request = globalThis.requestAnimationFrame.bind(globalThis);
      globalThis.moved = 0;
      globalThis.requestAnimationFrame = (draw) => request((now) => {
        if (globalThis.moved === 0) getSelection().modify("move", "forward", "lineboundary");
        globalThis.moved += 1;
        draw(now);
      });
    });
    await grace.select([12, 14]);
    await until(ada.page, "a frame with the other's caret is drawn", () => globalThis.moved > 0);
    await until(ada.page, "the selection is no more", `(${driver.selected})() === ""`);
    await ada.keys.type("!");
    const { text } = await converged([ada, grace]);
    assert.equal(text, "first line!\nsecond line\n");
  });

  test(`${name}: random formats and words of two people, at the same time, leave both with one document`, async () => {
    const [ada, grace] = await pair("random", [{ insert: "alpha beta\ngamma delta\nepsilon\nzeta\n" }]);
    const act = async (person, seed) => {
      for (let step = 0; step < 25; step += 1) {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        const at = seed % 20;
        await person.select([at, at + (seed >> 8) % 6]);
        await [() => person.bold(), () => person.heading(), () => person.keys.press("Enter"), () => person.keys.type("xy"), () => person.keys.press("Backspace"), () => person.keys.press("Delete")][(seed >> 4) % 6]();
      }
    };
    await Promise.all([act(ada, 1), act(grace, 2)]);
    await converged([ada, grace]);
  });

  test(`${name}: blocks that others make of any attributes are shown the same to both`, async () => {
    const [ada, grace] = await pair("attributes", [{ insert: "one\ntwo\nthree\nfour" }]);
    await Promise.all([
      ada.apply([{ retain: 3 }, { retain: 1, attributes: { list: "bullet" } }, { retain: 3 }, { retain: 1, attributes: { list: "ordered", indent: 7 } }]),
      grace.apply([{ retain: 3 }, { retain: 1, attributes: { header: 2 } }, { retain: 3 }, { retain: 1, attributes: { blockquote: true } }, { insert: { strange: 1 } }]),
    ]);
    await converged([ada, grace]);
    await Promise.all([ada.apply([{ retain: 3 }, { retain: 1, attributes: { list: null } }]), grace.apply([{ insert: "x" }, { retain: 7 }, { delete: 1 }])]);
    await converged([ada, grace]);
    await grace.page.reload();
    await until(grace.page, "the document is shown", () => globalThis.example?.shared.role);
    await converged([ada, grace]);
  });

  test(`${name}: selection and scroll position stay while the other writes above, by small changes only`, async () => {
    const lines = Array.from({ length: 200 }, (_, line) => `line ${line}\n`).join("");
    const [ada, grace] = await pair("scroll", [{ insert: lines }]);
    const at = lines.indexOf("line 100");
    await ada.select([at, at + 8]);
    await ada.page.evaluate(`(${driver.scroller})().scrollTop = 1200`);
    const before = await ada.page.evaluate(`(${driver.scroller})().scrollTop`);
    assert.ok(before > 1_000, `scrolled to ${before}`);
    await ada.page.evaluate(() => {
      globalThis.changes.length = globalThis.told = 0;
      example.shared.on("change", () => void (globalThis.told += 1));
    });
    await grace.apply([{ retain: lines.indexOf("line 150") }, { insert: "below " }]);
    await grace.apply([{ insert: "in the line " }]);
    await grace.apply([{ retain: 5 }, { retain: 6, attributes: { bold: true } }]);
    await converged([ada, grace]);
    assert.equal(await ada.selected(), "line 100");
    assert.equal(await ada.page.evaluate(`(${driver.scroller})().scrollTop`), before);
    const [changes, told] = await ada.page.evaluate(() => [globalThis.changes, globalThis.told]);
    assert.equal(changes.length, told);
    assert.ok(changes.every((size) => size < 60), `changes of ${changes}`);
  });

  test(`${name}: the other's caret and selection are shown by name, where they are`, async () => {
    const [ada, grace] = await pair("carets", [{ insert: "alpha beta gamma\n" }]);
    await grace.select([6, 10]);
    await until(ada.page, "Grace's caret is shown", `(${driver.caret})() === 10`);
    assert.equal(await ada.page.locator(".cowrite-name").textContent(), "grace");
    await until(ada.page, "her selection is shown", () => document.querySelector(".cowrite-selection"));
    await ada.select([0, 0]);
    await ada.keys.type("so ");
    await until(ada.page, "it has moved along", `(${driver.caret})() === 13`);
    await converged([ada, grace]);
    const isInItsPlace = async () => {
      const own = await grace.page.evaluate(() => getSelection().getRangeAt(0).getBoundingClientRect().right);
      const [shown] = await boxes(ada.page, ".cowrite-caret");
      assert.ok(Math.abs(own - (shown.left + 1)) < 2.5, `${shown.left + 1} is not ${own}`);
    };
    await isInItsPlace();
    // What a font does that comes late: it moves the letters, and nothing else is told of it.
    for (const { page } of [ada, grace]) {
      await page.evaluate(() => {
        document.querySelector("[contenteditable]").style.letterSpacing = "3px";
        document.fonts.dispatchEvent(new Event("loadingdone"));
      });
    }
    await isInItsPlace();
    await grace.page.close();
    await until(ada.page, "the caret is gone", () => !document.querySelector(".cowrite-caret"));
  });

  test(`${name}: a word that an input method composes is left alone, and comes together with the other's`, async () => {
    const [ada, grace] = await pair("composing", [{ insert: "ab\n" }]);
    await ada.select([1, 1]);
    const session = await ada.page.context().newCDPSession(ada.page);
    await session.send("Input.imeSetComposition", { text: "か", selectionStart: 1, selectionEnd: 1 });
    await grace.apply([{ insert: ">>" }]);
    await grace.page.evaluate(() => example.shared.insert(example.shared.length - 1, "<<"));
    await until(ada.page, "the engine has the other's text", () => example.shared.text.startsWith(">>") && example.shared.text.includes("<<"));
    assert.equal(await ada.letters(), "aかb");
    await session.send("Input.imeSetComposition", { text: "かな", selectionStart: 2, selectionEnd: 2 });
    assert.equal(await ada.letters(), "aかなb");
    await session.send("Input.insertText", { text: "仮名" });
    assert.equal((await converged([ada, grace])).text, ">>a仮名b<<\n");
    await ada.keys.type("!");
    assert.equal((await converged([ada, grace])).text, ">>a仮名!b<<\n");
  });

  test(`${name}: undo takes back only what one has done oneself, formats too`, async () => {
    const [ada, grace] = await pair("undo", [{ insert: "text\n" }]);
    await ada.page.evaluate(() => example.shared.stopCapturing());
    await ada.select([0, 0]);
    await ada.keys.type("mine ");
    await converged([ada, grace]);
    await grace.select([9, 9]);
    await grace.keys.type(" theirs");
    await converged([ada, grace]);
    await ada.page.evaluate(() => example.shared.stopCapturing());
    await ada.select([0, 4]);
    await ada.bold();
    assert.ok((await converged([ada, grace])).content.some(({ attributes }) => attributes?.bold));
    await ada.keys.press("Control+z");
    assert.deepEqual((await converged([ada, grace])).content, [{ insert: "mine text theirs\n" }]);
    await ada.keys.press("Control+z");
    assert.equal((await converged([ada, grace])).text, "text theirs\n");
    await ada.keys.press("Control+Shift+Z");
    assert.equal((await converged([ada, grace])).text, "mine text theirs\n");
  });

  test(`${name}: an editor that shows what the document does not hold is found, mended and told of`, async () => {
    const [ada, grace] = await pair("mended", [{ insert: "alpha beta\n" }]);
    const told = [];
    ada.page.on("console", (message) => message.type() === "warning" && told.push(message.text()));
    const swallowed = async (type) => {
      await ada.page.evaluate(() => void (example.shared.apply = () => {}));
      await type();
      await ada.page.evaluate(() => delete example.shared.apply);
    };
    await ada.select([5, 5]);
    await swallowed(() => ada.keys.type("LOST"));
    await grace.select([10, 10]);
    await grace.keys.type("!");
    assert.equal((await converged([ada, grace])).text, "alpha beta!\n");
    assert.deepEqual(told, ["the editor was mended: 16 letters, not 12"]);
    // As long as before, and nobody else does anything.
    await ada.select([0, 1]);
    await swallowed(() => ada.keys.type("Z"));
    await ada.page.evaluate(() => document.activeElement.blur());
    assert.equal((await converged([ada, grace])).text, "alpha beta!\n");
    assert.deepEqual(told.slice(1), ["the editor was mended: 12 letters, not 12"]);
    // What is equal is left alone, however often one comes and goes.
    await ada.select([2, 2]);
    await ada.keys.type("-");
    await ada.page.evaluate(() => document.activeElement.blur());
    assert.equal((await converged([ada, grace])).text, "al-pha beta!\n");
    assert.equal(told.length, 2);
  });

  test(`${name}: what changes the editor unheard leaves both with one document, and loses no edit of anybody's`, async () => {
    const [ada, grace] = await pair("unheard", [{ insert: "alpha beta\n" }]);
    await grace.select([10, 10]);
    await ada.stray();
    await grace.keys.type("!");
    assert.equal((await converged([ada, grace])).text, "XXalpha beta!\n");
    // An edit of one's own, made of what was changed unheard.
    await ada.page.evaluate(`(${driver.stray})(); (${driver.insert})(4, "own")`);
    assert.equal((await converged([ada, grace])).text, "XXXXownalpha beta!\n");
  });

  test(`${name}: with the format "rich" a server takes all that the editor has, and no link that is a program`, async () => {
    const strict = await Server.start(pages, { formats: "rich" });
    const [ada, grace] = [await open(strict.port, "dev:ada", "strict"), await open(strict.port, "dev:grace", "strict")];
    await ada.page.evaluate(() => {
      globalThis.refused = [];
      example.shared.on("rejected", ({ error, delta }) => globalThis.refused.push([error.code, delta]));
    });
    const refused = () => ada.page.evaluate(() => globalThis.refused.splice(0));
    await ada.apply([{ insert: "some words\nand more\nlast\n" }]);
    await converged([ada, grace]);
    if (everyFormat) await ada.page.evaluate(everyFormat);
    const before = await converged([ada, grace]);
    assert.deepEqual(await refused(), []);
    const script = [{ insert: "click", attributes: { link: "javascript:alert(1)" } }];
    await ada.apply(script);
    await until(ada.page, "it is refused", () => globalThis.refused.length > 0);
    assert.deepEqual(await refused(), [["forbidden_content", script]]);
    assert.deepEqual(await converged([ada, grace]), before);
  });

  test(`${name}: whoever may only read cannot type, and sees what others type`, async () => {
    const guarded = await Server.start(pages, { secret: SECRET });
    const ada = await open(guarded.port, token(SECRET, "ada", "editor"), "guarded");
    await ada.apply([{ insert: "to be read\n" }]);
    const vic = await open(guarded.port, token(SECRET, "vic", "viewer"), "guarded");
    await converged([ada, vic]);
    assert.deepEqual([await ada.isReadOnly(), await vic.isReadOnly()], [false, true]);
    await vic.page.locator("[contenteditable]").first().click();
    await vic.keys.type("xyz");
    await ada.select([10, 10]);
    await ada.keys.type(", and heard");
    assert.equal((await converged([ada, vic])).text, "to be read, and heard\n");
  });

  test(`${name}: an end leaves nothing of the binding behind`, async () => {
    const [ada, grace] = await pair("end", [{ insert: "some text\n" }]);
    await grace.select([2, 6]);
    await until(ada.page, "Grace's caret is shown", () => document.querySelector(".cowrite-caret"));
    await ada.end();
    await until(ada.page, "nothing is left of it", () => !document.querySelector(".cowrite-caret, .cowrite-selection, .cowrite-overlay"));
    await grace.keys.type("X");
    await until(ada.page, "the document goes on", () => example.shared.text === "soXext\n");
    assert.equal(await ada.page.evaluate(() => example.shared.members.find(({ self }) => self).cursor), null);
  });

  test(`${name}: no page has thrown an error`, () => assert.deepEqual(errors.flat(), []));
}

/** Waits until everything is accepted and all hold and show one document, and gives it. */
async function converged(people) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    for (const { page } of people) await until(page, "nothing is pending", () => example.shared.status.pending === 0 && example.shared.status.state === "online");
    const states = await Promise.all(people.map(async ({ page, text, shown }) => ({
      ...await page.evaluate(() => ({ version: example.shared.status.version, text: example.shared.text, content: example.shared.delta })), shown: JSON.stringify(await shown()), seen: await text(),
    })));
    const [first] = states;
    const equal = ({ version, shown, content }) => version === first.version && shown === first.shown && JSON.stringify(content) === JSON.stringify(first.content);
    // An embed that the editor has no format for is shown as one letter, as in the text.
    if (states.every((state) => equal(state) && state.seen.length === state.text.replace(/\n$/, "").length)) return first;
    if (Date.now() > deadline) throw new Error(`no convergence:\n${states.map((state) => JSON.stringify(state).slice(0, 3_000)).join("\n")}`);
  }
}
