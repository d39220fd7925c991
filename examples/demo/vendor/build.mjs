// Makes modules for the demo of the editors' packages, which are written for bundlers. What two of them
// share is one file, so that the page and the package `cowrite` have the same CodeMirror.
import { rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const folder = fileURLToPath(new URL(".", import.meta.url));
await rm(path.join(folder, "dist"), { recursive: true, force: true });
await build({
  absWorkingDir: folder,
  // As the import map of index.html names them.
  entryPoints: {
    "codemirror": "codemirror",
    "codemirror-language": "@codemirror/language",
    "codemirror-lang-javascript": "@codemirror/lang-javascript",
    "codemirror-state": "@codemirror/state",
    "codemirror-view": "@codemirror/view",
    "lezer-highlight": "@lezer/highlight",
    "quill": "quill",
    "quill.snow": "quill/dist/quill.snow.css",
  },
  outdir: "dist",
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: "es2022",
  sourcemap: true,
  logLevel: "warning",
});
