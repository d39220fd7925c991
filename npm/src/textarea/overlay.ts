import type { RemoteCaret } from "../binding/carets.js";
import { Disposal } from "../binding/disposal.js";
import type { TextareaElement } from "./element.js";
import { Mirror, type Box } from "./mirror.js";

/** How long a name stays at a caret that does not move, in milliseconds. */
const NAME_SHOWN_MS = 3_000;

/**
 * The others' carets, names and selections over an element. A caret has the class
 * `cowrite-caret` and the attribute `data-member`, its name `cowrite-name`, a piece of a
 * selection `cowrite-selection`; all styles can be overruled by a page's own.
 */
export class Overlay {
  readonly #element: TextareaElement;
  readonly #root: HTMLElement;
  readonly #content: HTMLElement;
  readonly #marks: HTMLElement;
  readonly #mirror: Mirror;
  readonly #disposal = new Disposal();
  #carets: readonly RemoteCaret[] = [];
  /** Where each member's caret was and since when, in milliseconds as `performance.now()` counts. */
  readonly #moved = new Map<number, { text: string; since: number }>();
  #frame = 0;
  #fade: ReturnType<typeof setTimeout> | undefined;
  /** When the first of the names that are shown is to go, in milliseconds from when they were drawn. */
  #fadesIn = Infinity;
  #measured = false;

  constructor(element: TextareaElement) {
    this.#element = element;
    this.#mirror = new Mirror(element);
    const page = element.ownerDocument;
    this.#root = page.createElement("div");
    this.#root.className = "cowrite-overlay";
    // The carets are for the eye; who is here is told in words by the page.
    this.#root.setAttribute("aria-hidden", "true");
    Object.assign(this.#root.style, { position: "absolute", left: "0", top: "0", overflow: "hidden", pointerEvents: "none", contain: "layout style paint" });
    this.#content = page.createElement("div");
    this.#content.style.position = "relative";
    this.#marks = page.createElement("div");
    this.#content.append(this.#mirror.root, this.#marks);
    this.#root.append(this.#content);
    element.after(this.#root);

    const again = () => this.#drawAgain();
    const resized = new ResizeObserver(() => {
      this.#measured = false;
      again();
    });
    resized.observe(element);
    this.#disposal.listen(element, "scroll", () => this.#scroll());
    if (page.defaultView) this.#disposal.listen(page.defaultView, "resize", again);
    this.#disposal.listen(page.fonts, "loadingdone", again);
    this.#disposal.add(() => resized.disconnect(), () => cancelAnimationFrame(this.#frame), () => clearTimeout(this.#fade), () => this.#root.remove());
  }

  /** Shows carets, in offsets of the element's text, in place of those before. */
  draw(carets: readonly RemoteCaret[]): void {
    clearTimeout(this.#fade);
    this.#carets = carets;
    this.#marks.replaceChildren();
    for (const member of this.#moved.keys()) if (!carets.some((caret) => caret.member === member)) this.#moved.delete(member);
    if (carets.length === 0) return this.#mirror.clear();
    if (!this.#measured) this.#mirror.measure();
    this.#measured = true;
    const text = this.#element.value;
    this.#mirror.update(text);
    this.#place();
    this.#scroll();
    this.#fadesIn = Infinity;
    for (const caret of carets) this.#drawCaret(caret, text);
    if (this.#fadesIn < Infinity) this.#fade = setTimeout(() => this.#drawAgain(), this.#fadesIn + 50);
  }

  destroy(): void {
    this.#disposal.dispose();
  }

  /** Draws at the next frame what is drawn already, because the element has changed or a name is to fade. */
  #drawAgain(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.draw(this.#carets);
    });
  }

  #drawCaret(remote: RemoteCaret, text: string): void {
    const { member, color } = remote;
    const anchor = Math.min(remote.anchor, text.length);
    const head = Math.min(remote.head, text.length);
    const { scrollTop, clientHeight } = this.#element;
    const selection = this.#mirror.selection(Math.min(anchor, head), Math.max(anchor, head), scrollTop, scrollTop + clientHeight);
    if (anchor !== head) for (const box of selection) this.#mark("cowrite-selection", box, { background: color, opacity: "0.26", borderRadius: "2px" });
    const box = this.#mirror.caret(head);
    const caret = this.#mark("cowrite-caret", { ...box, left: box.left - 1, width: 2 }, { background: color, borderRadius: "1px" });
    caret.dataset.member = String(member);
    caret.dataset.offset = String(head);
    caret.append(this.#name(remote, box, this.#isFresh(member, head, text)));
  }

  #name({ name: label, color }: RemoteCaret, box: Box, isFresh: boolean): HTMLElement {
    const name = this.#element.ownerDocument.createElement("div");
    name.className = "cowrite-name";
    name.textContent = label;
    // On the first visible line there is no room above; at the right edge none to the right.
    const below = box.top - this.#element.scrollTop < 18;
    const left = box.left - this.#element.scrollLeft > this.#element.clientWidth * 0.8;
    Object.assign(name.style, {
      position: "absolute", [below ? "top" : "bottom"]: "100%", [left ? "right" : "left"]: "0", padding: "1px 5px", background: color, color: "#fff",
      font: "600 11px/1.3 system-ui, sans-serif", whiteSpace: "nowrap", borderRadius: "4px", transition: "opacity 0.3s",
      opacity: isFresh ? "1" : "0",
    });
    return name;
  }

  /** Whether the member's caret has moved lately. */
  #isFresh(member: number, head: number, text: string): boolean {
    const now = performance.now();
    // An edit elsewhere moves the offset, not the caret, so its surroundings are compared.
    const around = text.slice(Math.max(0, head - 8), head) + "\u0000" + text.slice(head, head + 8);
    const last = this.#moved.get(member);
    if (!last || last.text !== around) this.#moved.set(member, { text: around, since: now });
    const left = this.#moved.get(member)!.since + NAME_SHOWN_MS - now;
    if (left <= 0) return false;
    this.#fadesIn = Math.min(this.#fadesIn, left);
    return true;
  }

  #mark(className: string, box: Box, style: Partial<CSSStyleDeclaration>): HTMLElement {
    const mark = this.#element.ownerDocument.createElement("div");
    mark.className = className;
    Object.assign(mark.style, { position: "absolute", left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` }, style);
    this.#marks.append(mark);
    return mark;
  }

  /** Lays the overlay over the inside of the element's border, wherever the page has put that. */
  #place(): void {
    const { style } = this.#root;
    const element = this.#element;
    const wanted = element.getBoundingClientRect();
    const found = this.#root.getBoundingClientRect();
    const move = (was: string, by: number) => `${parseFloat(was) + by}px`;
    style.left = move(style.left, wanted.left + element.clientLeft - found.left);
    style.top = move(style.top, wanted.top + element.clientTop - found.top);
    style.width = `${element.clientWidth}px`;
    style.height = `${element.clientHeight}px`;
  }

  #scroll(): void {
    const { scrollLeft, scrollTop } = this.#element;
    this.#content.style.transform = `translate(${-scrollLeft}px, ${-scrollTop}px)`;
  }
}
