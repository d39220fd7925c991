// Real typing, replayed: each patch is an edit of its own.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { root } from "../subjects.mjs";

/** Gives the nanoseconds an edit, the memory that the document holds at the end, and its bytes when it is stored. */
export async function trace(library, { name, url }) {
  const { startContent, endContent, txns } = JSON.parse(gunzipSync(readFileSync(path.join(root, `tests/traces/${name}.json.gz`))));
  const patches = txns.flatMap((transaction) => transaction.patches);
  if (startContent !== "") throw new Error("a trace begins with nothing");
  const document = await library.create({ url, document: name });
  global.gc();
  const before = process.memoryUsage().rss;
  const begun = performance.now();
  for (const [at, deleted, inserted] of patches) document.splice(at, deleted, inserted);
  const took = performance.now() - begun;
  global.gc();
  const after = process.memoryUsage().rss;
  if (document.text() !== endContent) throw new Error(`${name} ends as another text`);
  const bytes = document.bytes?.();
  return { edits: patches.length, nsPerEdit: (took * 1e6) / patches.length, memoryMib: (after - before) / 2 ** 20, bytes, bytesPerEdit: bytes && bytes / patches.length };
}
