import type { Node } from "prosemirror-model";
import type { Attributes } from "../delta.js";
import type { Line, Piece } from "../rich/line.js";
import type { InlineMap } from "./inline.js";
import { attributesOf, type Leaf, type Level, type Place } from "./place.js";
import { attrName, type SchemaMap } from "./schema.js";

/** A line as a document shows it. */
export interface ShownLine {
  /** The textblock or block leaf that shows it. */
  readonly leaf: Node;
  /** Which line of it; only a code block has more than one. */
  readonly part: number;
  /** Offset of the line within the leaf's content. */
  readonly from: number;
  /** Where the leaf stands, counted from the start of the nodes that were written. */
  readonly position: number;
  readonly place: Place;
}

/** Lists the lines of nodes. Linear in them. */
export class BlockWriter {
  readonly #schema: SchemaMap;
  readonly #inline: InlineMap;

  constructor(schema: SchemaMap, inline: InlineMap) {
    this.#schema = schema;
    this.#inline = inline;
  }

  /** The lines that siblings of the top level show. */
  shown(nodes: readonly Node[]): ShownLine[] {
    const lines: ShownLine[] = [];
    let position = 0;
    for (const node of nodes) {
      this.#visit(node, position, [], lines);
      position += node.nodeSize;
    }
    return lines;
  }

  /** A shown line's pieces, as the document has them. */
  pieces({ leaf, part, place }: ShownLine): Piece[] {
    if (place.leaf.kind !== "code") return leaf.isTextblock ? leaf.children.map((node) => this.#inline.piece(node)) : [];
    const insert = codeLines(leaf)[part]!.replace(/\p{Surrogate}/gu, "\uFFFD");
    return insert ? [{ insert, attributes: {} }] : [];
  }

  /** The lines of a whole document, each with a newline. */
  lines(nodes: readonly Node[]): Line[] {
    let previous: Place | null = null;
    return this.shown(nodes).map((shown) => {
      const pieces = this.pieces(shown);
      const attributes: Attributes = attributesOf(previous, shown.place, this.#schema.can);
      previous = shown.place;
      return { pieces, attributes, length: lengthOf(pieces) + 1, ended: true };
    });
  }

  #visit(node: Node, position: number, levels: Level[], lines: ShownLine[]): void {
    const role = this.#schema.role(node.type);
    if (node.isTextblock || node.isLeaf) return this.#write(node, position, levels, lines);
    const list = role === "bullet" || role === "ordered";
    if (list || role === "quote") {
      const order = role === "ordered" ? (node.attrs[attrName(node.type, "order", "start") ?? ""] as number | undefined) : undefined;
      levels.push({ kind: role, order: typeof order === "number" && order >= 0 && order < 1e9 ? Math.floor(order) : 1, join: "new" });
    }
    node.forEach((child, offset, index) => {
      if (list && index > 0) levels[levels.length - 1] = { ...levels.at(-1)!, join: "item" };
      this.#visit(child, position + 1 + offset, levels, lines);
    });
    if (list || role === "quote") levels.pop();
  }

  #write(leaf: Node, position: number, levels: Level[], lines: ShownLine[]): void {
    const role = this.#schema.role(leaf.type);
    const write = (part: number, from: number, own: Leaf) => {
      lines.push({ leaf, part, from, position, place: { levels: [...levels], leaf: own } });
      levels.forEach((level, index) => void (levels[index] = { ...level, join: "same" }));
    };
    if (role === "header") return write(0, 0, { kind: "header", level: leaf.attrs["level"] as number });
    if (role === "divider") return write(0, 0, { kind: "divider" });
    if (role !== "code") return write(0, 0, { kind: "paragraph" });
    const language = leaf.attrs[attrName(leaf.type, "language", "params") ?? ""] as unknown;
    let from = 0;
    codeLines(leaf).forEach((text, part) => {
      write(part, from, { kind: "code", language: typeof language === "string" ? language : "", joined: part > 0 });
      from += text.length + 1;
    });
  }
}

function codeLines(leaf: Node): string[] {
  return leaf.textBetween(0, leaf.content.size, undefined, "\uFFFC").split("\n");
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((length, { insert }) => length + (typeof insert === "string" ? insert.length : 1), 0);
}
