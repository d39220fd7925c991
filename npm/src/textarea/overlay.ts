import type { Document as SharedDocument } from "../document.js";
import type { Member } from "../state.js";
import type { TextareaElement } from "./binding.js";
import { memberColor } from "../binding/color.js";
import { Mirror, type Box } from "./mirror.js";
import type { View } from "../binding/view.js";

/** How long a name stays at a caret that does not move, in milliseconds. */
const NAME_SHOWN_MS = 3_000;

/**
 * The others' carets, names and selections over an element. A caret has the class
 * `cowrite-caret` and the attribute `data-member`, its name `cowrite-name`, a piece of a
 * selection `cowrite-selection`; all styles can be overruled by a page's own.
 */
export class Overlay {
  readonly #element: TextareaElement;
  readonly #document: SharedDocument;
  readonly #view: () => View;
  readonly #root: HTMLElement;
  readonly #content: HTMLElement;
  readonly #marks: HTMLElement;
  readonly #mirror: Mirror;
  readonly #end = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #resized: ResizeObserver;
  /** Where each member's caret was and since when, in milliseconds as `performance.now()` counts. */
  readonly #moved = new Map<number, { text: string; since: number }>();
  #frame = 0;
  #fade: ReturnType<typeof setTimeout> | undefined;
  #measured = false;

  constructor(element: TextareaElement, document: SharedDocument, view: () => View) {
    this.#element = element;
    this.#document = document;
    this.#view = view;
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

    const { signal } = this.#end;
    element.addEventListener("scroll", () => this.#scroll(), { signal, passive: true });
    page.defaultView?.addEventListener("resize", () => this.invalidate(), { signal, passive: true });
    this.#resized = new ResizeObserver(() => {
      this.#measured = false;
      this.invalidate();
    });
    this.#resized.observe(element);
    page.fonts.addEventListener("loadingdone", () => this.invalidate(), { signal });
    this.#unsubscribe = document.on("presence", () => this.invalidate());
    this.invalidate();
  }

  /** Draws again at the next frame, because text, cursors or the element changed. */
  invalidate(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  destroy(): void {
    this.#end.abort();
    this.#unsubscribe();
    this.#resized.disconnect();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#fade);
    this.#root.remove();
  }

  #draw(): void {
    clearTimeout(this.#fade);
    const others = this.#document.members.filter((member) => !member.self && member.cursor);
    this.#marks.replaceChildren();
    for (const number of this.#moved.keys()) if (!others.some((member) => member.number === number)) this.#moved.delete(number);
    if (others.length === 0) return this.#mirror.clear();
    if (!this.#measured) this.#mirror.measure();
    this.#measured = true;
    const view = this.#view();
    this.#mirror.update(view.text);
    this.#place();
    this.#scroll();
    for (const member of others) this.#drawMember(member, view);
  }

  #drawMember(member: Member, view: View): void {
    const most = view.text.length;
    const anchor = Math.min(view.toView(member.cursor!.anchor), most);
    const head = Math.min(view.toView(member.cursor!.head), most);
    const color = memberColor(member);
    const { scrollTop, clientHeight } = this.#element;
    const selection = this.#mirror.selection(Math.min(anchor, head), Math.max(anchor, head), scrollTop, scrollTop + clientHeight);
    if (anchor !== head) for (const box of selection) this.#mark("cowrite-selection", box, { background: color, opacity: "0.26", borderRadius: "2px" });
    const box = this.#mirror.caret(head);
    const caret = this.#mark("cowrite-caret", { ...box, left: box.left - 1, width: 2 }, { background: color, borderRadius: "1px" });
    caret.dataset.member = String(member.number);
    caret.dataset.offset = String(head);
    caret.append(this.#name(member, box, color));
  }

  #name(member: Member, box: Box, color: string): HTMLElement {
    const name = this.#element.ownerDocument.createElement("div");
    name.className = "cowrite-name";
    name.textContent = member.name;
    // On the first visible line there is no room above; at the right edge none to the right.
    const below = box.top - this.#element.scrollTop < 18;
    const left = box.left - this.#element.scrollLeft > this.#element.clientWidth * 0.8;
    Object.assign(name.style, {
      position: "absolute", [below ? "top" : "bottom"]: "100%", [left ? "right" : "left"]: "0", padding: "1px 5px", background: color, color: "#fff",
      font: "600 11px/1.3 system-ui, sans-serif", whiteSpace: "nowrap", borderRadius: "4px", transition: "opacity 0.3s",
      opacity: this.#isFresh(member) ? "1" : "0",
    });
    return name;
  }

  /** Whether the member's caret has moved lately; draws again when the answer changes. */
  #isFresh(member: Member): boolean {
    const now = performance.now();
    // An edit elsewhere moves the offset, not the caret, so its surroundings are compared.
    const { text } = this.#view();
    const head = this.#view().toView(member.cursor!.head);
    const around = text.slice(Math.max(0, head - 8), head) + "\u0000" + text.slice(head, head + 8);
    const last = this.#moved.get(member.number);
    if (!last || last.text !== around) this.#moved.set(member.number, { text: around, since: now });
    const left = this.#moved.get(member.number)!.since + NAME_SHOWN_MS - now;
    if (left <= 0) return false;
    this.#fade = setTimeout(() => this.invalidate(), left + 50);
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
