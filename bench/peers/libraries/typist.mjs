// Edits as somebody makes them who types here and there: the same for the same seed, in every language.

/** Numbers from 0 up to 2^32, by xorshift. */
function* numbers(seed) {
  let state = (seed | 0) || 1;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

/** Gives `[at, deleted, inserted]` `count` times, for a text of that length at the beginning. */
export function* typing(seed, count, length) {
  const random = numbers(seed);
  const next = (below) => random.next().value % below;
  let caret = next(length + 1);
  for (let edit = 0; edit < count; edit += 1) {
    if (next(20) === 0) caret = next(length + 1);
    if (caret > 0 && next(10) === 0) {
      caret -= 1;
      length -= 1;
      yield [caret, 1, ""];
    } else {
      yield [caret, 0, String.fromCharCode(97 + next(26))];
      caret += 1;
      length += 1;
    }
  }
}

/** The text that branches begin with. */
export const BASE = "The quick brown fox jumps over the lazy dog. ".repeat(200);
