import assert from "node:assert/strict";
import { test } from "node:test";
import { decide, ruleOf, type EngineReview, type Verdict } from "../src/review.js";

const contents: EngineReview = {
  before: [{ insert: "ab" }],
  mine: [{ insert: "abX" }],
  theirs: [{ insert: "a" }, { insert: { image: "i" } }, { insert: "b" }],
  merged: [{ insert: "a" }, { insert: { image: "i" } }, { insert: "b🏆X" }],
};
const answer = (verdict: Verdict) => decide("notes", contents, () => verdict);

test("an application sees four texts and answers with one of them, or with another", async () => {
  let seen: unknown;
  await decide("notes", contents, (review) => ((seen = [review.id, review.before.text, review.mine.text, review.theirs.text, review.merged.text]), "merged"));
  assert.deepEqual(seen, ["notes", "ab", "abX", "a\ufffcb", "a\ufffcb🏆X"]);
  assert.deepEqual(await answer("merged"), { send: true });
  assert.deepEqual(await answer("theirs"), { send: false });
  assert.deepEqual(await answer({ delta: [{ delete: 1 }] }), { send: true, change: '[{"delete":1}]' });
  assert.deepEqual(await answer({ delta: { ops: [{ delete: 1 }] } }), { send: true, change: '[{"delete":1}]' });
});

test("a text that is sent instead is a change of the smallest part, which splits no pair", async () => {
  const change = async (text: string) => JSON.parse((await answer({ text })).change!) as unknown;
  assert.deepEqual(await change("a\ufffcb🏆X"), []);
  assert.deepEqual(await change("a\ufffcb🏁X"), [{ retain: 3 }, { insert: "🏁" }, { delete: 2 }]);
  assert.deepEqual(await change("Za\ufffcb🏆X"), [{ insert: "Z" }]);
  assert.deepEqual(await change(""), [{ delete: 6 }]);
});

test("a callback that fails is the caller's to handle", async () => {
  await assert.rejects(decide("notes", contents, () => Promise.reject(new Error("no"))), /no/);
  await assert.rejects(decide("notes", contents, () => { throw new Error("no"); }), /no/);
});

test("a rule has its defaults and bounds", () => {
  assert.deepEqual(ruleOf(), [3_600_000, 50]);
  assert.deepEqual(ruleOf({ waitedMs: -1, deleted: 7 }), [0, 100]);
  assert.deepEqual(ruleOf({ waitedMs: 10, deleted: 0.25 }), [10, 25]);
});
