import type { TextareaElement } from "../src/textarea.js";

/** As much of a textarea as a binding touches. */
export class FakeTextarea extends EventTarget {
  readonly tagName: string;
  readOnly = false;
  scrollTop = 0;
  scrollLeft = 0;
  selectionStart = 0;
  selectionEnd = 0;
  selectionDirection: "forward" | "backward" = "forward";
  readonly ownerDocument: EventTarget = new EventTarget();
  #value = "";

  constructor(tagName: "TEXTAREA" | "INPUT" = "TEXTAREA") {
    super();
    this.tagName = tagName;
  }

  get element(): TextareaElement {
    return this as unknown as TextareaElement;
  }
  get value(): string {
    return this.#value;
  }
  set value(value: string) {
    this.#value = this.tagName === "INPUT" ? value.replace(/[\r\n]/g, "") : value.replace(/\r\n?/g, "\n");
    this.selectionStart = this.selectionEnd = this.#value.length;
  }
  /** A page that cannot say which letter stands where. */
  getBoundingClientRect(): { left: number; top: number } {
    return { left: 0, top: 0 };
  }
  getRootNode(): { activeElement: unknown } {
    return { activeElement: this };
  }
  setRangeText(text: string, start: number, end: number) {
    const { selectionStart, selectionEnd } = this;
    this.value = this.#value.slice(0, start) + text + this.#value.slice(end);
    this.setSelectionRange(selectionStart, selectionEnd);
  }
  setSelectionRange(start: number, end: number, direction: "forward" | "backward" = "forward") {
    this.selectionStart = Math.min(start, this.#value.length);
    this.selectionEnd = Math.min(end, this.#value.length);
    this.selectionDirection = direction;
  }

  /** Moves the caret, as a click would. */
  select(start: number, end = start, direction: "forward" | "backward" = "forward") {
    this.setSelectionRange(start, end, direction);
    this.ownerDocument.dispatchEvent(new Event("selectionchange"));
  }

  /** Replaces the selection, as typing and pasting do. */
  type(text: string, composing = false) {
    const { selectionStart, selectionEnd } = this;
    this.value = this.#value.slice(0, selectionStart) + text + this.#value.slice(selectionEnd);
    const caret = this.value.length - (this.#value.length - selectionStart - text.length);
    this.setSelectionRange(caret, caret);
    this.dispatchEvent(Object.assign(new Event("input"), { isComposing: composing }));
    if (!composing) this.ownerDocument.dispatchEvent(new Event("selectionchange"));
  }
}
