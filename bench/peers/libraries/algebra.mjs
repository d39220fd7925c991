// Two operations, transformed and composed again and again.

/** So long each of the two is repeated, as in `bench/src/engine/algebra.rs`. */
const EACH_MS = 300;

/** Microseconds of one call. */
export function algebra(library, { components }) {
  const pair = library.pair(components);
  return { transformUs: repeated((times) => pair.transform(times)), composeUs: repeated((times) => pair.compose(times)) };
}

function repeated(call) {
  call(10);
  const begun = performance.now();
  let calls = 0;
  while (performance.now() < begun + EACH_MS) {
    call(16);
    calls += 16;
  }
  return ((performance.now() - begun) * 1000) / calls;
}
