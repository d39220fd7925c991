import { atNextFrame, type RemoteCaret } from "../binding/carets.js";
import { differenceOf } from "../binding/difference.js";
import { deltaOf } from "../binding/line-ends.js";
import { carried } from "../binding/selection.js";
import type { TextBinding, TextEditor } from "../binding/text.js";
import type { Replacement } from "../delta.js";
import type { Cursor } from "../state.js";
import type { TextareaElement } from "./element.js";
import { Overlay } from "./overlay.js";

/** A text of so many UTF-16 code units takes longer to lay out than a frame lasts. */
const LONG_UNITS = 100_000;

/**
 * One element as its binding sees it. It does not tell what was edited, so its text is
 * compared with the last one that is known: linear, at the speed at which memory is read.
 */
export class TextareaEditor implements TextEditor {
  readonly singleLine: boolean;
  readonly #element: TextareaElement;
  readonly #overlay: Overlay | undefined;
  readonly #wasReadOnly: boolean;
  #binding: TextBinding | undefined;
  /** Whether the document takes no edits now. */
  #isReadOnly = true;
  /** The element's text, as far as the document knows of it. */
  #known: string;
  /** Where the text stood before what was changed since the page was drawn: see {@link #settle}. */
  #view: View | undefined;
  #cancel: (() => void) | undefined;

  constructor(element: TextareaElement, cursors: boolean) {
    this.#element = element;
    this.#wasReadOnly = element.readOnly;
    this.singleLine = element.tagName === "INPUT";
    this.#known = element.value;
    if (cursors) this.#overlay = new Overlay(element);
  }

  /** Begins to hear the element, for as long as the binding lasts. */
  listen(binding: TextBinding): void {
    this.#binding = binding;
    const { link } = binding;
    const element = this.#element;
    // First of all, so that it is the last to go.
    link.disposal.add(() => void (element.readOnly = this.#wasReadOnly), () => this.#overlay?.destroy(), () => this.#settle());
    link.holdWhileComposing(element);
    link.disposal.listen(element, "beforeinput", () => this.#settle());
    link.disposal.listen(element, "input", () => this.tell());
    link.disposal.listen(element, "focus", () => binding.sendCursor());
    link.disposal.listen(element.ownerDocument, "selectionchange", () => {
      // An element that has not the focus has no selection to tell of, and most pages have many elements.
      if (this.#hasFocus) (this.tell(), binding.sendCursor());
    });
  }

  get length(): number {
    return this.#known.length;
  }

  text(): string {
    return this.#known;
  }

  slice(start: number, end: number): string {
    return this.#known.slice(Math.max(0, start), end);
  }

  /** Finds what was edited since it was last looked, by whomever. */
  tell(): void {
    const before = this.#known;
    const now = this.#element.value;
    if (!this.#binding?.link.isLoaded || before === now) return;
    this.#known = now;
    // Not the user, who cannot type now.
    if (this.#isReadOnly) return this.#binding.differs();
    const { anchor, head } = this.#selection();
    const difference = differenceOf(before, now, Math.max(anchor, head));
    if (difference) this.#binding.edited([difference]);
  }

  load(text: string): void {
    const selection = this.#selection();
    this.#known = this.#element.value;
    const difference = differenceOf(this.#known, text, Math.max(selection.anchor, selection.head));
    if (difference) this.#write(difference, selection);
  }

  change(replacements: readonly Replacement[]): void {
    this.#write(joined(replacements, this.#known), carried(this.#selection(), deltaOf(replacements)));
  }

  setReadOnly(readOnly: boolean): void {
    this.#isReadOnly = readOnly;
    this.#element.readOnly = this.#wasReadOnly || readOnly;
  }

  selection(): Cursor | null {
    return this.#hasFocus ? this.#selection() : null;
  }

  select({ anchor, head }: Cursor): void {
    this.#element.setSelectionRange(Math.min(anchor, head), Math.max(anchor, head), anchor > head ? "backward" : "forward");
  }

  drawCarets(carets: readonly RemoteCaret[]): void {
    this.#settle();
    this.#overlay?.draw(carets);
  }

  get #hasFocus(): boolean {
    return (this.#element.getRootNode() as Document | ShadowRoot).activeElement === this.#element;
  }

  #selection(): Cursor {
    const { selectionStart, selectionEnd, selectionDirection } = this.#element;
    const [start, end] = [selectionStart ?? 0, selectionEnd ?? 0];
    return selectionDirection === "backward" ? { anchor: end, head: start } : { anchor: start, head: end };
  }

  #write({ start, end, insert }: Replacement, selection: Cursor): void {
    const element = this.#element;
    let view = this.#view;
    if (view && view.first >= end !== view.isAbove) {
      // What is above moves what is in view and what is below does not, so both cannot be seen by one height.
      this.#settle();
      view = undefined;
    }
    if (!view) {
      const { scrollTop, scrollLeft } = element;
      const first = scrollTop > 0 ? this.#firstInView() : -1;
      const isAbove = first >= end;
      view = { scrollTop, scrollLeft, first, isAbove, height: isAbove ? element.scrollHeight : 0 };
      this.#view = view;
    }
    if (view.isAbove) view.first += insert.length - (end - start);
    try {
      element.setRangeText(insert, start, end, "preserve");
    } finally {
      // An application may have put something in its place, and that may throw.
      this.#known = element.value;
    }
    this.select(selection);
    // A user who scrolls within a frame would be put back, so this is not for what is laid out at once.
    if (this.length < LONG_UNITS) this.#settle();
    else this.#cancel ??= atNextFrame(() => this.#settle());
  }

  /**
   * Puts what was in view back in its place. The browser lays the whole text out for it, which takes long of a
   * long one: that comes once a frame, when the browser would do it by itself, or when the user types and
   * the browser brings the caret into view.
   */
  #settle(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const view = this.#view;
    if (!view) return;
    this.#view = undefined;
    const element = this.#element;
    element.scrollTop = view.isAbove ? view.scrollTop + element.scrollHeight - view.height : view.scrollTop;
    element.scrollLeft = view.scrollLeft;
  }

  /** Offset of the first letter in view; -1 where the browser cannot say. */
  #firstInView(): number {
    const element = this.#element;
    const page = element.ownerDocument as Partial<Pick<Document, "caretPositionFromPoint">>;
    const { left, top } = element.getBoundingClientRect();
    const padding = (side: "paddingLeft" | "paddingTop") => parseFloat(getComputedStyle(element)[side]);
    const found = page.caretPositionFromPoint?.(left + element.clientLeft + padding("paddingLeft") + 1, top + element.clientTop + 1);
    return found?.offsetNode === element ? found.offset : -1;
  }
}

/** Where an element's text stands, in CSS pixels and code units. */
interface View {
  readonly scrollTop: number;
  readonly scrollLeft: number;
  /** Offset of the first letter in view; -1 where it is not to be kept in its place. */
  first: number;
  /** Whether what is changed lies before that. */
  readonly isAbove: boolean;
  /** Height of the whole text, where it counts. */
  readonly height: number;
}

/** The one replacement that does what several do. */
function joined(replacements: readonly Replacement[], text: string): Replacement {
  const [first, last] = [replacements[0]!, replacements.at(-1)!];
  let insert = first.insert;
  for (let index = 1; index < replacements.length; index += 1) insert += text.slice(replacements[index - 1]!.end, replacements[index]!.start) + replacements[index]!.insert;
  return { start: first.start, end: last.end, insert };
}
