import type { Attributes, Delta } from "../delta.js";
import { DeltaBuilder } from "./iterator.js";

/** A piece of a line: text without a newline, or an embed, of length 1. */
export interface Piece {
  readonly insert: string | Readonly<Record<string, unknown>>;
  readonly attributes: Attributes;
}

/** One line of a rich text. Its newline, if it has one, carries the attributes of the block. */
export interface Line {
  readonly pieces: readonly Piece[];
  /** The attributes of its newline; empty where it has none. */
  readonly attributes: Attributes;
  /** Length in UTF-16 code units, the newline included. */
  readonly length: number;
  /** Whether it ends in a newline. Only the last line of a text may have none. */
  readonly ended: boolean;
}

const none: Attributes = Object.freeze({});

/**
 * The lines of a content. A content that ends in a newline has no further, empty line
 * behind it, and one without any line has none here: its reader shows an empty one.
 */
export function linesOf(content: Delta): Line[] {
  const lines: Line[] = [];
  let pieces: Piece[] = [];
  let length = 0;
  const end = (attributes: Attributes, ended: boolean) => {
    lines.push({ pieces, attributes, length: length + (ended ? 1 : 0), ended });
    pieces = [];
    length = 0;
  };
  for (const component of content) {
    if (!("insert" in component)) continue;
    const { insert, attributes = none } = component;
    if (typeof insert !== "string") {
      pieces.push({ insert, attributes });
      length += 1;
      continue;
    }
    let from = 0;
    for (;;) {
      const to = insert.indexOf("\n", from);
      const text = insert.slice(from, to < 0 ? undefined : to);
      if (text) pieces.push({ insert: text, attributes });
      length += text.length;
      if (to < 0) break;
      end(attributes, true);
      from = to + 1;
    }
  }
  if (pieces.length > 0) end(none, false);
  return lines;
}

/** The content that the lines make up. */
export function contentOf(lines: readonly Line[]): Delta {
  const content = new DeltaBuilder();
  for (const line of lines) {
    for (const { insert, attributes } of line.pieces) content.insert(insert, attributes);
    if (line.ended) content.insert("\n", line.attributes);
  }
  return content.finish();
}

/** The line that stands for a text without any. */
export const emptyLine: Line = Object.freeze({ pieces: [], attributes: none, length: 0, ended: false });

/** The line's text without its newline, each embed as U+FFFC. */
export function lineText(line: Line): string {
  return line.pieces.map(({ insert }) => (typeof insert === "string" ? insert : "\uFFFC")).join("");
}
