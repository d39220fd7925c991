import type { Attributes } from "../delta.js";

/**
 * How a line stands to the one before it at one level of nesting: in the same node; in
 * the next item of the same list; in a node of its own.
 */
export type Join = "same" | "item" | "new";

/** One level of nesting: a quote, or a list with the item in it. */
export interface Level {
  readonly kind: "quote" | "bullet" | "ordered";
  /** The number that an ordered list begins with; 1 elsewhere. */
  readonly order: number;
  readonly join: Join;
}

/** What the line itself is. */
export type Leaf =
  | { readonly kind: "paragraph" }
  | { readonly kind: "header"; readonly level: number }
  | { readonly kind: "divider" }
  /** One line of a code block; `joined` where the line before it belongs to the same block. */
  | { readonly kind: "code"; readonly language: string; readonly joined: boolean };

/** Where a line stands in the document: the nodes around it, from the outermost in, and its own. */
export interface Place {
  readonly levels: readonly Level[];
  readonly leaf: Leaf;
}

/** What a schema has; what it lacks is shown as the next best. */
export interface Abilities {
  readonly quote: boolean;
  readonly bullet: boolean;
  readonly ordered: boolean;
  readonly code: boolean;
  /** Whether a code block knows its language. */
  readonly language: boolean;
  readonly divider: boolean;
  /** The greatest level of a heading; 0 where there is none. */
  readonly header: number;
  /** Whether a list item must begin with a paragraph. */
  readonly paragraphFirst: boolean;
}

/** The attributes of a newline that this mapping reads and writes. */
export const placeKeys = ["header", "list", "indent", "blockquote", "code-block", "divider", "nest"] as const;

/** Deeper nesting is cut, so that nobody can make a document that no editor can show. */
const MOST_LEVELS = 32;

interface Wanted {
  readonly kind: Level["kind"] | "any";
  readonly order: number;
  readonly join: Join;
}

const letters: Record<string, Omit<Wanted, "order">> = {
  q: { kind: "quote", join: "same" }, Q: { kind: "quote", join: "new" },
  b: { kind: "bullet", join: "same" }, B: { kind: "bullet", join: "item" }, U: { kind: "bullet", join: "new" },
  o: { kind: "ordered", join: "same" }, O: { kind: "ordered", join: "item" }, N: { kind: "ordered", join: "new" },
};

/**
 * The place of a line with these attributes after a line at `previous`. Total: whatever
 * the attributes are, there is exactly one, and the schema allows it.
 *
 * @param empty whether the line has no content
 */
export function placeOf(previous: Place | null, attributes: Attributes, empty: boolean, can: Abilities): Place {
  const { wanted, apart } = read(attributes);
  const levels: Level[] = [];
  let joined = previous !== null;
  let begins = false;
  for (const { kind, order, join } of wanted) {
    if (levels.length >= MOST_LEVELS || (begins && can.paragraphFirst)) break;
    const before = joined ? previous!.levels[levels.length] : undefined;
    if (kind === "any") {
      // An indentation under nothing is none.
      if (before && before.kind !== "quote") levels.push({ ...before, join: "same" });
      continue;
    }
    const able = kind === "quote" ? can.quote && kind : can[kind] ? kind : kind === "bullet" ? can.ordered && "ordered" : can.bullet && "bullet";
    if (!able) continue;
    const found = before?.kind === able ? (able === "quote" && join === "item" ? "same" : join) : "new";
    if (found === "new") levels.push({ kind: able, order: able === "ordered" ? order : 1, join: "new" });
    else levels.push({ ...before!, join: found });
    if (found !== "same") {
      joined = false;
      begins = able !== "quote";
    }
  }
  if (begins && can.paragraphFirst) return { levels, leaf: { kind: "paragraph" } };
  const continues = joined && previous!.levels.length === levels.length && !apart;
  return { levels, leaf: leafOf(attributes, empty, continues ? previous!.leaf : null, can) };
}

function leafOf(attributes: Attributes, empty: boolean, previous: Leaf | null, can: Abilities): Leaf {
  const { header, divider, "code-block": code } = attributes;
  if (can.code && code !== undefined && code !== null && code !== false) {
    const language = can.language && typeof code === "string" && code !== "plain" ? code : "";
    return { kind: "code", language, joined: previous?.kind === "code" && previous.language === language };
  }
  if (typeof header === "number" && header >= 1 && can.header > 0) return { kind: "header", level: Math.min(Math.floor(header), can.header) };
  return divider === true && empty && can.divider ? { kind: "divider" } : { kind: "paragraph" };
}

function read({ nest, list, indent, blockquote }: Attributes): { wanted: Wanted[]; apart: boolean } {
  if (typeof nest === "string" && nest !== "") {
    const wanted: Wanted[] = [];
    for (const [, letter, digits] of nest.slice(0, 16 * MOST_LEVELS).matchAll(/([qQbBUoON])(\d{0,9})/g)) {
      wanted.push({ ...letters[letter!]!, order: digits ? Number(digits) : 1 });
    }
    return { wanted, apart: nest.endsWith("C") };
  }
  if (typeof list === "string") {
    const depth = typeof indent === "number" && indent > 0 ? Math.min(Math.floor(indent), MOST_LEVELS) : 0;
    const outer: Wanted[] = Array.from({ length: depth }, () => ({ kind: "any", order: 1, join: "same" }));
    return { wanted: [...outer, { kind: list === "ordered" ? "ordered" : "bullet", order: 1, join: "item" }], apart: false };
  }
  const quoted = blockquote !== undefined && blockquote !== null && blockquote !== false;
  return { wanted: quoted ? [{ kind: "quote", order: 1, join: "same" }] : [], apart: false };
}

/** The attributes that put a line at `place` after one at `previous`: Quill's own where they can say it. */
export function attributesOf(previous: Place | null, place: Place, can: Abilities): Attributes {
  const { levels, leaf } = place;
  const own: Attributes = leaf.kind === "header" ? { header: leaf.level }
    : leaf.kind === "code" ? { "code-block": leaf.language || true }
    : leaf.kind === "divider" ? { divider: true } : {};
  const last = levels.at(-1);
  const simple: Attributes = last && last.kind !== "quote"
    ? { list: last.kind, ...(levels.length > 1 ? { indent: levels.length - 1 } : {}), ...own }
    : last ? { blockquote: true, ...own } : own;
  if (samePlace(placeOf(previous, simple, leaf.kind === "divider", can), place)) return simple;
  const apart = leaf.kind === "code" && !leaf.joined && levels.every(({ join }) => join === "same") ? "C" : "";
  return { nest: levels.map(letterOf).join("") + apart, ...own };
}

function letterOf({ kind, join, order }: Level): string {
  const letter = Object.keys(letters).find((key) => letters[key]!.kind === kind && letters[key]!.join === join)!;
  return join === "new" && order !== 1 ? letter + order : letter;
}

/** Whether two places are one. */
export function samePlace(a: Place, b: Place): boolean {
  return a.levels.length === b.levels.length
    && a.levels.every(({ kind, order, join }, index) => {
      const other = b.levels[index]!;
      return kind === other.kind && order === other.order && join === other.join;
    })
    && sameLeaf(a.leaf, b.leaf);
}

function sameLeaf(a: Leaf, b: Leaf): boolean {
  if (a.kind === "header") return b.kind === "header" && a.level === b.level;
  if (a.kind === "code") return b.kind === "code" && a.language === b.language && a.joined === b.joined;
  return a.kind === b.kind;
}

/** Whether the line stands in one node of the top level with the line before it. */
export function continuesBlock({ levels, leaf }: Place): boolean {
  return levels[0] ? levels[0].join !== "new" : leaf.kind === "code" && leaf.joined;
}
