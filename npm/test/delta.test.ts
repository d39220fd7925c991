import assert from "node:assert/strict";
import { test } from "node:test";
import { mapOffset, mapSpans, replacementOf, type Delta } from "../src/delta.js";

const delta: Delta = [{ retain: 2 }, { insert: "xy" }, { delete: 3 }, { retain: 1, attributes: { bold: true } }, { insert: { image: "i" } }];

test("a delta is one replacement, from its first change to its last", () => {
  assert.deepEqual(replacementOf(delta, "abcdefg"), { start: 2, end: 6, insert: "xyf\uFFFC" });
  assert.equal(replacementOf([{ retain: 3, attributes: { bold: true } }], "abc"), null);
});

test("offsets move with the text", () => {
  const places = [0, 1, 2, 3, 4, 5, 6, 7].map((offset) => mapOffset(delta, offset, "before"));
  assert.deepEqual(places, [0, 1, 2, 4, 4, 4, 5, 7]);
  assert.equal(mapOffset(delta, 2, "after"), 4);
  assert.equal(mapOffset(delta, 6, "after"), 6);
});

test("spans lose what was deleted and do not take in what was inserted", () => {
  assert.deepEqual(mapSpans(delta, [{ start: 1, end: 7 }]), [{ start: 1, end: 2 }, { start: 4, end: 5 }, { start: 6, end: 7 }]);
  assert.deepEqual(mapSpans(delta, [{ start: 3, end: 4 }]), []);
});
