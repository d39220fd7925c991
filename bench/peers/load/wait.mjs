// Waiting, always with a deadline.

const DEADLINE_MS = 60_000;

/** Waits for a condition; fails after the deadline, naming what was waited for. */
export async function until(what, condition, deadlineMs = DEADLINE_MS) {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await sleep(5);
  }
}

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Runs `make` for each index, so many at a time; gives the results in order. */
export async function several(count, atOnce, make) {
  const results = new Array(count);
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      results[index] = await make(index);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
