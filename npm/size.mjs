// Prints what a page loads: bytes minified, and compressed by gzip -9 and brotli.
import { readFile } from "node:fs/promises";
import { brotliCompressSync, gzipSync } from "node:zlib";

const core = ["index.js", "wasm/cowrite.js", "wasm/cowrite_bg.wasm"];
const sum = [0, 0, 0];
for (const name of [...core, "textarea.js"]) {
  const bytes = await readFile(new URL(`dist/${name}`, import.meta.url)).catch(() => null);
  if (!bytes) {
    console.log(`${name.padEnd(24)} not built`);
    continue;
  }
  const sizes = [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length];
  if (core.includes(name)) sizes.forEach((size, index) => void (sum[index] += size));
  print(name, sizes);
}
print("core: JS and wasm", sum);

function print(name, [plain, gzip, brotli]) {
  console.log(`${name.padEnd(24)} ${String(plain).padStart(8)} B ${String(gzip).padStart(8)} gzip ${String(brotli).padStart(8)} brotli`);
}
