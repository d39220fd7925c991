// Builds the package into dist/, or with --tests the tests into compiled/.
import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
const define = { COWRITE_VERSION: JSON.stringify(JSON.parse(await readFile("package.json", "utf8")).version) };

if (process.argv.includes("--tests")) await buildTests();
else await buildPackage();

async function buildPackage() {
  await rm("dist", { recursive: true, force: true });
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json"], { stdio: "inherit" });
  await build({
    entryPoints: await entries(),
    outdir: "dist",
    bundle: true,
    // What entries share is one file: one module instance and one class of errors, whatever is imported.
    splitting: true,
    // Editors and frameworks are the application's own.
    packages: "external",
    define,
    minify: true,
    format: "esm",
    target: "es2022",
    sourcemap: true,
    // The glue finds its module beside itself, so it stays a file of its own.
    external: ["./wasm/cowrite.js"],
    logLevel: "warning",
  });
  await copyModule();
  // They stand in the top folder, and have to travel with the package.
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) await cp(`../${name}`, name);
}

/** The sources behind what package.json exports, apart from the module. */
async function entries() {
  const { exports } = JSON.parse(await readFile("package.json", "utf8"));
  return Object.values(exports).flatMap(({ default: built }) => /^\.\/dist\/([\w-]+)\.js$/.exec(built)?.[1] ?? []).map((name) => `src/${name}.ts`);
}

/** Takes over what wasm-bindgen has made, which is not there before the first build of the workspace. */
async function copyModule() {
  if (!(await stat("wasm/cowrite.js").catch(() => null))) {
    console.warn("npm: wasm/ is not built yet, so dist/ has no module; `cargo xtask wasm` builds both");
    return;
  }
  await mkdir("dist/wasm", { recursive: true });
  for (const name of ["cowrite_bg.wasm", "cowrite_bg.wasm.d.ts"]) await cp(`wasm/${name}`, `dist/wasm/${name}`);
  await cp("wasm/cowrite.d.ts", "dist/wasm/glue.d.ts");
  await build({
    entryPoints: ["src/wasm/cowrite.ts"],
    outdir: "dist/wasm",
    bundle: true,
    plugins: [{ name: "glue", setup: ({ onResolve }) => onResolve({ filter: /^\.\/glue\.js$/ }, () => ({ path: path.resolve("wasm/cowrite.js") })) }],
    minify: true,
    format: "esm",
    target: "es2022",
    sourcemap: true,
    logLevel: "warning",
  });
}

async function buildTests() {
  await rm("compiled", { recursive: true, force: true });
  const names = (await readdir("test")).filter((name) => name.endsWith(".test.ts"));
  await build({
    entryPoints: names.map((name) => `test/${name}`),
    outdir: "compiled/test",
    bundle: true,
    format: "esm",
    platform: "node",
    define,
    target: "node20",
    sourcemap: "inline",
    packages: "external",
    external: ["./wasm/cowrite.js"],
    logLevel: "warning",
  });
}
