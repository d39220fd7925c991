/** How the tests handle Quill; see `rich-editors.mjs`. */
export const quill = {
  shown: () => example.quill.getContents().ops,
  text: () => example.quill.getContents().ops.map(({ insert }) => (typeof insert === "string" ? insert : "\uFFFC")).join("").replace(/\n$/, ""),
  letters: () => example.quill.root.textContent,
  caret: () => Number(document.querySelector(".cowrite-caret")?.dataset.offset),
  select: ([anchor, head]) => (example.quill.focus(), example.quill.setSelection(anchor, head - anchor, "user")),
  selected: () => {
    const { index, length } = example.quill.getSelection();
    return example.quill.getText(index, length);
  },
  watch: () => {
    globalThis.changes = [];
    example.quill.on("text-change", (delta) => globalThis.changes.push(delta.ops.reduce((sum, { insert, delete: gone, retain, attributes }) => sum + (insert ? insert.length ?? 1 : gone ?? (attributes ? retain : 0)), 0)));
  },
  scroller: () => example.quill.root,
  bold: () => example.quill.format("bold", true, "user"),
  heading: () => example.quill.format("header", 1, "user"),
  stray: () => example.quill.insertText(0, "XX", "silent"),
  insert: (offset, text) => example.quill.insertText(offset, text, "user"),
  isReadOnly: () => !example.quill.isEnabled(),
  end: () => (example.binding.destroy(), example.binding.destroy()),
};
