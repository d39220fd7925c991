import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { before, test } from "node:test";
import { parseAst } from "vite";
import { here, install } from "./package.mjs";

const package_ = path.join(here, "node_modules/cowrite");
let files;
before(async () => void (files = await install()));

test("what is published is what is imported, its types and its maps, and nothing else", async () => {
  const { exports } = JSON.parse(await readFile(path.join(package_, "package.json"), "utf8"));
  const entries = Object.keys(exports).filter((name) => !["./wasm", "./package.json"].includes(name)).map((name) => (name === "." ? "index" : name.slice(2)));
  const present = new Set(files);
  const expect = (name) => assert.ok(present.delete(name), `${name} is missing`);
  ["package.json", "README.md", "LICENSE-APACHE", "LICENSE-MIT", "dist/wasm/cowrite.js", "dist/wasm/cowrite.js.map", "dist/wasm/cowrite.d.ts", "dist/wasm/cowrite_bg.wasm", "dist/wasm/cowrite_bg.wasm.d.ts"].forEach(expect);
  for (const entry of entries) [".js", ".js.map", ".d.ts"].forEach((end) => expect(`dist/${entry}${end}`));
  // What entries share, and the types that entries refer to.
  const rest = [...present].filter((name) => !/^dist\/chunk-[A-Z0-9]{8}\.js(\.map)?$/.test(name) && !/^dist\/([a-z-]+\/)?[a-z-]+\.d\.ts$/.test(name));
  assert.deepEqual(rest, []);
  for (const name of files.filter((file) => file.endsWith(".js"))) assert.ok(files.includes(`${name}.map`), `${name} has no map`);
});

test("every map tells its sources, and every script where its map is", async () => {
  for (const name of files.filter((file) => file.endsWith(".js"))) {
    assert.match(await readFile(path.join(package_, name), "utf8"), /\/\/# sourceMappingURL=[\w.-]+\.map\s*$/, name);
    const { sources, sourcesContent } = JSON.parse(await readFile(path.join(package_, `${name}.map`), "utf8"));
    assert.equal(sourcesContent.length, sources.length, name);
    for (const source of sources) assert.ok(!path.isAbsolute(source), `${name} names ${source}`);
  }
});

test("no script waits when it is loaded, and React's entry is the client's", async () => {
  for (const name of files.filter((file) => file.endsWith(".js"))) {
    const text = await readFile(path.join(package_, name), "utf8");
    assert.deepEqual(awaits(parseAst(text)), [], `${name} waits at its top`);
    if (name === "dist/react.js") assert.match(text, /^"use client";/);
  }
  assert.equal(awaits(parseAst("for await (const a of b) {}; await c; async () => await d")).length, 2, "this test can find one");
});

for (const [module, resolution] of [["esnext", "bundler"], ["nodenext", "nodenext"]]) {
  test(`a strict application has all types, with ${resolution}`, () => {
    execFileSync(process.execPath, [
      path.join(here, "node_modules/typescript/bin/tsc"), "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--lib", "es2022,dom,esnext.disposable",
      "--jsx", "react-jsx", "--types", "react", "--module", module, "--moduleResolution", resolution, "--ignoreConfig", path.join(here, "apps/types/consumer.tsx"),
    ], { cwd: here, stdio: ["ignore", "inherit", "inherit"] });
  });
}

/** Every `await` outside of functions. */
function awaits(node) {
  if (Array.isArray(node)) return node.flatMap(awaits);
  if (!node || typeof node !== "object" || typeof node.type !== "string") return [];
  if (/Function/.test(node.type)) return [];
  const own = node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await) ? [node] : [];
  return [...own, ...Object.values(node).flatMap((child) => (child && typeof child === "object" ? awaits(child) : []))];
}
