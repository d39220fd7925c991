import Quill from "quill";
import QuillCursors from "quill-cursors";
import "quill/dist/quill.core.css";
import { bindQuill } from "cowrite/quill";
import { QuillBinding } from "y-quill";
import { timeListeners } from "./clock.mjs";

Quill.register("modules/cursors", QuillCursors);

const create = (parent, modules = {}) => new Quill(parent.appendChild(document.createElement("div")), { modules });

const side = (quill) => ({
  view: quill,
  length: () => quill.getLength(),
  text: () => quill.getText(),
  focus: () => quill.focus({ preventScroll: true }),
  place: (offset) => quill.setSelection(offset, 0, "user"),
  top: () => (quill.root.scrollTop = 0),
  // The browser's own editing, as a key does it.
  type: (letter) => document.execCommand("insertText", false, letter),
  change: (offset, letter) => quill.updateContents([{ retain: offset }, { insert: letter }], "api"),
});

export const alone = (parent, text) => {
  const quill = create(parent);
  quill.setContents([{ insert: text }], "api");
  return side(quill);
};
export const ours = (parent, shared) => {
  const quill = timeListeners(create(parent), ["on"], 1);
  bindQuill(quill, shared);
  return side(quill);
};
export const yjs = (parent, type, awareness) => {
  const quill = timeListeners(create(parent, { cursors: true }), ["on"], 1);
  new QuillBinding(type, quill, awareness);
  return side(quill);
};
