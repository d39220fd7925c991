// What each entry weighs in a page: bundled and minified, with the editors and frameworks left out, since they
// are the application's own. `--check` holds it against budget.json and the table in docs/sizes.md, `--write`
// makes that table.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const dist = fileURLToPath(new URL("dist/", import.meta.url));
const page = new URL("../docs/sizes.md", import.meta.url);
const json = async (name) => JSON.parse(await readFile(new URL(name, import.meta.url), "utf8"));
/** The figures of the table may be off by so much before it has to be made anew. */
const TOLERANCE = 0.05;
const [BEGIN, END] = ["<!-- by `npm run size -- --write` -->\n", "<!-- end -->"];

const { exports } = await json("package.json");
const budget = await json("budget.json");
const entries = Object.values(exports).flatMap(({ default: built }) => /^\.\/dist\/([\w-]+)\.js$/.exec(built)?.[1] ?? []);

const { parts, onDemand } = await bundle(["index"]);
const core = { scripts: await loaded("index.js"), module: await readFile(path.join(dist, "wasm/cowrite_bg.wasm")) };
const rows = [["cowrite", weigh([...parts, core.module]), weigh([...parts, core.module])]];
for (const name of onDemand) rows.push([`${name.replace(/^\.\/|-\w{8}\.js$|\.js$/g, "")}`, weigh((await bundle([name.slice(2, -3)], core.scripts)).parts), null]);
for (const entry of entries.filter((name) => name !== "index")) {
  rows.push([`cowrite/${entry}`, weigh((await bundle([entry], core.scripts)).parts), weigh([...(await bundle(["index", entry])).parts, core.module])]);
}

const table = markdown(rows);
console.log(table);
if (process.argv.includes("--write")) {
  const text = await readFile(page, "utf8");
  await writeFile(page, text.slice(0, text.indexOf(BEGIN) + BEGIN.length) + table + text.slice(text.indexOf(END)));
}
if (process.argv.includes("--check")) await check();

/** The script that a page would load for some entries, without those `outside`; and what it loads when asked to. */
async function bundle(names, outside = []) {
  const onDemand = new Set();
  const leave = {
    name: "leave",
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ kind, path: target, resolveDir }) => {
        const file = path.relative(dist, path.join(resolveDir, target));
        if (outside.includes(file)) return { path: target, external: true };
        // The module's glue is imported when called and always needed; anything else so only when asked for.
        if (kind === "dynamic-import" && !file.startsWith("wasm")) return onDemand.add(target), { path: target, external: true };
        return null;
      });
    },
  };
  const { outputFiles } = await build({
    stdin: { contents: names.map((name) => `export * from "./${name}.js";`).join(""), resolveDir: dist },
    bundle: true, minify: true, format: "esm", target: "es2022", packages: "external", write: false, legalComments: "none", plugins: [leave],
    // Outside of node_modules esbuild tells that it leaves out what has no effect.
    logOverride: { "ignored-bare-import": "silent" }, logLevel: "warning",
  });
  return { parts: outputFiles.map(({ contents }) => contents), onDemand: [...onDemand] };
}

/** A built script and what it imports from beside it. */
async function loaded(name) {
  const text = await readFile(path.join(dist, name), "utf8");
  const imports = [...text.matchAll(/(?:from|import)\s*"(\.\/[^"]+)"/g)].map(([, target]) => path.posix.normalize(target));
  return [...new Set([name, ...(await Promise.all(imports.map(loaded))).flat()])];
}

function weigh(parts) {
  const sum = [0, 0, 0];
  for (const bytes of parts) [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length].forEach((size, at) => (sum[at] += size));
  return sum;
}

function markdown(rows) {
  const shown = (sizes) => (sizes ?? ["", "", ""]).map((size) => size.toLocaleString("en"));
  const lines = rows.map(([name, alone, together]) => `| \`${name}\` | ${[...shown(alone), ...shown(together)].join(" | ")} |`);
  return ["| entry | raw | gzip -9 | brotli | with the core: raw | gzip -9 | brotli |", "|---|---:|---:|---:|---:|---:|---:|", ...lines, ""].join("\n")
    .replaceAll("`cowrite`", "`cowrite`, the core").replaceAll("`storage`", "its storage, when asked for");
}

/** Every entry is within its budget, and the table says what is true. */
async function check() {
  const wrong = [];
  // The core, and what it loads when asked for, have their budgets in xtask/src/size.rs.
  for (const [name, [, gzip]] of rows.filter(([name, , together]) => together && name !== "cowrite")) {
    const most = budget[name];
    if (most === undefined) wrong.push(`${name} has no budget in npm/budget.json`);
    else if (gzip > most) wrong.push(`${name} weighs ${gzip} bytes (gzip -9), its budget is ${most}`);
  }
  for (const name of Object.keys(budget)) if (!rows.some(([entry]) => entry === name)) wrong.push(`npm/budget.json names ${name}, which is not there`);
  const figures = (text) => text.split("\n").filter((line) => /^\| .*\d/.test(line)).map((line) => line.split("|").map((cell) => cell.trim().replaceAll(",", "")));
  const [text, now] = [await readFile(page, "utf8"), figures(table)];
  const written = figures(text.slice(text.indexOf(BEGIN), text.indexOf(END)));
  const near = (a, b) => a === b || Math.abs(Number(a) - Number(b)) <= TOLERANCE * Number(b);
  if (now.length !== written.length || now.some((row, at) => row.some((cell, column) => !near(cell, written[at][column])))) wrong.push("docs/sizes.md says something else: `npm --prefix npm run size -- --write` makes its table anew");
  for (const line of wrong) console.error(line);
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
