import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import webpack from "webpack";
import { Server, startBrowser, until, watchErrors } from "../browser/harness.mjs";
import { here, install } from "./package.mjs";

await install();
const browser = await startBrowser();

/** A copy of an application in the folder of these tests, where its imports are found, and gone afterwards. */
async function copyOf(name) {
  const folder = await mkdtemp(path.join(here, "node_modules/.app-"));
  after(() => rm(folder, { recursive: true, force: true }));
  await cp(path.join(here, "apps", name), folder, { recursive: true });
  return folder;
}

/** Where a build goes. */
async function outputFolder() {
  const folder = await mkdtemp(path.join(tmpdir(), "cowrite-built-"));
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Opens what was built, and counts the modules that are made of wasm. */
async function openBuilt(folder) {
  const server = await Server.start(folder);
  const page = await browser.newPage();
  const errors = watchErrors(page);
  await page.addInitScript(() => {
    globalThis.instances = 0;
    for (const name of ["instantiate", "instantiateStreaming"]) {
      const original = WebAssembly[name];
      WebAssembly[name] = function (...given) {
        globalThis.instances += 1;
        return original.apply(this, given);
      };
    }
  });
  await page.goto(`http://127.0.0.1:${server.port}/`);
  return { page, errors };
}

/** The page of apps/page: two clients by two entries, a binding, and a worker. */
async function checkPage(folder) {
  const { page, errors } = await openBuilt(folder);
  await until(page, "the worker's edit is accepted", () => document.getElementById("worker").textContent === "accepted");
  await until(page, "all is in the text", () => ["from the page; ", "from a worker"].every((part) => document.getElementById("text")?.textContent.includes(part)));
  await page.locator("textarea").press("Home");
  await page.locator("textarea").pressSequentially("typed ");
  await until(page, "it is in the text", () => document.getElementById("text").textContent.startsWith("typed "));
  assert.deepEqual(await page.evaluate(() => [instances, oneClass]), [1, true]);
  assert.deepEqual(errors, []);
}

test("Vite builds a page with React and a worker", async () => {
  const folder = await outputFolder();
  const { build } = await import("vite");
  await build({ root: await copyOf("page"), logLevel: "error", worker: { format: "es" }, build: { outDir: folder, emptyOutDir: true } });
  await checkPage(folder);
});

test("webpack builds the same page", async () => {
  const [source, folder] = [await copyOf("page"), await outputFolder()];
  const compiler = webpack({ mode: "production", optimization: { minimize: false }, context: source, entry: "./main.js", output: { path: folder, filename: "main.js" } });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  assert.deepEqual(errors.map(({ message }) => message), []);
  // The size of a page with React is no matter here.
  assert.deepEqual(warnings.map(({ message }) => message).filter((message) => !/size limit|performance/.test(message)), []);
  const html = await readFile(path.join(source, "index.html"), "utf8");
  await writeFile(path.join(folder, "index.html"), html.replace('type="module"', "defer"));
  await checkPage(folder);
});

test("two bundles that each carry the package share one module", async () => {
  const { build } = await import("vite");
  const [source, folder] = [await copyOf("page"), await outputFolder()];
  for (const name of ["first", "second"]) {
    await writeFile(path.join(source, `${name}.js`), `
      import { connect } from "cowrite";
      const shared = connect("/v1/socket", { token: "dev:${name}" }).open("two");
      shared.ready.then(() => shared.insert(0, "${name} "));
      shared.on("change", () => { document.getElementById("${name}").textContent = shared.text; });
    `);
    await build({ root: source, logLevel: "error", build: { outDir: path.join(folder, name), emptyOutDir: true, rollupOptions: { input: path.join(source, `${name}.js`), output: { entryFileNames: "[name].js" } } }, base: `/${name}/` });
  }
  await writeFile(path.join(folder, "index.html"), `<!doctype html><p id="first"></p><p id="second"></p><script type="module" src="/first/first.js"></script><script type="module" src="/second/second.js"></script>`);
  const { page, errors } = await openBuilt(folder);
  await until(page, "both have written", () => ["first", "second"].every((at) => ["first ", "second "].every((text) => document.getElementById(at).textContent.includes(text))));
  assert.equal(await page.evaluate(() => instances), 1);
  assert.deepEqual(errors, []);
});

test("Next.js renders a client component while it builds, and the page takes over", async () => {
  const app = path.join(here, "apps/next");
  for (const folder of [".next", "out"]) await rm(path.join(app, folder), { recursive: true, force: true });
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
  await promisify(execFile)(process.execPath, [path.join(here, "node_modules/next/dist/bin/next"), "build"], { cwd: app, env });
  const html = await readFile(path.join(app, "out/index.html"), "utf8");
  assert.match(html, /<p id="state">connecting<\/p><p id="server">function function<\/p>/);
  assert.match(html, /loading/);
  const { page, errors } = await openBuilt(path.join(app, "out"));
  await until(page, "it is online", () => document.getElementById("state")?.textContent === "online" && document.getElementById("length")?.textContent === "0");
  await page.locator("textarea").pressSequentially("typed");
  await until(page, "it is in the text", () => document.getElementById("text").textContent === "typed" && document.getElementById("length").textContent === "5");
  assert.equal(await page.evaluate(() => instances), 1);
  assert.deepEqual(errors, []);
});
