// Bundles the page that is measured, with the built package and one copy of each editor.
import { cp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const npm = path.join(here, "../../npm");
const style = `body { margin: 0; display: flex; gap: 8px; font: 14px/1.4 monospace }
.editor { width: 480px; height: 680px; position: relative; overflow: hidden; contain: strict }
.editor > .cm-editor, .editor > .ql-container, .editor > .scroller { height: 100% }
.editor > .scroller { overflow: auto } .editor > textarea { width: 100%; height: 100%; box-sizing: border-box }`;

/** Writes the page into a folder. */
export async function bundle(folder) {
  const { exports } = JSON.parse(await readFile(path.join(npm, "package.json"), "utf8"));
  await build({
    entryPoints: [path.join(here, "page/page.mjs")],
    outdir: folder,
    bundle: true,
    splitting: true,
    minify: !process.env.COWRITE_BENCH_NAMES,
    keepNames: !!process.env.COWRITE_BENCH_NAMES,
    format: "esm",
    target: "es2022",
    loader: { ".ttf": "file" },
    define: { "process.env.NODE_ENV": '"production"' },
    alias: {
      ...Object.fromEntries(Object.entries(exports).flatMap(([name, target]) => (target.default ? [[path.posix.join("cowrite", name), path.join(npm, target.default)]] : []))),
      // The file where y-monaco expects it, which the package does not export any more.
      "monaco-editor/esm/vs/editor/editor.api.js": path.join(here, "node_modules/monaco-editor/esm/vs/editor/editor.api.js"),
    },
    plugins: [{
      name: "one copy of each editor",
      setup: ({ onResolve, resolve }) => onResolve({ filter: /^[^./]/ }, ({ path: name, importer, kind, pluginData }) =>
        pluginData === "again" || !importer.startsWith(npm) ? undefined : resolve(name, { resolveDir: here, kind, importer: path.join(here, "page/page.mjs"), pluginData: "again" })),
    }],
    logLevel: "warning",
    logOverride: { "ignored-bare-import": "silent", "direct-eval": "silent" },
  });
  await cp(path.join(npm, "dist/wasm/cowrite_bg.wasm"), path.join(folder, "wasm/cowrite_bg.wasm"), { recursive: true });
  await cp(path.join(npm, "dist/wasm/cowrite_bg.wasm"), path.join(folder, "cowrite_bg.wasm"));
  await writeFile(path.join(folder, "index.html"), `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><style>${style}</style><body><script type="module" src="page.js"></script>`);
}
