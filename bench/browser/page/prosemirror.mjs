import "prosemirror-view/style/prosemirror.css";
import { schema } from "prosemirror-schema-basic";
import { EditorState, TextSelection } from "prosemirror-state";
import { EditorView } from "prosemirror-view";
import { cowrite } from "cowrite/prosemirror";
import { yCursorPlugin, ySyncPlugin, yUndoPlugin } from "y-prosemirror";
import { timed } from "./clock.mjs";

export const yjsType = "xml";

const create = (parent, plugins, doc) => {
  const scroller = Object.assign(parent.appendChild(document.createElement("div")), { className: "scroller" });
  const view = new EditorView(scroller, { state: EditorState.create({ schema, plugins, doc }) });
  /** The position of text that is nearest to a part of the document. */
  const near = (offset) => TextSelection.near(view.state.doc.resolve(Math.min(offset, view.state.doc.content.size)));
  return {
    view,
    // Offsets here are positions, of which each paragraph has one more than its text a newline.
    length: () => view.state.doc.content.size,
    text: () => view.state.doc.textBetween(0, view.state.doc.content.size, "\n") + "\n",
    focus: () => view.dom.focus({ preventScroll: true }),
    place: (offset) => view.dispatch(view.state.tr.setSelection(near(offset)).scrollIntoView()),
    top: () => (scroller.scrollTop = 0),
    // The browser's own editing, as a key does it.
    type: (letter) => document.execCommand("insertText", false, letter),
    change: (offset, letter) => view.dispatch(view.state.tr.insertText(letter, near(offset).head)),
  };
};

/** A plugin whose part in each update is counted. */
const counted = (plugin) => {
  const { view, state } = plugin.spec;
  if (state) plugin.spec.state = { ...state, apply: timed(state.apply) };
  if (view) plugin.spec.view = (...words) => {
    const own = view.apply(plugin, words);
    if (own.update) own.update = timed(own.update);
    return own;
  };
  return plugin;
};

const documentOf = (text) => {
  const { paragraph } = schema.nodes;
  return schema.node("doc", null, text.replace(/\n$/, "").split("\n").map((line) => paragraph.create(null, line ? schema.text(line) : null)));
};

export const alone = (parent, text) => create(parent, [], documentOf(text));
export const ours = (parent, shared) => create(parent, [cowrite(shared)].map(counted));
export const yjs = (parent, type, awareness) => create(parent, [ySyncPlugin(type), yCursorPlugin(awareness), yUndoPlugin()].map(counted));
