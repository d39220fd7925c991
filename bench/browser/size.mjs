// A program that bundles what a page would load of a client and weighs it: `node size.mjs '{"from": …}'`. Prints JSON.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const { from, scripts, modules = [], later } = JSON.parse(process.argv[2]);

const first = await bundle(scripts.map((name) => `export * from ${JSON.stringify(name)};`).join(""));
const wasm = await Promise.all(modules.map((name) => readFile(path.join(from, name))));
const sizes = { first: weigh([...first.parts, ...wasm]) };
if (later) {
  // What is loaded only when asked for, without what is there by then.
  const [name] = first.onDemand.filter((one) => path.basename(one).startsWith(later));
  if (!name) throw new Error(`nothing called ${later} is loaded on demand`);
  sizes.later = weigh((await bundle(`export * from ${JSON.stringify(name)};`, first.inputs)).parts);
}
console.log(JSON.stringify(sizes));

/** One minified script for a page, as an application's bundler makes it; what these name `outside` is left out. */
async function bundle(contents, outside = []) {
  const onDemand = [];
  const leave = {
    name: "leave",
    setup: ({ onResolve }) => onResolve({ filter: /^\.\.?\// }, ({ kind, path: target, resolveDir }) => {
      const file = path.resolve(resolveDir, target);
      if (outside.includes(file)) return { path: target, external: true };
      // The glue of a module is imported when called and always needed; anything else only when asked for.
      if (kind !== "dynamic-import" || file.includes(`${path.sep}wasm${path.sep}`)) return null;
      onDemand.push(file);
      return { path: target, external: true };
    }),
  };
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: from },
    bundle: true, minify: true, format: "esm", target: "es2022", platform: "browser", write: false, metafile: true, legalComments: "none",
    // What packages do in Node.js only, and what a page loads beside its script.
    external: ["ws", "node:*", "*.wasm"], define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    plugins: [leave], logLevel: "error", logOverride: { "ignored-bare-import": "silent", "empty-import-meta": "silent" },
  });
  return { parts: outputFiles.map((file) => file.contents), onDemand, inputs: Object.keys(metafile.inputs).map((name) => path.resolve(name)) };
}

/** Bytes of files as they are, and packed by a web server, each by itself. */
function weigh(parts) {
  const sum = (of) => parts.reduce((all, part) => all + of(part), 0);
  return { raw: sum(({ length }) => length), gzip: sum((part) => gzipSync(part, { level: 9 }).length) };
}
