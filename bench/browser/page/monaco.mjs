import * as monaco from "monaco-editor/esm/vs/editor/editor.api.js";
import { bindMonaco } from "cowrite/monaco";
import { MonacoBinding } from "y-monaco";
import { timeListeners } from "./clock.mjs";

// What a worker would colour is no part of this.
globalThis.MonacoEnvironment = { getWorker: () => new Worker(URL.createObjectURL(new Blob([""]))) };

const create = (parent, text) => monaco.editor.create(parent, { model: monaco.editor.createModel(text, "plaintext"), minimap: { enabled: false } });

/** An editor to be bound, what listens to it counted. */
const counted = (parent) => {
  const editor = timeListeners(create(parent, ""), ["onDidChangeModelContent", "onDidChangeCursorSelection", "onDidFocusEditorText"]);
  timeListeners(editor.getModel(), ["onDidChangeContent"]);
  return editor;
};

const side = (editor) => {
  const model = editor.getModel();
  return {
    view: editor,
    length: () => model.getValueLength(),
    text: () => model.getValue(),
    focus: () => editor.focus(),
    place: (offset) => (editor.setPosition(model.getPositionAt(offset)), editor.revealPosition(model.getPositionAt(offset))),
    top: () => editor.setScrollTop(0),
    type: (letter) => editor.trigger("keyboard", "type", { text: letter }),
    change: (offset, letter) => {
      const { lineNumber, column } = model.getPositionAt(offset);
      model.applyEdits([{ range: new monaco.Range(lineNumber, column, lineNumber, column), text: letter }]);
    },
  };
};

export const alone = (parent, text) => side(create(parent, text));
export const ours = (parent, shared) => {
  const editor = counted(parent);
  bindMonaco(editor, shared);
  return side(editor);
};
export const yjs = (parent, type, awareness) => {
  const editor = counted(parent);
  new MonacoBinding(type, editor.getModel(), new Set([editor]), awareness);
  return side(editor);
};
