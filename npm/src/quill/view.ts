import { componentLength, type Attributes, type Component, type Delta } from "../delta.js";
import { DeltaBuilder, DeltaIterator } from "../rich/iterator.js";

/** What of an embed or an attribute an editor has a format for. */
export interface Formats {
  /** Whether there is a format of that name. */
  knows(name: string): boolean;
}

/** Formats of a line that exclude each other in Quill; of several the first is shown. */
const exclusive = ["list", "code-block", "header", "blockquote"] as const;
/** Attributes of a line that only other editors read, and that a format chosen in Quill takes the place of. */
const foreign = ["nest", "divider"] as const;

/** What is drawn and no format of anybody's. */
const drawn = "code-token";

/** What stands for an embed that the editor has no format for. */
const placeholder = "\uFFFC";

/** A document as Quill shows it, which always ends in a newline: one more than the document has, where that does not. */
export class QuillView {
  readonly #formats: Formats;
  /** Whether the last newline is only shown. */
  #extra = true;

  constructor(formats: Formats) {
    this.#formats = formats;
  }

  /** Whether the newline at the end is not the document's. */
  get hasExtra(): boolean {
    return this.#extra;
  }

  /** What is shown of a content. */
  load(content: Delta): Delta {
    const last = content.at(-1);
    this.#extra = !(last && "insert" in last && typeof last.insert === "string" && last.insert.endsWith("\n"));
    const shown = this.#shown(content);
    return this.#extra ? shown.push({ insert: "\n" }).finish() : shown.finish();
  }

  /**
   * A change of the document as a change of what is shown.
   *
   * @param length of what is shown now
   * @param isNewline whether a newline is shown at an offset
   */
  show(delta: Delta, length: number, isNewline: (offset: number) => boolean): Delta {
    const had = this.#extra;
    const own = had ? length - 1 : length;
    const { end, at } = lastOf(delta, own);
    this.#extra = end === null || !(typeof end === "number" ? (end === own - 1 ? !had : isNewline(end)) : end.endsWith("\n"));
    const shown = this.#shown(delta).retain(own - at);
    if (!had) return (this.#extra ? shown.push({ insert: "\n" }) : shown).finish();
    if (this.#extra) return shown.finish();
    // The document has come to end in a newline, which takes the place of the one that was only shown.
    return typeof end === "string" ? withoutLastNewline(shown.finish(), own) : shown.delete(1).finish();
  }

  /**
   * A change of what is shown as a change of the document.
   *
   * @param length of what was shown before
   * @param endsTwice whether two newlines are at the end of what is shown now
   */
  take(delta: Delta, length: number, endsTwice: boolean): Delta {
    const edit = new DeltaBuilder();
    const own = this.#extra ? length - 1 : length;
    const parts = new DeltaIterator(undrawn(delta));
    let at = 0;
    let behind = false;
    while (parts.more) {
      const component = parts.current!;
      if ("insert" in component) {
        if (this.#extra && at > own && !behind) {
          edit.insert("\n");
          behind = true;
        }
        edit.push(parts.take());
        continue;
      }
      const part = parts.take(at < own ? Math.min(parts.left, own - at) : parts.left);
      if (this.#extra && at >= own) {
        if ("delete" in part) this.#extra = false;
        else if ("retain" in part && part.attributes) {
          edit.insert("\n", present(part.attributes));
          this.#extra = false;
        }
      } else if ("retain" in part && part.attributes) edit.retain(part.retain, alone(part.attributes));
      else edit.push(part);
      at += componentLength(part);
    }
    if (this.#extra && (behind || endsTwice)) {
      // An empty line at the end is one only by a newline of its own.
      if (!behind) edit.retain(own - Math.min(at, own)).insert("\n");
      this.#extra = false;
    }
    return edit.finish();
  }

  #shown(delta: Delta): DeltaBuilder {
    const shown = new DeltaBuilder();
    for (const component of delta) {
      if ("delete" in component) shown.push(component);
      else if ("retain" in component) shown.retain(component.retain, component.attributes && this.#attributes(component.attributes, true));
      else if (typeof component.insert !== "string") {
        const known = this.#formats.knows(Object.keys(component.insert)[0] ?? "");
        shown.insert(known ? component.insert : placeholder, this.#attributes(component.attributes ?? {}, false));
      } else {
        // Quill would make a newline of it, or nothing, and count differently.
        shown.insert(component.insert.replace(/\r/g, "\u200B"), this.#attributes(component.attributes ?? {}, false));
      }
    }
    return shown;
  }

  #attributes(attributes: Attributes, change: boolean): Attributes {
    const shown: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(attributes)) {
      if (!this.#formats.knows(key)) continue;
      if (value === null) shown[key] = null;
      else if (isSensible(key, value)) shown[key] = key === "link" && typeof value === "object" ? (value as { href: string }).href : value;
      else if (change) shown[key] = null;
    }
    const [first] = exclusive.filter((key) => shown[key] !== undefined && shown[key] !== null);
    for (const key of exclusive) if (first && key !== first && shown[key] !== null) delete shown[key];
    return shown;
  }
}

/** The delta without what Quill only draws: the colours that its module `syntax` gives the words of code. */
export function undrawn(delta: Delta): Delta {
  if (!delta.some((component) => !!component && "attributes" in component && component.attributes && drawn in component.attributes)) return delta;
  const out = new DeltaBuilder();
  for (const component of delta) {
    if ("delete" in component || !component.attributes || !(drawn in component.attributes)) out.push(component);
    else {
      const { [drawn]: _, ...attributes } = component.attributes;
      out.push({ ...component, attributes });
    }
  }
  return out.finish();
}

/** Whether a change sets a format of which a line has one at most, so that what is shown depends on the others. */
export function setsLine(delta: Delta): boolean {
  const keys: readonly string[] = [...exclusive, "indent"];
  return delta.some((component) => "retain" in component && Object.keys(component.attributes ?? {}).some((key) => keys.includes(key)));
}

function isSensible(key: string, value: unknown): boolean {
  switch (key) {
    case "header": return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 6;
    case "indent": return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 8;
    case "list": return value === "bullet" || value === "ordered" || value === "checked" || value === "unchecked";
    case "link": return typeof value === "string" || typeof (value as { href?: unknown }).href === "string";
    default: return value !== false;
  }
}

/** A line has one of the exclusive formats at most, so one that is chosen ends the others, also those not shown. */
function alone(attributes: Attributes): Attributes {
  if (!exclusive.some((key) => key in attributes)) return attributes;
  return { ...Object.fromEntries([...exclusive, ...foreign].map((key) => [key, null])), ...attributes };
}

function present(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null));
}

/** What the content ends in after a change: an offset of what was there, or inserted text; and how far the change reaches. */
function lastOf(delta: Delta, length: number): { end: number | string | null; at: number } {
  let at = 0;
  let end: number | string | null = null;
  for (const component of delta) {
    if ("insert" in component) end = typeof component.insert === "string" ? component.insert : placeholder;
    else {
      at += componentLength(component);
      if ("retain" in component) end = at - 1;
    }
  }
  return { end: at < length ? length - 1 : end, at };
}

/** The change without the last newline that it inserts; the one at `own` takes its attributes instead. */
function withoutLastNewline(delta: Delta, own: number): Delta {
  const index = delta.findLastIndex((component) => "insert" in component);
  const last = delta[index] as { insert: string; attributes?: Attributes };
  const out = new DeltaBuilder();
  delta.forEach((component, at) => out.push(at === index ? ({ ...component, insert: last.insert.slice(0, -1) } as Component) : component));
  const reached = delta.reduce((at, component) => at + ("insert" in component ? 0 : componentLength(component)), 0);
  return out.retain(own - reached).retain(1, last.attributes).finish();
}
