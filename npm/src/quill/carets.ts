import type Quill from "quill";
import type { RemoteCaret } from "../binding/carets.js";

/**
 * The others' carets, names and selections in a layer over the editor, whose content they
 * leave alone. A caret has the class `cowrite-caret` and the attributes `data-member` and
 * `data-offset`, its name `cowrite-name`, a piece of a selection `cowrite-selection`.
 */
export class CaretLayer {
  readonly #quill: Quill;
  readonly #layer: HTMLElement;
  readonly #resized: ResizeObserver;
  readonly #redraw: () => void;
  #carets: readonly RemoteCaret[] = [];

  constructor(quill: Quill) {
    this.#quill = quill;
    this.#layer = quill.addContainer("cowrite-overlay") as HTMLElement;
    this.#layer.setAttribute("aria-hidden", "true");
    Object.assign(this.#layer.style, { position: "absolute", inset: "0", overflow: "hidden", pointerEvents: "none" });
    this.#redraw = () => this.draw(this.#carets);
    quill.root.addEventListener("scroll", this.#redraw, { passive: true });
    this.#resized = new ResizeObserver(this.#redraw);
    this.#resized.observe(quill.root);
    // A font that comes late moves the letters and leaves the size of the editor as it is.
    this.#layer.ownerDocument.fonts.addEventListener("loadingdone", this.#redraw);
  }

  /** Shows these carets in place of those before. */
  draw(carets: readonly RemoteCaret[]): void {
    this.#carets = carets;
    this.#layer.replaceChildren(...carets.flatMap((caret) => [...this.#selection(caret), ...this.#caret(caret)]));
  }

  destroy(): void {
    this.#quill.root.removeEventListener("scroll", this.#redraw);
    this.#resized.disconnect();
    this.#layer.ownerDocument.fonts.removeEventListener("loadingdone", this.#redraw);
    this.#layer.remove();
  }

  #caret({ member, name, color, head }: RemoteCaret): HTMLElement[] {
    const bounds = this.#quill.getBounds(Math.min(head, this.#quill.getLength() - 1));
    if (!bounds) return [];
    const caret = this.#element("cowrite-caret", { left: `${bounds.left - 1}px`, top: `${bounds.top}px`, height: `${bounds.height}px`, width: "2px", background: color });
    caret.dataset["member"] = String(member);
    caret.dataset["offset"] = String(head);
    // On the first line there is no room above.
    const below = bounds.top < 16;
    const label = this.#element("cowrite-name", {
      [below ? "top" : "bottom"]: "100%", left: "0", padding: "0 4px", background: color, color: "#fff", font: "600 11px/1.3 system-ui, sans-serif",
      whiteSpace: "nowrap", borderRadius: below ? "0 4px 4px 4px" : "4px 4px 4px 0",
    });
    label.textContent = name;
    caret.append(label);
    return [caret];
  }

  #selection({ anchor, head, color }: RemoteCaret): HTMLElement[] {
    const last = this.#quill.getLength() - 1;
    const [start, end] = [Math.min(anchor, head, last), Math.min(Math.max(anchor, head), last)];
    if (start === end) return [];
    const range = this.#quill.root.ownerDocument.createRange();
    const [from, to] = [this.#quill.getLeaf(start), this.#quill.getLeaf(end)];
    if (!from[0] || !to[0]) return [];
    range.setStart(...from[0].position(from[1], true));
    range.setEnd(...to[0].position(to[1], true));
    const origin = this.#layer.getBoundingClientRect();
    return [...range.getClientRects()].map(({ left, top, width, height }) => this.#element("cowrite-selection", {
      left: `${left - origin.left}px`, top: `${top - origin.top}px`, width: `${width}px`, height: `${height}px`, background: color, opacity: "0.26", borderRadius: "2px",
    }));
  }

  #element(className: string, style: Record<string, string>): HTMLElement {
    const element = this.#layer.ownerDocument.createElement("div");
    element.className = className;
    Object.assign(element.style, { position: "absolute", ...style });
    return element;
  }
}
