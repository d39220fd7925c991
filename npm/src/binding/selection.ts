import { mapOffset, type Delta } from "../delta.js";
import type { Cursor } from "../state.js";

/**
 * Where a selection is after a change that somebody else has made: it does not grow by
 * what is inserted at its edges, and a caret stays before that.
 */
export function carried({ anchor, head }: Cursor, delta: Delta): Cursor {
  return { anchor: mapOffset(delta, anchor, anchor < head ? "after" : "before"), head: mapOffset(delta, head, anchor > head ? "after" : "before") };
}
