// A document with many past edits: what its age costs who opens it.

/** The text that is edited, in units; it stays about as long. */
const UNITS = 100_000;

/** By turns a letter is inserted and one deleted, at places all over; then the document is stored and read again. */
export function age(library, { edits }) {
  const document = library.create({});
  document.splice(0, 0, "Lorem ipsum. ".repeat(Math.floor(UNITS / 13) + 1));
  for (let number = 0; number < edits; number += 1) {
    const at = (number * 7919) % (UNITS - 1);
    if (number % 2 === 0) document.splice(at, 0, "x");
    else document.splice(at, 1, "");
  }
  const bytes = document.store();
  const begun = performance.now();
  const read = library.read(bytes);
  const text = read.text();
  const took = performance.now() - begun;
  if (text !== document.text()) throw new Error("it reads another text");
  return { coldMs: took, bytes: bytes.length };
}
