import type { Replacement } from "../delta.js";

/**
 * The replacement that made `after` out of `before`, or `null` if they are equal. What
 * stands behind the caret is taken as untouched if it can be, so that a letter typed
 * among equal letters is found where it was typed. Never splits a surrogate pair.
 * Linear, by comparing slices.
 *
 * @param caret where the caret stands in `after`, in UTF-16 code units
 */
export function differenceOf(before: string, after: string, caret: number): Replacement | null {
  if (before === after) return null;
  const shorter = Math.min(before.length, after.length);
  let suffix = commonSuffix(before, after, Math.min(shorter, after.length - caret));
  let prefix = commonPrefix(before, after, shorter - suffix);
  // Not everything changes at the caret: an undo, or a program.
  suffix = commonSuffix(before, after, shorter - prefix);
  if (splitsPair(before, prefix) || splitsPair(after, prefix)) prefix -= 1;
  if (splitsPair(before, before.length - suffix) || splitsPair(after, after.length - suffix)) suffix -= 1;
  return { start: prefix, end: before.length - suffix, insert: after.slice(prefix, after.length - suffix) };
}

/** Length of the common beginning, at most `most`. */
function commonPrefix(a: string, b: string, most: number): number {
  let same = 0;
  while (same < most) {
    const middle = (same + most + 1) >> 1;
    if (a.slice(same, middle) === b.slice(same, middle)) same = middle;
    else most = middle - 1;
  }
  return same;
}

/** Length of the common end, at most `most`. */
function commonSuffix(a: string, b: string, most: number): number {
  let same = 0;
  while (same < most) {
    const middle = (same + most + 1) >> 1;
    if (a.slice(a.length - middle, a.length - same) === b.slice(b.length - middle, b.length - same)) same = middle;
    else most = middle - 1;
  }
  return same;
}

function splitsPair(text: string, offset: number): boolean {
  return (text.charCodeAt(offset - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(offset) & 0xfc00) === 0xdc00;
}
