// Prints what a page loads: bytes minified, and compressed by gzip -9 and brotli.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const dist = new URL("dist/", import.meta.url);
const { exports } = JSON.parse(await readFile(new URL("package.json", import.meta.url), "utf8"));
const core = [...(await loaded("index.js")), "wasm/cowrite.js", "wasm/cowrite_bg.wasm"];
print("core: JS and wasm", await weigh(core));
for (const name of core) print(`  ${name}`, await weigh([name]));
for (const entry of Object.keys(exports)) {
  const name = `${entry.slice(2)}.js`;
  if (["./wasm", "./package.json", "."].includes(entry)) continue;
  print(`${entry.slice(2)}, on top of the core`, await weigh((await loaded(name)).filter((file) => !core.includes(file))));
}

/** A script and what it imports from beside it. */
async function loaded(name) {
  const text = await readFile(new URL(name, dist), "utf8").catch(() => "");
  const imports = [...text.matchAll(/(?:from|import)\s*"(\.\/[^"]+)"/g)].map(([, target]) => path.posix.normalize(target));
  return [...new Set([name, ...(await Promise.all(imports.map(loaded))).flat()])];
}

async function weigh(names) {
  const sum = [0, 0, 0];
  for (const name of names) {
    const bytes = await readFile(new URL(name, dist)).catch(() => null);
    if (!bytes) return null;
    [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length].forEach((size, index) => void (sum[index] += size));
  }
  return sum;
}

function print(name, sizes) {
  const [plain, gzip, brotli] = sizes ?? [];
  console.log(sizes ? `${name.padEnd(32)} ${String(plain).padStart(8)} B ${String(gzip).padStart(8)} gzip ${String(brotli).padStart(8)} brotli` : `${name.padEnd(32)} not built`);
}
