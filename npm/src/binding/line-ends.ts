import { componentLength, replacementOf, type Component, type Delta, type Replacement } from "../delta.js";
import { differenceOf } from "./difference.js";
import { hasBreaks, View } from "./view.js";

/**
 * Translates between a document's text and what an editor shows of it: editors know line
 * feeds only, and those of a single line not even these; documents may hold carriage
 * returns. While there is nothing that is not shown, which is usual, nothing is kept and
 * nothing but what changes is looked at; else each change is linear in the text.
 */
export class LineEnds {
  readonly #singleLine: boolean;
  /** The text that is shown, as the document has it, and the view of it; `null` while they are the same. */
  #shown: { readonly text: string; readonly view: View } | null = null;

  constructor(singleLine: boolean = false) {
    this.#singleLine = singleLine;
  }

  /** Begins with a document's text. Answers it as an editor shows it. */
  reset(text: string): string {
    this.#take(text);
    return this.#shown?.view.text ?? text;
  }

  /** The whole text that is shown, as the document has it; `null` where the editor has the same. */
  get text(): string | null {
    return this.#shown?.text ?? null;
  }

  toEditor(offset: number): number {
    return this.#shown?.view.toView(offset) ?? offset;
  }

  toDocument(offset: number): number {
    return this.#shown?.view.toDocument(offset) ?? offset;
  }

  /**
   * A change of the document as changes of the editor, in rising order and all in offsets before the first.
   * @param editorText what the editor shows, asked for only where the first that is not shown comes in
   */
  show(delta: Delta, editorText: () => string): Replacement[] {
    if (!this.#shown && !delta.some((component) => "insert" in component && hasBreaks(String(component.insert), this.#singleLine))) return replacementsOf(delta);
    const before = this.#shown ?? { text: editorText(), view: new View("", this.#singleLine) };
    const change = replacementOf(delta, before.text);
    if (!change) return [];
    // What stands beside a change may become a pair by it, or be none any more.
    let start = Math.max(0, change.start - 1);
    let end = Math.min(before.text.length, change.end + 1);
    if (isWithinPair(before.text, start)) start -= 1;
    if (isWithinPair(before.text, end)) end += 1;
    const at = this.toEditor(start);
    const after = before.text.slice(0, change.start) + change.insert + before.text.slice(change.end);
    this.#take(after);
    const [was, is] = [before.text.slice(start, end), after.slice(start, end + after.length - before.text.length)].map((text) => new View(text, this.#singleLine).text) as [string, string];
    const difference = differenceOf(was, is, is.length);
    return difference ? [{ start: difference.start + at, end: difference.end + at, insert: difference.insert }] : [];
  }

  /** Changes that the editor has made, rising and in offsets before the first, as a change of the document. */
  made(replacements: readonly Replacement[]): Delta {
    const shown = this.#shown;
    if (!shown) return deltaOf(replacements);
    let least = 0;
    const made = replacements.map(({ start, end, insert }) => {
      start = shown.view.toDocument(start);
      end = shown.view.toDocument(end);
      // A carriage return of its own is a line's end; before a line feed it would be none any more.
      while (start > least && shown.text[start - 1] === "\r" && (insert || shown.text.charAt(end))[0] === "\n") [start, insert] = [start - 1, `\n${insert}`];
      least = end;
      return { start, end, insert };
    });
    let text = shown.text;
    for (const { start, end, insert } of made.slice().reverse()) text = text.slice(0, start) + insert + text.slice(end);
    this.#take(text);
    return deltaOf(made);
  }

  #take(text: string): void {
    this.#shown = hasBreaks(text, this.#singleLine) ? { text, view: new View(text, this.#singleLine) } : null;
  }
}

/** A text with line feeds only. */
export function lineFeeds(text: string): string {
  return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
}

/** The replacements of plain text that a delta makes, rising and in offsets before the first. */
export function replacementsOf(delta: Delta): Replacement[] {
  const replacements: Replacement[] = [];
  let at = 0;
  let open: { start: number; end: number; insert: string } | null = null;
  for (const component of delta) {
    if ("retain" in component) {
      at += component.retain;
      open = null;
      continue;
    }
    if (!open) replacements.push((open = { start: at, end: at, insert: "" }));
    if ("delete" in component) open.end = at += componentLength(component);
    else open.insert += typeof component.insert === "string" ? component.insert : "\uFFFC";
  }
  return replacements;
}

/** Replacements of plain text, rising and in offsets before the first, as a delta. */
export function deltaOf(replacements: readonly Replacement[]): Delta {
  const delta: Component[] = [];
  let at = 0;
  for (const { start, end, insert } of replacements) {
    if (start > at) delta.push({ retain: start - at });
    if (insert) delta.push({ insert });
    if (end > start) delta.push({ delete: end - start });
    at = end;
  }
  return delta;
}

function isWithinPair(text: string, offset: number): boolean {
  return text[offset] === "\n" && text[offset - 1] === "\r";
}
