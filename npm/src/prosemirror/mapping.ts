import { Fragment, type Node, type Schema } from "prosemirror-model";
import type { Delta } from "../delta.js";
import { contentOf, emptyLine, linesOf, type Line } from "../rich/line.js";
import { InlineMap } from "./inline.js";
import { placeOf, type Place } from "./place.js";
import { BlockReader, type Block, type PlacedLine } from "./read.js";
import { SchemaMap } from "./schema.js";
import { BlockWriter } from "./write.js";

/** A schema's mapping between documents and rich text; the guide has its table. */
export class Mapping {
  readonly schema: SchemaMap;
  readonly inline: InlineMap;
  readonly reader: BlockReader;
  readonly writer: BlockWriter;

  /** @throws RangeError where the schema's top node does not take a paragraph */
  constructor(schema: Schema) {
    this.schema = new SchemaMap(schema);
    this.inline = new InlineMap(this.schema);
    this.reader = new BlockReader(this.schema, this.inline);
    this.writer = new BlockWriter(this.schema, this.inline);
  }

  /** The lines with their places, the first of them after one at `previous`. */
  placed(lines: readonly Line[], previous: Place | null): PlacedLine[] {
    return lines.map((line) => ({ line, place: (previous = placeOf(previous, line.attributes, isEmpty(line), this.schema.can)) }));
  }

  /** The blocks of a whole content; an empty one is one empty line. */
  blocks(content: Delta): Block[] {
    const lines = linesOf(content);
    return this.reader.blocks(this.placed(lines.length > 0 ? lines : [emptyLine], null));
  }

  /** The document that a content means: for each there is exactly one. */
  document(content: Delta): Node {
    return this.schema.schema.topNodeType.create(null, Fragment.fromArray(this.blocks(content).map(({ node }) => node)));
  }

  /** The content that means this document. */
  content(document: Node): Delta {
    return contentOf(this.writer.lines(document.children));
  }
}

/** Whether a line has no content. */
export function isEmpty(line: Line): boolean {
  return line.pieces.length === 0;
}
