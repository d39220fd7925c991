import path from "node:path";
import { root } from "../harness.mjs";

/** How the tests handle a textarea; see `editors.mjs`. Its page needs no build. */
export const textarea = {
  pages: path.join(root, "tests/browser/textarea"),
  text: () => example.area.value,
  select: ([anchor, head]) => {
    example.area.focus();
    example.area.setSelectionRange(Math.min(anchor, head), Math.max(anchor, head), anchor > head ? "backward" : "forward");
  },
  selection: () => {
    const { selectionStart, selectionEnd, selectionDirection } = example.area;
    return selectionDirection === "backward" ? [selectionEnd, selectionStart] : [selectionStart, selectionEnd];
  },
  watch: () => {
    globalThis.changes = [];
    const { area } = example;
    // What a program can change the text by; what a user types goes by neither.
    area.setRangeText = (text, start, end, mode) => {
      globalThis.changes.push(end - start + text.length);
      HTMLTextAreaElement.prototype.setRangeText.call(area, text, start, end, mode);
    };
    const { get, set } = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
    Object.defineProperty(area, "value", { configurable: true, get, set: (text) => (globalThis.changes.push(text.length), set.call(area, text)) });
  },
  scrollTo: (line) => (example.area.scrollTop = (line - 1) * 20 + 3),
  topLine: () => {
    const { area } = example;
    const lines = area.value.split("\n");
    // The lines of this page are all of one height, and none of them is wrapped.
    const line = Math.floor((area.scrollTop - 2) / 20);
    return { text: lines[line], top: line * 20 - area.scrollTop };
  },
  names: () => [...document.querySelectorAll(".cowrite-caret .cowrite-name")].map(({ textContent }) => textContent),
  selections: () => {
    // What of the text lies in the box, by the letters' width.
    const boxes = [...document.querySelectorAll(".cowrite-selection")].map((mark) => mark.getBoundingClientRect());
    const area = example.area.getBoundingClientRect();
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.font = getComputedStyle(example.area).font;
    const width = canvas.measureText("m").width;
    const column = (x) => Math.round((x - area.left - example.area.clientLeft - parseFloat(getComputedStyle(example.area).paddingLeft)) / width);
    const line = (y) => Math.floor((y - area.top - example.area.clientTop + example.area.scrollTop) / 20);
    return boxes.map(({ left, right, top, bottom }) => example.area.value.split("\n")[line((top + bottom) / 2)].slice(column(left), column(right)));
  },
  replace: (text) => {
    example.area.value = text;
    example.area.dispatchEvent(new InputEvent("input"));
  },
  isReadOnly: () => example.area.readOnly,
  bind: () => void example.bind(),
  traces: () => document.querySelectorAll(".cowrite-overlay, .cowrite-caret, .cowrite-selection").length,
};
