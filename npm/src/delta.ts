/** Attributes of a piece of text, such as `{bold: true}`. `null` takes an attribute away. */
export type Attributes = Readonly<Record<string, unknown>>;

/**
 * One component of a {@link Delta}. Lengths are UTF-16 code units, as in JavaScript's
 * strings; an embed (an object that is inserted) has length 1.
 */
export type Component =
  | {
      /** Text, or an embed. */
      readonly insert: string | Readonly<Record<string, unknown>>;
      /** What all of it has. */
      readonly attributes?: Attributes;
    }
  | {
      /** So much stays. */
      readonly retain: number;
      /** What is set on it. */
      readonly attributes?: Attributes;
    }
  | {
      /** So much goes. */
      readonly delete: number;
    };

/**
 * A change of a document, in the JSON form of Quill's Delta: from the document's start
 * on, what is kept, inserted and deleted. What follows the last component is kept.
 */
export type Delta = readonly Component[];

/** A delta as Quill hands it out. */
export interface QuillDelta {
  /** Its components. */
  readonly ops: Delta;
}

/** The length of one component, in UTF-16 code units. */
export function componentLength(component: Component): number {
  if ("retain" in component) return component.retain;
  if ("delete" in component) return component.delete;
  return typeof component.insert === "string" ? component.insert.length : 1;
}

/** A piece of a text that a delta replaces: `text[start..end]` becomes `insert`. */
export interface Replacement {
  /** Where it begins, in UTF-16 code units. */
  readonly start: number;
  /** Where it ends; `start <= end`. */
  readonly end: number;
  /** What stands there after it. */
  readonly insert: string;
}

/**
 * The one replacement of plain text that does what the delta does, from its first
 * change to its last; `null` where it changes only attributes or nothing.
 * Linear in the components and in the span between the two.
 */
export function replacementOf(delta: Delta, text: string): Replacement | null {
  let at = 0;
  let start = -1;
  let end = 0;
  let insert = "";
  for (const component of delta) {
    const length = componentLength(component);
    if ("retain" in component) {
      at += length;
      continue;
    }
    if (start < 0) start = at;
    else insert += text.slice(end, at);
    if ("delete" in component) at += length;
    else insert += typeof component.insert === "string" ? component.insert : "\uFFFC";
    end = at;
  }
  return start < 0 ? null : { start, end, insert };
}

/** To which side of text inserted exactly at an offset the offset goes. */
export type Side = "before" | "after";

/** Where an offset of the text before the delta lies after it. Linear in the components. */
export function mapOffset(delta: Delta, offset: number, side: Side): number {
  let before = 0;
  let after = 0;
  for (const component of delta) {
    if (before > offset) break;
    const length = componentLength(component);
    if ("retain" in component) {
      if (before + length > offset) break;
      before += length;
      after += length;
    } else if ("delete" in component) {
      if (before + length > offset) return after;
      before += length;
    } else {
      if (before === offset && side === "before") break;
      after += length;
    }
  }
  return after + (offset - before);
}

/** A part of a text, in UTF-16 code units; `start <= end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * What is left of some spans after the delta: deleted parts are gone, and text inserted
 * inside a span does not belong to it, so one span may become several. Rising order is kept.
 */
export function mapSpans(delta: Delta, spans: readonly Span[]): Span[] {
  const mapped: Span[] = [];
  const keep = (from: number, to: number, shift: number) => {
    for (const span of spans) {
      const start = Math.max(span.start, from);
      const end = Math.min(span.end, to);
      if (start < end) mapped.push({ start: start + shift, end: end + shift });
    }
  };
  let before = 0;
  let after = 0;
  for (const component of delta) {
    const length = componentLength(component);
    if ("retain" in component) {
      keep(before, before + length, after - before);
      before += length;
      after += length;
    } else if ("delete" in component) before += length;
    else after += length;
  }
  keep(before, Infinity, after - before);
  return mapped;
}
