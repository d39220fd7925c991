// The document that is measured, and the places that are typed at: the same in every run.

/** Numbers in [0, 1) that are the same in every run (mulberry32's recurrence). */
export function randomness(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const words = "the quick brown fox jumps over a lazy dog while seven wizards quietly mix one more jug of liquid and everybody watches".split(" ");

/** Lines of words, of `length` UTF-16 code units in all, ending in a newline. */
export function textOf(length) {
  const random = randomness(1);
  const lines = [];
  let left = length;
  while (left > 0) {
    let line = "";
    const wanted = 20 + Math.floor(random() * 80);
    while (line.length < wanted) line += `${line ? " " : ""}${words[Math.floor(random() * words.length)]}`;
    line = line.slice(0, left - 1);
    // No line is left for which there would be no room but for its newline.
    lines.push(line + "\n");
    left -= line.length + 1;
  }
  return lines.join("");
}
