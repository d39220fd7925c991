import type { Attributes, Delta } from "../delta.js";
import { DeltaBuilder, DeltaIterator } from "./iterator.js";

/**
 * The delta that does what `a` and then `b` do. Of a content, which is a delta of inserts,
 * it is the content after `b`. Linear in the components of both.
 */
export function compose(a: Delta, b: Delta): Delta {
  const [first, second, out] = [new DeltaIterator(a), new DeltaIterator(b), new DeltaBuilder()];
  while (first.more || second.more) {
    if (second.current && "insert" in second.current) out.push(second.take());
    else if (first.current && "delete" in first.current) out.push(first.take());
    else {
      const length = Math.min(first.left, second.left);
      const [below, above] = [first.take(length), second.take(length)];
      if ("delete" in above) {
        // What was only just inserted has never been there.
        if ("retain" in below) out.push(above);
      } else if ("insert" in below) out.insert(below.insert, layered(below.attributes, above.attributes, false));
      else if ("retain" in below) out.retain(length, layered(below.attributes, above.attributes, true));
    }
  }
  return out.finish();
}

/**
 * Two deltas on one content, each as it is after the other: `a` then `b'` is `b` then
 * `a'`. At one place `a`'s insert goes first; of two values for one attribute `b`'s stays.
 * Linear in the components of both.
 */
export function transform(a: Delta, b: Delta): [a: Delta, b: Delta] {
  const [left, right] = [new DeltaIterator(a), new DeltaIterator(b)];
  const [outLeft, outRight] = [new DeltaBuilder(), new DeltaBuilder()];
  while (left.more || right.more) {
    if (left.current && "insert" in left.current) {
      outRight.retain(left.left);
      outLeft.push(left.take());
    } else if (right.current && "insert" in right.current) {
      outLeft.retain(right.left);
      outRight.push(right.take());
    } else {
      const length = Math.min(left.left, right.left);
      const [mine, theirs] = [left.take(length), right.take(length)];
      if ("delete" in mine || "delete" in theirs) {
        if (!("delete" in theirs)) outLeft.push(mine);
        if (!("delete" in mine)) outRight.push(theirs);
      } else if ("retain" in mine && "retain" in theirs) {
        outLeft.retain(length, without(mine.attributes, theirs.attributes));
        outRight.retain(length, theirs.attributes);
      }
    }
  }
  return [outLeft.finish(), outRight.finish()];
}

/** Attributes over others; a `null` stays only where something below may still have the attribute. */
function layered(below: Attributes | undefined, above: Attributes | undefined, keepNull: boolean): Attributes {
  const all = { ...below, ...above };
  return keepNull ? all : Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

function without(attributes: Attributes | undefined, others: Attributes | undefined): Attributes | undefined {
  return attributes && others ? Object.fromEntries(Object.entries(attributes).filter(([key]) => !Object.hasOwn(others, key))) : attributes;
}
