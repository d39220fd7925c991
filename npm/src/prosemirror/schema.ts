import type { Attrs, MarkType, NodeType, Schema } from "prosemirror-model";
import type { Abilities } from "./place.js";

/** The names under which the basic schemas of ProseMirror and Tiptap know one thing. */
const nodeNames = {
  paragraph: ["paragraph"],
  header: ["heading"],
  quote: ["blockquote"],
  code: ["code_block", "codeBlock"],
  divider: ["horizontal_rule", "horizontalRule"],
  bullet: ["bullet_list", "bulletList"],
  ordered: ["ordered_list", "orderedList"],
  item: ["list_item", "listItem"],
  image: ["image"],
  break: ["hard_break", "hardBreak"],
} as const;

/** Marks that have another name as an attribute; every other keeps its own. */
const markKeys: Readonly<Record<string, string>> = { strong: "bold", em: "italic", strikethrough: "strike" };

/** A schema's node and mark types by what they mean here. */
export class SchemaMap {
  readonly schema: Schema;
  readonly can: Abilities;
  readonly #nodes = new Map<string, NodeType>();
  readonly #roles = new Map<NodeType, keyof typeof nodeNames>();
  /** Attribute and mark, in the schema's order. */
  readonly marks: readonly (readonly [key: string, type: MarkType])[];

  /** @throws RangeError where the schema has no paragraph, or where the top node does not take one */
  constructor(schema: Schema) {
    this.schema = schema;
    for (const [role, names] of Object.entries(nodeNames) as [keyof typeof nodeNames, readonly string[]][]) {
      const type = names.map((name) => schema.nodes[name]).find((found) => found !== undefined);
      if (!type) continue;
      this.#nodes.set(role, type);
      this.#roles.set(type, role);
    }
    const paragraph = this.#nodes.get("paragraph");
    if (!paragraph || !schema.topNodeType.contentMatch.matchType(paragraph)) throw new RangeError("the schema's top node does not take a paragraph");
    const item = this.#nodes.get("item");
    const block = (role: string) => {
      const type = this.#nodes.get(role);
      return !!type && !!schema.topNodeType.contentMatch.matchType(type);
    };
    this.can = {
      quote: block("quote"),
      bullet: block("bullet") && !!item,
      ordered: block("ordered") && !!item,
      code: block("code"),
      language: block("code") && !!attrName(this.type("code"), "language", "params"),
      divider: block("divider"),
      header: block("header") ? 6 : 0,
      paragraphFirst: !item || [...this.#nodes].some(([role, type]) => type.isBlock && role !== "item" && block(role) && !item.contentMatch.matchType(type)),
    };
    this.marks = Object.values(schema.marks).map((type) => [markKeys[type.name] ?? type.name, type] as const);
  }

  /** The type that plays a role; the caller knows that the schema has it. */
  type(role: keyof typeof nodeNames): NodeType {
    const type = this.#nodes.get(role);
    if (!type) throw new RangeError(`the schema has no ${role}`);
    return type;
  }

  /** Like {@link type}, where the schema may lack it. */
  find(role: keyof typeof nodeNames): NodeType | undefined {
    return this.#nodes.get(role);
  }

  /** The role that a type plays, if any. */
  role(type: NodeType): keyof typeof nodeNames | undefined {
    return this.#roles.get(type);
  }
}

/** An attribute's name as the type at hand has it: ProseMirror and Tiptap differ. */
export function attrName(type: NodeType, ...names: string[]): string | undefined {
  return names.find((name) => name in (type.spec.attrs ?? {}));
}

/** The attributes that are not what the type gives by itself. */
export function ownAttrs(attrs: Attrs, type: NodeType | MarkType): Record<string, unknown> {
  const defaults = type.spec.attrs ?? {};
  return Object.fromEntries(Object.entries(attrs).filter(([name, value]) => value !== undefined && value !== (defaults[name]?.default as unknown)));
}
