import { EditorState, Transaction } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { collaboration } from "cowrite/codemirror";
import { UndoManager } from "yjs";
import { yCollab } from "y-codemirror.next";
import { timed } from "./clock.mjs";

const create = (parent, doc, extensions) => new EditorView({ parent, state: EditorState.create({ doc, extensions: [lineNumbers(), ...extensions] }) });

/** An editor whose plugins are counted, apart from those that any editor has. */
function bound(parent, doc, extension) {
  const usual = create(null, "", []);
  const own = new Set(usual.plugins.map(({ spec }) => spec));
  const view = create(parent, doc, [extension]);
  for (const { spec, value } of view.plugins) if (!own.has(spec)) value.update = timed(value.update);
  usual.destroy();
  return side(view);
}

const side = (view) => ({
  view,
  length: () => view.state.doc.length,
  text: () => view.state.sliceDoc(),
  focus: () => view.focus(),
  place: (offset) => view.dispatch({ selection: { anchor: offset }, scrollIntoView: true }),
  top: () => (view.scrollDOM.scrollTop = 0),
  type: (letter) => {
    const { head } = view.state.selection.main;
    view.dispatch({ changes: { from: head, insert: letter }, selection: { anchor: head + 1 }, scrollIntoView: true, userEvent: "input.type" });
  },
  change: (offset, letter) => view.dispatch({ changes: { from: offset, insert: letter }, annotations: Transaction.remote.of(true) }),
});

export const alone = (parent, text) => side(create(parent, text, []));
export const ours = (parent, shared) => bound(parent, "", collaboration(shared));
export const yjs = (parent, type, awareness) => bound(parent, type.toString(), yCollab(type, awareness, { undoManager: new UndoManager(type) }));
