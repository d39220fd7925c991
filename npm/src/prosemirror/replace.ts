import { Fragment, Slice } from "prosemirror-model";
import type { Transaction } from "prosemirror-state";
import { ReplaceStep } from "prosemirror-transform";
import type { Replaced } from "./shadow.js";

/** Puts nodes of the top level in place of others, by a step that touches only what differs. */
export function replaceNodes(transaction: Transaction, { index, removed, nodes }: Replaced): void {
  const { doc } = transaction;
  let start = 0;
  for (let at = 0; at < index; at += 1) start += doc.child(at).nodeSize;
  const [before, after] = [Fragment.fromArray(doc.children.slice(index, index + removed)), Fragment.fromArray([...nodes])];
  const from = before.findDiffStart(after);
  if (from === null) return;
  const { a, b } = before.findDiffEnd(after)!;
  // What is equal from both ends, such as a letter among its like, is counted once.
  const twice = Math.max(0, from - Math.min(a, b));
  const holder = doc.type.create(null, after);
  // Before `from` and behind the end both sides are the same, so the slice is as open as its place.
  const slice = b + twice > from ? holder.slice(from, b + twice) : Slice.empty;
  transaction.step(new ReplaceStep(start + from, start + a + twice, slice));
}
