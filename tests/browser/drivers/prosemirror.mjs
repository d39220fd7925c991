/** How the tests handle ProseMirror, and Tiptap, which is a ProseMirror view too; see `rich-editors.mjs`. */
export const prosemirror = {
  shown: () => (example.view.state.doc.check(), example.view.state.doc.toJSON()),
  text: () => {
    const lines = [];
    example.view.state.doc.descendants((node) => {
      if (node.isTextblock) lines.push(node.textBetween(0, node.content.size, undefined, "\uFFFC"));
      else if (node.isBlock && node.isLeaf) lines.push("");
      return !node.isTextblock;
    });
    return lines.join("\n");
  },
  letters: () => example.view.dom.textContent,
  caret: () => {
    const caret = document.querySelector(".cowrite-caret");
    return caret && example.view.posAtDOM(caret, 0) - 1;
  },
  // Offsets as positions, for documents of paragraphs and headings at the top level.
  select: ([anchor, head]) => {
    const { view } = example;
    const at = (offset) => {
      let position = 1;
      view.state.doc.forEach((node, start) => {
        if (offset >= 0) position = start + 1 + Math.min(offset, node.content.size);
        offset -= node.content.size + 1;
      });
      return position;
    };
    view.focus();
    const selection = view.state.selection.constructor.name === "AllSelection" ? null : view.state.selection;
    view.dispatch(view.state.tr.setSelection(selection.constructor.create(view.state.doc, at(anchor), at(head))));
  },
  selected: () => example.view.state.doc.textBetween(example.view.state.selection.from, example.view.state.selection.to),
  watch: () => {
    globalThis.changes = [];
    const { view } = example;
    const update = view.updateState;
    // Every change of the state goes through here, by whomever it is made; its size is that of what differs.
    view.updateState = (state) => {
      const [before, after] = [view.state.doc.content, state.doc.content];
      const start = before.findDiffStart(after);
      if (start !== null) globalThis.changes.push(Math.max(...Object.values(before.findDiffEnd(after))) - start);
      return update.call(view, state);
    };
  },
  scroller: () => example.view.dom,
  bold: () => {
    const { state } = example.view;
    const { from, to, empty } = state.selection;
    const mark = (state.schema.marks.strong ?? state.schema.marks.bold).create();
    if (!empty) example.view.dispatch(state.tr.addMark(from, to, mark));
  },
  heading: () => {
    const { state } = example.view;
    example.view.dispatch(state.tr.setBlockType(state.selection.from, state.selection.to, state.schema.nodes.heading, { level: 1 }));
  },
  // As a plugin does that throws while others are told of a change.
  stray: () => void (example.view.state = example.view.state.apply(example.view.state.tr.insertText("XX", 1))),
  insert: (offset, text) => example.view.dispatch(example.view.state.tr.insertText(text, offset + 1)),
  isReadOnly: () => !example.view.editable,
  end: () => example.editor ? example.editor.destroy() : example.view.destroy(),
};
