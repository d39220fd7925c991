import { Mark, type MarkType, type Node, type NodeType } from "prosemirror-model";
import type { Attributes } from "../delta.js";
import type { Piece } from "../rich/line.js";
import { ownAttrs, type SchemaMap } from "./schema.js";

/** What stands for an embed that the schema cannot show, or not here. */
export const placeholder = "\uFFFC";

/** How many sets of attributes are remembered as marks. */
const MOST_REMEMBERED = 500;

/** Maps attributes to marks and embeds to leaf nodes within a line, and back. */
export class InlineMap {
  readonly #schema: SchemaMap;
  readonly #remembered = new Map<string, readonly Mark[]>();

  constructor(schema: SchemaMap) {
    this.#schema = schema;
  }

  /** The marks that these attributes mean; others are left alone. */
  marks(attributes: Attributes): readonly Mark[] {
    const key = JSON.stringify(attributes);
    const known = this.#remembered.get(key);
    if (known) return known;
    let marks = Mark.none;
    for (const [name, type] of this.#schema.marks) marks = markOf(type, attributes[name])?.addToSet(marks) ?? marks;
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, marks);
    return marks;
  }

  /** The nodes of a line's content, in a parent of this type. As long as the line. */
  nodes(pieces: readonly Piece[], parent: NodeType): Node[] {
    return pieces.map((piece) => this.node(piece, parent));
  }

  /** One piece as a node: text or an inline leaf. */
  node({ insert, attributes }: Piece, parent: NodeType): Node {
    const marks = parent.allowedMarks(this.marks(attributes));
    if (typeof insert === "string") return this.#schema.schema.text(insert, marks);
    return this.#embedded(insert, attributes, parent, marks) ?? this.#schema.schema.text(placeholder, marks);
  }

  /** One inline node as a piece. A newline in its text, which no line can hold, becomes a space. */
  piece(node: Node): Piece {
    if (node.isText) {
      return { insert: node.text!.replace(/\n/g, " ").replace(/\p{Surrogate}/gu, "\uFFFD"), attributes: this.attributes(node.marks) };
    }
    const role = this.#schema.role(node.type);
    const own = ownAttrs(node.attrs, node.type);
    const attributes = this.attributes(node.marks);
    if (role === "break") return { insert: { break: true }, attributes };
    if (role !== "image") return { insert: { [node.type.name]: Object.keys(own).length > 0 ? own : true }, attributes };
    const { src, ...others } = own;
    return { insert: { image: src ?? "" }, attributes: { ...others, ...attributes } };
  }

  /** The attributes that mean these marks. */
  attributes(marks: readonly Mark[]): Attributes {
    const attributes: Record<string, unknown> = {};
    for (const mark of marks) {
      const key = this.#schema.marks.find(([, type]) => type === mark.type)![0];
      attributes[key] = valueOf(mark);
    }
    return attributes;
  }

  /** Which attributes this mapping reads of such a piece, so that it may take them away. */
  reads(key: string, insert: Piece["insert"]): boolean {
    if (this.#schema.marks.some(([name]) => name === key)) return true;
    return typeof insert !== "string" && "image" in insert && key in (this.#schema.find("image")?.spec.attrs ?? {});
  }

  #embedded(embed: Readonly<Record<string, unknown>>, attributes: Attributes, parent: NodeType, marks: readonly Mark[]): Node | null {
    const name = Object.keys(embed)[0];
    if (name === undefined) return null;
    const value = embed[name];
    if (name === "image") {
      const type = this.#schema.find("image");
      if (typeof value !== "string" || !type) return null;
      return leaf(type, { ...attributes, src: value }, parent, marks);
    }
    const type = name === "break" ? this.#schema.find("break") : this.#schema.schema.nodes[name];
    return type ? leaf(type, typeof value === "object" ? value : null, parent, marks) : null;
  }
}

/** A leaf of that type, if it may stand in such a parent; attributes that the type does not take are left out. */
function leaf(type: NodeType, values: unknown, parent: NodeType, marks: readonly Mark[]): Node | null {
  if (!type.isInline || !type.isLeaf || type.isText || !parent.contentMatch.matchType(type)) return null;
  try {
    const node = type.create(taken(type, values), null, marks);
    node.check();
    return node;
  } catch {
    // A required attribute is missing, or one is of another kind.
    return null;
  }
}

function taken(type: NodeType | MarkType, values: unknown): Record<string, unknown> {
  const attrs: Record<string, unknown> = {};
  for (const name of Object.keys(type.spec.attrs ?? {})) {
    const value = values && typeof values === "object" && Object.hasOwn(values, name) ? (values as Record<string, unknown>)[name] : undefined;
    if (value !== undefined && value !== null) attrs[name] = value;
  }
  return attrs;
}

/** The one attribute that a mark has on its own, so that its value need not be an object. */
const mainAttr = (type: MarkType) => (type.name === "link" ? "href" : null);

function markOf(type: MarkType, value: unknown): Mark | null {
  if (value === undefined || value === null || value === false) return null;
  const main = mainAttr(type);
  if (main && typeof value !== "string" && typeof (value as Record<string, unknown>)[main] !== "string") return null;
  try {
    const mark = type.create(taken(type, main && typeof value === "string" ? { [main]: value } : value));
    // A mark is checked only together with a node.
    type.schema.text(" ", [mark]).check();
    return mark;
  } catch {
    return null;
  }
}

function valueOf(mark: Mark): unknown {
  const own = ownAttrs(mark.attrs, mark.type);
  const main = mainAttr(mark.type);
  const names = Object.keys(own);
  if (main && names.length === 1 && names[0] === main) return own[main];
  return names.length > 0 ? own : true;
}
