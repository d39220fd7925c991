// Real typing, replayed: each patch is an edit of its own.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { root } from "../subjects.mjs";

/** Edits between two pauses of a document that has others to listen to. */
const BREATH = 100;

/** Gives the nanoseconds an edit, the memory that the document holds at the end, and its bytes when it is stored. */
export async function trace(library, { name, url, apart }) {
  const { startContent, endContent, txns } = JSON.parse(gunzipSync(readFileSync(path.join(root, `tests/traces/${name}.json.gz`))));
  const patches = txns.flatMap((transaction) => transaction.patches);
  if (startContent !== "") throw new Error("a trace begins with nothing");
  const document = await library.create({ url, document: name, apart });
  global.gc();
  const before = process.memoryUsage().rss;
  const begun = performance.now();
  for (const [index, [at, deleted, inserted]] of patches.entries()) {
    document.splice(at, deleted, inserted);
    if (document.breathe && index % BREATH === 0) await document.breathe();
  }
  const took = performance.now() - begun;
  global.gc();
  const after = process.memoryUsage().rss;
  if (document.text() !== endContent) throw new Error(`${name} ends as another text`);
  const bytes = document.bytes?.();
  return { edits: patches.length, nsPerEdit: (took * 1e6) / patches.length, memoryMib: (after - before) / 2 ** 20, bytes, bytesPerEdit: bytes && bytes / patches.length };
}
