import { bindTextarea } from "cowrite/textarea";
import { timeListeners } from "./clock.mjs";

// Yjs has no binding of a textarea, so ours stands beside the element alone.
const create = (parent) => parent.appendChild(document.createElement("textarea"));

const side = (element) => ({
  view: element,
  length: () => element.textLength,
  text: () => element.value,
  focus: () => element.focus({ preventScroll: true }),
  place: (offset) => element.setSelectionRange(offset, offset),
  top: () => (element.scrollTop = 0),
  // The browser's own editing, as a key does it.
  type: (letter) => document.execCommand("insertText", false, letter),
  change: (offset, letter) => element.setRangeText(letter, offset, offset, "preserve"),
});

export const alone = (parent, text) => side(Object.assign(create(parent), { value: text }));
export const ours = (parent, shared) => {
  const element = timeListeners(create(parent), ["addEventListener"], 1);
  bindTextarea(element, shared, { cursors: true });
  return side(element);
};
