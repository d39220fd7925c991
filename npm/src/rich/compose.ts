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

/** Attributes over others; a `null` stays only where something below may still have the attribute. */
function layered(below: Attributes | undefined, above: Attributes | undefined, keepNull: boolean): Attributes {
  const all = { ...below, ...above };
  return keepNull ? all : Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}
