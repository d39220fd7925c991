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
  everyFormat: async () => {
    const { quill, shared } = example;
    const formats = {
      bold: true, italic: true, underline: true, strike: true, code: true, script: "super", color: "#e60000", background: "rgb(250, 204, 204)", font: "serif", size: "large",
      link: "https://example.org/?a=b#c", header: 6, blockquote: true, list: "checked", indent: "+1", align: "justify", direction: "rtl", "code-block": true,
    };
    for (const [name, value] of Object.entries(formats)) {
      for (const given of [value, false]) {
        quill.setSelection(0, 8, "user");
        quill.format(name, given, "user");
        await shared.whenAccepted();
      }
      quill.format(name, value, "user");
      await shared.whenAccepted();
    }
    for (const [name, value] of [["image", "data:image/png;base64,iVBORw0KGgo="], ["image", "/a.png"], ["video", "https://example.org/film"]]) quill.insertEmbed(2, name, value, "user");
    quill.insertText(0, "typed", { bold: true, script: "sub" }, "user");
    await shared.whenAccepted();
  },
  isReadOnly: () => !example.quill.isEnabled(),
  end: () => (example.binding.destroy(), example.binding.destroy()),
};
