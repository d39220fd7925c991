import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../../npm/dist/index.js";
import { bundlePage, guide } from "./bundle.mjs";
import { Server, eventually, startBrowser, until, watchErrors } from "./harness.mjs";

const browser = await startBrowser();
const source = (name) => readFile(new URL(`react/${name}.jsx`, import.meta.url), "utf8");

/** A page of that script, its own server, and a count of the sockets that it opens. */
async function openPage(context, script, options) {
  const server = await Server.start(await bundlePage(script, options));
  const page = await browser.newPage();
  const [errors, sockets] = [watchErrors(page), []];
  page.on("websocket", (socket) => sockets.push(socket));
  await page.goto(`http://127.0.0.1:${server.port}/`);
  const join = (name, id) => {
    const client = connect(`ws://127.0.0.1:${server.port}/v1/socket`, { token: `dev:${name}` });
    context.after(() => client.close());
    return client.open(id);
  };
  return { page, errors, sockets, join };
}

for (const version of [18, 19]) {
  test(`React ${version}: one caret that moves in a room of 50 renders what selects it, and nothing else`, async (context) => {
    const { page, errors, join } = await openPage(context, await source("room"), { version });
    const others = Array.from({ length: 49 }, (_, index) => join(`u${index}`, "room"));
    await Promise.all(others.map(({ ready }) => ready));
    others[0].insert(0, "0123456789".repeat(3));
    await until(page, "all are there", () => document.getElementById("count").textContent === "49" && document.getElementById("text").textContent.length === 30);
    for (const other of others) other.setCursor(1);
    await until(page, "all carets are there", () => Array.from({ length: 49 }, (_, index) => document.getElementById(`u${index}`).textContent).every((head) => head === "1"));

    await page.evaluate(() => Object.keys(renders).forEach((name) => (renders[name] = 0)));
    for (let head = 2; head < 22; head += 1) {
      others[7].setCursor(head);
      await until(page, "the caret has moved", (at) => document.getElementById("u7").textContent === String(at), head);
    }
    const rendered = await page.evaluate(() => Object.fromEntries(Object.entries(renders).filter(([, times]) => times > 0)));
    assert.deepEqual(rendered, { "caret u7": 20, everybody: 20 });

    // Text that comes renders the text, and the carets behind it, once.
    await page.evaluate(() => Object.keys(renders).forEach((name) => (renders[name] = 0)));
    others[7].insert(10, "x");
    await until(page, "the caret has moved", () => document.getElementById("u7").textContent === "22" && document.getElementById("text").textContent.length === 31);
    const typed = await page.evaluate(() => Object.fromEntries(Object.entries(renders).filter(([name, times]) => times > 0 && name !== "caret u7" && name !== "everybody")));
    assert.deepEqual(typed, { text: 1 });

    // Buttons of undo render when there begins or ceases to be something, and not at each letter.
    await page.evaluate(() => Object.keys(renders).forEach((name) => (renders[name] = 0)));
    for (const letter of "abc") await page.evaluate((typed) => room.insert(room.length, typed), letter);
    await page.locator("#undo:enabled").click();
    await until(page, "it is undone", () => document.getElementById("text").textContent.length === 31);
    await page.locator("#redo:enabled").click();
    await until(page, "it is done again", () => document.getElementById("text").textContent.endsWith("abc"));
    await page.locator("#redo:disabled").waitFor();
    assert.deepEqual(await page.evaluate(() => [renders.undo, undoFunctions.size, renders.room]), [3, 2, 0]);
    assert.deepEqual(errors, []);
  });

  test(`React ${version}: strict mode and Suspense open one socket and one document, and close them`, async (context) => {
    const { page, errors, sockets, join } = await openPage(context, await source("strict"), { version, mode: "development" });
    const peer = join("peer", "plain");
    await peer.ready;
    peer.insert(0, "shared");
    await until(page, "everything is loaded", () => document.querySelectorAll("#plain").length === 2 && [...document.querySelectorAll("#plain")].every((plain) => plain.textContent === "shared")
      && document.getElementById("loaded-plain")?.textContent === "editor shared" && document.getElementById("loaded-other") && document.getElementById("error")?.textContent === "bad_document_id");
    assert.equal(sockets.length, 1);
    await eventually("the page is one member", () => peer.members.length === 2);

    // Away and back at once: another provider, and one connection of its own.
    await page.evaluate(() => show(false));
    await page.evaluate(() => show(true));
    await until(page, "it is back", () => document.querySelectorAll("#plain").length === 2 && document.getElementById("plain").textContent === "shared");
    await eventually("the page is one member again", () => peer.members.length === 2);
    assert.equal(sockets.length, 2);

    await page.evaluate(() => { globalThis.plain.insert(0, "last words "); show(false); });
    await eventually("what was pending has arrived", () => peer.text === "last words shared");
    await eventually("the page has left", () => peer.members.length === 1);
    await eventually("its sockets are closed", () => sockets.every((socket) => socket.isClosed()));
    // In development React 18 shows the page what a boundary has caught, too.
    assert.deepEqual(errors.filter((error) => !error.includes("This cannot be the id of a document.")), []);
  });

  test(`React ${version}: the guide's application edits a document`, async (context) => {
    const { page, errors, join } = await openPage(context, await guide("react", "jsx"), { version });
    const peer = join("grace", "notes");
    await peer.ready;
    await until(page, "the peer is there", () => document.getElementById("names").textContent === "grace");
    await page.locator("textarea").pressSequentially("typed");
    await eventually("it arrived", () => peer.text === "typed");
    peer.insert(0, "un");
    await until(page, "it arrived", () => document.querySelector("textarea").value === "untyped" && document.querySelector("[role=status]").textContent === "online");
    assert.deepEqual(errors, []);
  });
}
