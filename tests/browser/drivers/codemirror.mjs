/** The first line in view, once the editor has measured what it shows. */
const topLine = () => new Promise((resolve) => {
  const { view } = example;
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const edge = view.scrollDOM.getBoundingClientRect().top;
    const block = view.lineBlockAtHeight(view.scrollDOM.getBoundingClientRect().top - view.documentTop);
    resolve({ text: view.state.doc.lineAt(block.from).text, top: block.top + view.documentTop - edge });
  }));
});

/** How the tests handle CodeMirror; see `editors.mjs`. */
export const codemirror = {
  text: () => example.view.state.sliceDoc(),
  select: ([anchor, head]) => (example.view.focus(), example.view.dispatch({ selection: { anchor, head } })),
  selection: () => [example.view.state.selection.main.anchor, example.view.state.selection.main.head],
  watch: () => {
    globalThis.changes = [];
    const { view } = example;
    const { update } = view;
    // Every change of the state goes through here, by whomever it is made.
    view.update = (transactions) => {
      for (const { changes } of transactions) if (!changes.empty) changes.iterChanges((from, to, _from, _to, text) => globalThis.changes.push(to - from + text.length));
      return update.call(view, transactions);
    };
  },
  scrollTo: async (line) => {
    const { view } = example;
    view.scrollDOM.scrollTop = view.lineBlockAt(view.state.doc.line(line).from).top + 3;
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  },
  topLine,
  /** What has the page measured after each letter, and so is not there before there is a caret to draw. */
  layers: () => document.querySelectorAll(".cowrite-carets, .cowrite-selections").length,
  names: () => [...document.querySelectorAll(".cowrite-caret .cowrite-name")].map(({ textContent }) => textContent),
  selections: () => {
    const { view } = example;
    return [...document.querySelectorAll(".cowrite-selection")].map((mark) => {
      const { left, right, top, height } = mark.getBoundingClientRect();
      const at = (x) => view.posAtCoords({ x, y: top + height / 2 });
      return view.state.sliceDoc(at(left + 1), at(right - 1));
    });
  },
  replace: (text) => example.view.dispatch({ changes: { from: 0, to: example.view.state.doc.length, insert: text } }),
  isReadOnly: () => example.view.state.readOnly,
  bind: () => example.bind(),
  traces: () => document.querySelectorAll(".cowrite-caret, .cowrite-selection, .cowrite-carets, .cowrite-selections").length,
};
