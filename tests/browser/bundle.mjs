// Bundles a page with the built package, as an application would: one of a framework, or an example.
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import { root } from "./harness.mjs";

const npm = createRequire(path.join(root, "npm/package.json"));
const { build } = npm("esbuild");

/** Where the package of each version of React is. */
const react = { 18: path.join(root, "tests/packaging/react18/node_modules"), 19: path.join(root, "npm/node_modules") };

/**
 * A folder with index.html, one script and the wasm module, to be served as a page.
 * `source` is the script's text, of the language `loader`; `mode` is what NODE_ENV would be; `body` is what the
 * page has besides an element `#root`.
 */
export async function bundlePage(source, { version = 19, mode = "production", plugins = [], body = "", loader = "jsx" } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), "cowrite-page-"));
  after(() => rm(folder, { recursive: true, force: true }));
  const { exports } = JSON.parse(await readFile(path.join(root, "npm/package.json"), "utf8"));
  const entries = Object.entries(exports).filter(([, target]) => target.default);
  await build({
    stdin: { contents: source, resolveDir: folder, loader },
    outfile: path.join(folder, "page.js"),
    bundle: true,
    format: "esm",
    jsx: "automatic",
    jsxDev: mode === "development",
    define: { "process.env.NODE_ENV": JSON.stringify(mode), __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false" },
    alias: {
      ...Object.fromEntries(["react", "react-dom"].map((name) => [name, path.join(react[version], name)])),
      ...Object.fromEntries(entries.map(([name, target]) => [path.posix.join("cowrite", name), path.join(root, "npm", target.default)])),
    },
    nodePaths: [path.join(root, "npm/node_modules")],
    plugins,
    logLevel: "warning",
    // The package is not in node_modules here, where esbuild would not mind.
    logOverride: { "ignored-bare-import": "silent" },
  });
  // The package finds its module beside itself, and it is in the page's script now.
  await cp(path.join(root, "npm/dist/wasm/cowrite_bg.wasm"), path.join(folder, "wasm/cowrite_bg.wasm"), { recursive: true });
  await writeFile(path.join(folder, "index.html"), `<!doctype html><meta charset="utf-8"><div id="root"></div>${body}<script type="module" src="page.js"></script>`);
  return folder;
}

const examples = {};

/** The folder of an example's built page. Built once a program, and for it alone: a second build would take the files of the first from under its tests. */
export async function buildExample(name) {
  const built = async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "cowrite-example-"));
    // Not after the test that happens to ask first: the others have it, too.
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    const example = path.join(root, "examples", name);
    const vite = [path.join(example, "node_modules/vite/bin/vite.js"), "build", "--emptyOutDir", "--outDir", folder];
    await promisify(execFile)(process.execPath, vite, { cwd: example });
    return folder;
  };
  return (examples[name] ??= built());
}

/** The first block of code of a guide, in that language. */
export async function guide(name, language) {
  const text = await readFile(path.join(root, `docs/guides/${name}.md`), "utf8");
  const block = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, "m").exec(text);
  if (!block) throw new Error(`docs/guides/${name}.md has no block of ${language}`);
  return block[1];
}
