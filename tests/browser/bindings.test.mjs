// What every editor that can be bound promises alike, tried in each of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { converged, editors, open, openPair, serve } from "./editor-table.mjs";
import { startBrowser, token, until } from "./harness.mjs";

const SECRET = "a secret of the bindings' tests, which nobody else knows";
const browser = await startBrowser();

// All of them before the first test: the runner takes a file for done when it has nothing to run.
const tried = await Promise.all((process.env.COWRITE_EDITOR ? [process.env.COWRITE_EDITOR] : Object.keys(editors)).map(async (name) => [name, await serve(name)]));

for (const [name, server] of tried) {

  test(`${name}: after the load nothing but what others change is ever written, whoever else does what`, async () => {
    const [ada, grace] = await openPair(browser, name, server, "changes", "some text of several words\n".repeat(40).trimEnd());
    await ada.watch();
    await ada.page.evaluate(() => (globalThis.told = 0, example.shared.on("change", ({ origin }) => void (globalThis.told += origin !== "local"))));
    await ada.select([10, 10]);
    for (const piece of ["one ", "two ", "three "]) await grace.edit(0, piece);
    await converged([ada, grace]);
    // Another token, carets and undo are no reason to write it anew.
    await ada.page.evaluate(() => example.client.setToken("dev:ada"));
    await grace.select([3, 8]);
    await ada.page.evaluate(() => {
      const { shared } = example;
      shared.stopCapturing();
      shared.insert(5, "mine");
      shared.undo();
      shared.redo();
    });
    await converged([ada, grace]);
    const [changes, told] = await ada.page.evaluate(() => [globalThis.changes, globalThis.told]);
    // Undone, done again, and what the application wrote beside the editor, which is shown to it too.
    assert.equal(changes.length, told + 1, `changes of ${changes}`);
    assert.ok(changes.every((size) => size < 20), `changes of ${changes}`);
    assert.deepEqual([...ada.errors, ...grace.errors], []);
  });

  test(`${name}: a role that is lowered while the page is open ends typing at once, and one that is raised lets it go on`, async () => {
    const guarded = await serve(name, { secret: SECRET });
    const ada = await open(browser, name, guarded, token(SECRET, "ada", "editor"), "roles");
    const grace = await open(browser, name, guarded, token(SECRET, "grace", "editor"), "roles");
    await ada.edit(0, "text\n");
    await converged([ada, grace]);
    const become = async (role) => {
      await ada.page.evaluate((fresh) => example.client.setToken(fresh), token(SECRET, "ada", role));
      await until(ada.page, `Ada is a ${role}`, (wanted) => example.shared.role === wanted && example.shared.status.state === "online", role);
    };
    await become("viewer");
    assert.equal(await ada.isReadOnly(), true);
    await ada.select([2, 2]);
    await ada.keys.type("xyz");
    await ada.keys.press("Control+z");
    await grace.edit(0, "> ");
    assert.equal(await converged([ada, grace]), "> text");
    await become("editor");
    assert.equal(await ada.isReadOnly(), false);
    await ada.select([2, 2]);
    await ada.keys.type("!");
    assert.equal(await converged([ada, grace]), "> !text");
    assert.deepEqual([...ada.errors, ...grace.errors], []);
  });

  test(`${name}: another's caret bears the name and the colour that the other shows`, async () => {
    const [ada, grace] = await openPair(browser, name, server, "colours", "alpha beta");
    await grace.page.evaluate(() => example.shared.setPresence({ name: "Grace H.", color: "#123456" }));
    await grace.select([2, 2]);
    await until(ada.page, "the caret is there, by name and colour", () => {
      const marks = [...document.querySelectorAll(".cowrite-caret, .cowrite-caret *, .cowrite-name")];
      const styles = marks.flatMap((mark) => [getComputedStyle(mark), getComputedStyle(mark, "::before"), getComputedStyle(mark, "::after")]);
      return styles.some(({ backgroundColor, borderLeftColor }) => [backgroundColor, borderLeftColor].includes("rgb(18, 52, 86)"))
        && (marks.some(({ textContent }) => textContent.includes("Grace H.")) || styles.some(({ content }) => content.includes("Grace H.")));
    });
    assert.deepEqual([...ada.errors, ...grace.errors], []);
  });

  test(`${name}: a hundred bindings that have ended leave no node and no listener, and the next one works`, { timeout: 120_000 }, async () => {
    const [ada, grace] = await openPair(browser, name, server, "leaks", "some text");
    await grace.select([2, 2]);
    await ada.select([0, 0]);
    await ada.send("Performance.enable");
    const rebound = (times) => ada.page.evaluate(async ([rebind, count]) => {
      const again = (0, eval)(rebind);
      for (let time = 0; time < count; time += 1) {
        again();
        // It is shown, and what others show is drawn.
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      }
    }, [`(${editors[name].rebind})`, times]);
    const counted = async () => {
      await ada.send("HeapProfiler.collectGarbage");
      const { metrics } = await ada.send("Performance.getMetrics");
      return Object.fromEntries(metrics.filter(({ name: what }) => ["JSEventListeners", "Nodes"].includes(what)).map(({ name: what, value }) => [what, value]));
    };
    await rebound(10);
    const before = await counted();
    await rebound(100);
    const after = await counted();
    for (const what of ["JSEventListeners", "Nodes"]) assert.ok(after[what] - before[what] < 50, `${what}: ${before[what]} became ${after[what]}`);
    assert.equal(await converged([ada, grace]), "some text");
    await ada.select([0, 0]);
    await ada.keys.type("X");
    assert.equal(await converged([ada, grace]), "Xsome text");
    await ada.unbind();
    await grace.edit(0, "> ");
    await until(ada.page, "the document goes on", () => example.shared.text.startsWith("> X"));
    assert.ok(!(await ada.text()).startsWith(">"));
    assert.equal(await ada.page.evaluate(() => document.querySelectorAll(".cowrite-overlay, .cowrite-caret, .cowrite-selection").length), 0);
    assert.deepEqual([...ada.errors, ...grace.errors], []);
  });
}
