/** The first line in view, once the editor has drawn what it shows. */
const topLine = () => new Promise((resolve) => {
  const { editor } = example;
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const line = editor.getVisibleRanges()[0].startLineNumber;
    resolve({ text: editor.getModel().getLineContent(line), top: editor.getTopForLineNumber(line) - editor.getScrollTop() });
  }));
});

/** How the tests handle Monaco; see `editors.mjs`. */
export const monaco = {
  text: () => example.editor.getModel().getValue(),
  select: ([anchor, head]) => {
    const { editor } = example;
    const [from, to] = [anchor, head].map((offset) => editor.getModel().getPositionAt(offset));
    editor.focus();
    editor.setSelection({ selectionStartLineNumber: from.lineNumber, selectionStartColumn: from.column, positionLineNumber: to.lineNumber, positionColumn: to.column });
  },
  selection: () => {
    const selection = example.editor.getSelection();
    const at = (lineNumber, column) => example.editor.getModel().getOffsetAt({ lineNumber, column });
    return [at(selection.selectionStartLineNumber, selection.selectionStartColumn), at(selection.positionLineNumber, selection.positionColumn)];
  },
  watch: () => {
    globalThis.changes = [];
    example.editor.onDidChangeModelContent(({ changes }) => changes.forEach(({ rangeLength, text }) => globalThis.changes.push(rangeLength + text.length)));
  },
  scrollTo: (line) => example.editor.setScrollTop(example.editor.getTopForLineNumber(line) + 3),
  topLine,
  names: () => [...document.querySelectorAll(".cowrite-caret")].map((caret) => getComputedStyle(caret, "::after").content.slice(1, -1)),
  selections: () => example.editor.getModel().getAllDecorations().filter(({ options }) => options.className?.startsWith("cowrite-selection")).map(({ range }) => example.editor.getModel().getValueInRange(range)),
  replace: (text) => example.editor.getModel().setValue(text),
  isReadOnly: () => example.editor.getRawOptions().readOnly,
  bind: () => example.bind(),
  traces: () => document.querySelectorAll(".cowrite-caret, .cowrite-selection").length + document.adoptedStyleSheets.length
    + example.editor.getModel().getAllDecorations().filter(({ options }) => options.className?.startsWith("cowrite") || options.beforeContentClassName?.startsWith("cowrite")).length,
};
