import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { publint } from "publint";
import { parseAst } from "vite";
import { here, install } from "./package.mjs";
import { root } from "../browser/harness.mjs";

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
  // What entries share, what is loaded when storage is asked for, and the types that entries refer to.
  const rest = [...present].filter((name) => !/^dist\/(chunk|storage)-[A-Z0-9]{8}\.js(\.map)?$/.test(name) && !/^dist\/([a-z-]+\/)?[a-z-]+\.d\.ts$/.test(name));
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

test("an error inside the package is told by the place in its sources", async () => {
  const program = `import { connect } from "cowrite"; connect("ws://127.0.0.1:1").open("a").insert(0, "a");`;
  const folder = await mkdtemp(path.join(here, "node_modules/.app-"));
  after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(path.join(folder, "throws.mjs"), program);
  const { stderr } = spawnSync(process.execPath, ["--enable-source-maps", path.join(folder, "throws.mjs")], { encoding: "utf8" });
  const places = [...stderr.matchAll(/at (\S+) \(.*\/src\/([\w-]+\.ts):(\d+):\d+\)/g)].map(([, what, file, line]) => ({ what, file, line: Number(line) }));
  assert.ok(places.some(({ file }) => file === "document.ts"), stderr);
  const [first] = places;
  const source = (await readFile(path.join(root, "npm/src", first.file), "utf8")).split("\n");
  assert.match(source[first.line - 1], /throw .*new CowriteError\("not_loaded"\)/, `${first.file}:${first.line}`);
});

test("what tools say of a package's manifest is heeded", async () => {
  const { messages } = await publint({ pkgDir: package_, pack: false, strict: true });
  assert.deepEqual(messages, []);
});

test("the types of every entry are tried", async () => {
  const { exports } = JSON.parse(await readFile(path.join(package_, "package.json"), "utf8"));
  const consumer = await readFile(path.join(here, "apps/types/consumer.tsx"), "utf8");
  const missing = Object.keys(exports).filter((name) => name !== "./package.json" && !consumer.includes(`from "${path.posix.join("cowrite", name)}"`));
  assert.deepEqual(missing, []);
});

for (const [module, resolution] of [["esnext", "bundler"], ["nodenext", "nodenext"]]) {
  test(`a strict application has all types, with ${resolution}`, async () => {
    // Where every editor and framework is installed that the package knows.
    const folder = await mkdtemp(path.join(root, "npm/node_modules/.app-"));
    after(() => rm(folder, { recursive: true, force: true }));
    await cp(package_, path.join(folder, "node_modules/cowrite"), { recursive: true });
    await cp(path.join(here, "apps/types/consumer.tsx"), path.join(folder, "consumer.tsx"));
    await writeFile(path.join(folder, "package.json"), `{ "type": "module" }`);
    const compilerOptions = {
      noEmit: true, strict: true, exactOptionalPropertyTypes: true, target: "es2022", lib: ["es2022", "dom", "dom.iterable", "esnext.disposable"], jsx: "react-jsx", types: ["react"],
      module, moduleResolution: resolution,
    };
    await writeFile(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.tsx"] }));
    const { stdout, stderr } = spawnSync(process.execPath, [path.join(here, "node_modules/typescript/bin/tsc"), "-p", folder, "--pretty", "false"], { cwd: folder, encoding: "utf8" });
    assert.equal(stderr, "");
    // The types of Quill are wrong by themselves with nodenext, and those of others are not ours either.
    const ours = stdout.split("\n").filter((line) => /^\S+\(\d+,\d+\): error/.test(line) && (line.startsWith("consumer.tsx") || line.startsWith("node_modules/cowrite/")));
    assert.deepEqual(ours, []);
    assert.doesNotMatch(stdout, /^error/m);
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
