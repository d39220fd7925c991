import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { Server, root, startBrowser, until, watchErrors } from "./harness.mjs";

const browser = await startBrowser();

test("a bare page with one module script edits a document", async (context) => {
  const folder = await mkdtemp(path.join(tmpdir(), "cowrite-page-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(path.join(folder, "index.html"), `<!doctype html><meta charset="utf-8"><script type="module">
    import { connect } from "/cowrite/index.js";
    const shared = connect("/v1/socket", { token: "dev:bare" }).open("bare");
    await shared.ready;
    shared.insert(0, "Hello 😀");
    await shared.whenAccepted();
    document.body.textContent = shared.text + " " + shared.status.accepted;
  </script><body></body>`);
  const server = await Server.start(folder);
  const page = await browser.newPage();
  const errors = watchErrors(page);
  await page.goto(`http://127.0.0.1:${server.port}/`);
  await until(page, "the edit is accepted", () => document.body.textContent === "Hello 😀 1");
  assert.deepEqual(errors, []);
});

test("the Vite example builds and edits a document", async () => {
  const folder = path.join(root, "examples/vite");
  await promisify(execFile)(process.execPath, [path.join(folder, "node_modules/vite/bin/vite.js"), "build"], { cwd: folder });
  const server = await Server.start(path.join(folder, "dist"));
  const page = await browser.newPage();
  const errors = watchErrors(page);
  await page.goto(`http://127.0.0.1:${server.port}/`);
  await until(page, "it is online", () => document.getElementById("status").textContent === "online");
  await page.locator("#editor").focus();
  await page.keyboard.type("by Vite");
  await until(page, "it is accepted", () => document.getElementById("status").textContent === "online");
  const other = await browser.newPage();
  await other.goto(`http://127.0.0.1:${server.port}/`);
  await until(other, "the text is there", () => document.getElementById("editor").value === "by Vite");
  assert.deepEqual(errors, []);
});
