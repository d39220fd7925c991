// Real typing, replayed: each patch is an edit of its own.

/** Edits between two pauses of a document that has others to listen to. */
const BREATH = 100;

/** So often a trace is replayed, unless that takes longer than this; the fastest counts. */
const MOST_TIMES = 5;
const LONG_MS = 700;

/**
 * Gives the nanoseconds an edit, the memory that the document holds at the end, and its bytes when it is stored. The host
 * says what the `trace` is, and how many bytes of `memory` there are once what is not needed is gone (or `undefined`).
 */
export async function trace(library, { name, url, apart, memory }, { startContent, endContent, txns }) {
  const patches = txns.flatMap((transaction) => transaction.patches);
  if (startContent !== "") throw new Error("a trace begins with nothing");
  let best = Infinity;
  let [memoryMib, bytes] = [];
  const first = performance.now();
  for (let pass = 0; pass < MOST_TIMES && (pass === 0 || performance.now() < first + LONG_MS); pass += 1) {
    const document = await library.create({ url, document: `${name}-${pass}`, apart });
    const before = await memory();
    const begun = performance.now();
    for (const [index, [at, deleted, inserted]] of patches.entries()) {
      document.splice(at, deleted, inserted);
      if (document.breathe && index % BREATH === 0) await document.breathe();
    }
    best = Math.min(best, performance.now() - begun);
    // Later passes find room that the first has left.
    if (pass === 0) {
      const after = await memory();
      if (after !== undefined) memoryMib = (after - before) / 2 ** 20;
    }
    if (document.text() !== endContent) throw new Error(`${name} ends as another text`);
    bytes ??= document.bytes?.();
    document.close?.();
  }
  return { edits: patches.length, nsPerEdit: (best * 1e6) / patches.length, memoryMib, bytes, bytesPerEdit: bytes && bytes / patches.length };
}
