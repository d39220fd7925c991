import type { TextareaElement } from "./element.js";

/** A box in the mirror's own coordinates, in CSS pixels from the text's top left corner. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What decides where a letter stands. */
const metrics = [
  "fontFamily", "fontSize", "fontStyle", "fontWeight", "fontStretch", "fontVariant", "fontFeatureSettings", "fontKerning", "fontSizeAdjust",
  "fontOpticalSizing", "fontVariationSettings", "lineHeight", "letterSpacing", "wordSpacing", "textTransform", "textIndent", "textRendering", "textAlign",
  "direction", "unicodeBidi", "tabSize", "whiteSpace", "overflowWrap", "wordBreak", "lineBreak", "hyphens", "paddingTop", "paddingRight",
  "paddingBottom", "paddingLeft",
] as const;

/**
 * An invisible copy of an element's text with the same metrics, of which one can ask
 * where a letter stands: the element itself does not tell. One block a line, and
 * only lines that changed are laid out again.
 */
export class Mirror {
  /** The block to be placed over the element's text. */
  readonly root: HTMLElement;
  readonly #element: TextareaElement;
  #lines: string[] = [];
  /** Offset of each line's first unit. */
  #starts: number[] = [];

  constructor(element: TextareaElement) {
    this.#element = element;
    this.root = element.ownerDocument.createElement("div");
    Object.assign(this.root.style, { visibility: "hidden", boxSizing: "border-box", border: "0", margin: "0" });
  }

  /** Takes over the element's metrics, after any of them has changed. */
  measure(): void {
    const { style } = this.root;
    const element = this.#element;
    const computed = getComputedStyle(element);
    for (const name of metrics) style[name] = computed[name];
    if (element.tagName === "INPUT") {
      // An input stands its one line in the middle of its height, and never wraps it.
      const padding = parseFloat(computed.paddingTop) + parseFloat(computed.paddingBottom);
      Object.assign(style, { whiteSpace: "pre", width: "max-content", lineHeight: `${element.clientHeight - padding}px` });
    } else style.width = `${element.clientWidth}px`;
  }

  /** Takes over the text. Linear in the text, with layout for changed lines only. */
  update(text: string): void {
    const lines = text.split("\n");
    const most = Math.min(lines.length, this.#lines.length);
    let head = 0;
    while (head < most && lines[head] === this.#lines[head]) head += 1;
    let tail = 0;
    while (tail < most - head && lines.at(-1 - tail) === this.#lines.at(-1 - tail)) tail += 1;
    const blocks = this.root.children;
    for (let line = this.#lines.length - tail - 1; line >= head; line -= 1) blocks[line]!.remove();
    const fresh = this.root.ownerDocument.createDocumentFragment();
    for (const line of lines.slice(head, lines.length - tail)) {
      const block = this.root.ownerDocument.createElement("div");
      // An empty block would have no height.
      block.textContent = line || "\u200B";
      fresh.append(block);
    }
    this.root.insertBefore(fresh, blocks[head] ?? null);
    this.#lines = lines;
    this.#starts = [];
    let start = 0;
    for (const line of lines) {
      this.#starts.push(start);
      start += line.length + 1;
    }
  }

  /** Forgets the text, so that it costs nothing while nobody asks. */
  clear(): void {
    if (this.#lines.length === 0) return;
    this.root.replaceChildren();
    this.#lines = this.#starts = [];
  }

  /** Where a caret at the offset stands; `width` is 0. */
  caret(offset: number): Box {
    const line = this.#lineAt(offset);
    const length = this.#lines[line]!.length;
    const at = Math.min(offset - this.#starts[line]!, length);
    let rect = this.#range(line, at, at).getBoundingClientRect();
    if (at < length) {
      // Where a line wraps, an offset has two places; a textarea shows the second.
      const next = this.#range(line, at, at + 1).getClientRects()[0];
      if (next && next.top >= rect.bottom - 1) rect = new DOMRect(next.left, next.top, 0, next.height);
    }
    return this.#boxOf(rect);
  }

  /** The boxes of a selection, as far as they lie between two heights. */
  selection(start: number, end: number, top: number, bottom: number): Box[] {
    const boxes: Box[] = [];
    const origin = this.root.getBoundingClientRect().top;
    const last = this.#lineAt(end);
    for (let line = this.#lineAt(start); line <= last; line += 1) {
      const block = this.root.children[line]!.getBoundingClientRect();
      if (block.bottom - origin < top) continue;
      if (block.top - origin > bottom) break;
      const from = Math.max(0, start - this.#starts[line]!);
      const to = Math.min(this.#lines[line]!.length, end - this.#starts[line]!);
      for (const rect of this.#range(line, from, to).getClientRects()) boxes.push(this.#boxOf(rect));
    }
    return boxes;
  }

  #lineAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #range(line: number, from: number, to: number): Range {
    const range = this.root.ownerDocument.createRange();
    const text = this.root.children[line]!.firstChild!;
    range.setStart(text, from);
    range.setEnd(text, to);
    return range;
  }

  #boxOf(rect: DOMRect): Box {
    const origin = this.root.getBoundingClientRect();
    return { left: rect.left - origin.left, top: rect.top - origin.top, width: rect.width, height: rect.height };
  }
}
