import { Fragment, type Node, type NodeType } from "prosemirror-model";
import { lineText, type Line } from "../rich/line.js";
import type { InlineMap } from "./inline.js";
import type { Level, Place } from "./place.js";
import { attrName, type SchemaMap } from "./schema.js";

/** A line and where it stands. */
export interface PlacedLine {
  readonly line: Line;
  readonly place: Place;
}

/** A node of the top level, and the lines that it shows. */
export interface Block {
  readonly node: Node;
  readonly lines: readonly PlacedLine[];
  /** Length of its lines in UTF-16 code units, newlines included. */
  readonly length: number;
}

/** Makes the nodes that lines mean. Linear in them. */
export class BlockReader {
  readonly #schema: SchemaMap;
  readonly #inline: InlineMap;

  constructor(schema: SchemaMap, inline: InlineMap) {
    this.#schema = schema;
    this.#inline = inline;
  }

  /** The blocks of some lines, of which the first begins a block. */
  blocks(lines: readonly PlacedLine[]): Block[] {
    const blocks: Block[] = [];
    let from = 0;
    const nodes = this.#nodes(lines, (to) => {
      blocks.push({ node: null as unknown as Node, lines: lines.slice(from, to), length: sum(lines, from, to) });
      from = to;
    });
    return blocks.map((block, index) => ({ ...block, node: nodes[index]! }));
  }

  /** The nodes of the top level; tells after how many lines each of them ends. */
  #nodes(lines: readonly PlacedLine[], ended: (lines: number) => void): Node[] {
    const top: Node[] = [];
    const open: Frame[] = [];
    let code: string[] | null = null;
    const add = (node: Node) => (open.at(-1)?.children ?? top).push(node);
    const close = (depth: number) => {
      while (open.length > depth) {
        const { type, attrs, children } = open.pop()!;
        add(type.create(attrs, children));
      }
    };
    const endCode = (place: Place | undefined) => {
      if (code && place?.leaf.kind === "code") add(this.#code(place.leaf.language, code));
      code = null;
    };
    lines.forEach(({ line, place: { levels, leaf } }, index) => {
      if (code && leaf.kind === "code" && leaf.joined) return void code.push(lineText(line));
      endCode(lines[index - 1]?.place);
      let depth = 0;
      for (const level of levels) {
        const width = level.kind === "quote" ? 1 : 2;
        if (level.join === "same") depth += width;
        else {
          close(level.join === "item" ? depth + 1 : depth);
          depth += width;
          this.#open(level, open);
        }
      }
      close(depth);
      if (index > 0 && depth === 0 || levels[0]?.join === "new" && index > 0) ended(index);
      if (leaf.kind === "code") code = [lineText(line)];
      else add(this.#leaf(line, leaf));
    });
    endCode(lines.at(-1)?.place);
    close(0);
    if (lines.length > 0) ended(lines.length);
    return top;
  }

  #open(level: Level, open: Frame[]): void {
    if (level.kind === "quote") return void open.push({ type: this.#schema.type("quote"), attrs: null, children: [] });
    if (level.join === "new") {
      const type = this.#schema.type(level.kind);
      const order = level.kind === "ordered" ? attrName(type, "order", "start") : undefined;
      open.push({ type, attrs: order ? { [order]: level.order } : null, children: [] });
    }
    open.push({ type: this.#schema.type("item"), attrs: null, children: [] });
  }

  #leaf(line: Line, leaf: Exclude<Place["leaf"], { kind: "code" }>): Node {
    if (leaf.kind === "divider") return this.#schema.type("divider").create();
    const type = this.#schema.type(leaf.kind);
    return type.create(leaf.kind === "header" ? { level: leaf.level } : null, Fragment.fromArray(this.#inline.nodes(line.pieces, type)));
  }

  #code(language: string, lines: readonly string[]): Node {
    const type = this.#schema.type("code");
    const text = lines.join("\n");
    const attr = attrName(type, "language", "params");
    return type.create(attr && language ? { [attr]: language } : null, text ? this.#schema.schema.text(text) : null);
  }
}

interface Frame {
  readonly type: NodeType;
  readonly attrs: Record<string, unknown> | null;
  readonly children: Node[];
}

function sum(lines: readonly PlacedLine[], from: number, to: number): number {
  let length = 0;
  for (let index = from; index < to; index += 1) length += lines[index]!.line.length;
  return length;
}
