// Two people edit one text apart, and then their work is brought together.
import { BASE, typing } from "./typist.mjs";

/** Gives the milliseconds until both have one text, what is exchanged in bytes, and how long the editing took. */
export async function merge(library, { edits, url }) {
  const [left, right] = await library.branches(BASE, { url, document: `merge-${edits}` });
  const begun = performance.now();
  for (const edit of typing(1, edits, BASE.length)) left.splice(...edit);
  for (const edit of typing(2, edits, BASE.length)) right.splice(...edit);
  const edited = performance.now();
  const bytes = await library.join(left, right);
  const took = performance.now() - edited;
  const text = left.text();
  if (right.text() !== text) throw new Error("the branches end as two texts");
  const length = BASE.length + [1, 2].reduce((sum, seed) => sum + [...typing(seed, edits, BASE.length)].reduce((change, [, deleted, inserted]) => change + inserted.length - deleted, 0), 0);
  // A letter that both delete is gone once.
  if (text.length < length || text.length > length + edits / 5) throw new Error(`${text.length} units instead of ${length}`);
  return { mergeMs: took, editMs: edited - begun, bytes };
}
