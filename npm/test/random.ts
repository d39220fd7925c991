/** Numbers that are the same for the same `SEED`, which a failing test names. */
export function randomOf(): { seed: number; below: (limit: number) => number } {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  let state = seed;
  return {
    seed,
    below: (limit) => {
      // Any generator will do; this one is small and the same everywhere.
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    },
  };
}
