// A program that measures one library in one way in Chromium: `node engine.mjs '{"kind": …}'`. Prints JSON.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { browserFlags, here, root, serve } from "./environment.mjs";

const words = JSON.parse(process.argv[2]);
const folder = await mkdtemp(path.join(tmpdir(), "cowrite-bench-"));
let [site, browser] = [];
try {
  await build({
    entryPoints: [path.join(here, "page/engine.mjs")],
    outdir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    alias: { cowrite: path.join(root, "npm/dist/index.js"), "bench-module": path.join(words.module, "cowrite.js") },
    // What the package does in Node.js only.
    external: ["ws", "node:*"],
    logLevel: "error",
  });
  await cp(path.join(root, "npm/dist/wasm/cowrite_bg.wasm"), path.join(folder, "cowrite_bg.wasm"));
  await cp(path.join(words.module, "cowrite_bg.wasm"), path.join(folder, "module_bg.wasm"));
  await writeFile(path.join(folder, "index.html"), '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="engine.js"></script>');
  if (words.file) await writeFile(path.join(folder, "trace.json"), gunzipSync(await readFile(words.file)));
  site = await serve(folder, words.port);
  // Memory is told at once, not at some later collection.
  browser = await chromium.launch({ executablePath: process.env.COWRITE_CHROMIUM ?? "/usr/bin/chromium", args: [...browserFlags, "--enable-blink-features=ForceEagerMeasureMemory"] });
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error.stack ?? String(error)));
  page.on("console", (message) => message.type() === "error" && console.error(message.text()));
  await page.goto(site.url);
  await page.waitForFunction(() => globalThis.measure !== undefined, undefined, { timeout: 20_000 });
  console.log(JSON.stringify(await page.evaluate((words) => globalThis.measure(words), words)));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser?.close();
  await site?.end();
  await rm(folder, { recursive: true, force: true });
}
