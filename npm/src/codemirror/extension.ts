import { Compartment, Prec, StateEffect, type Extension } from "@codemirror/state";
import { EditorView, keymap, ViewPlugin } from "@codemirror/view";
import type { Binding, BindingOptions } from "../binding/text.js";
import type { Document as SharedDocument } from "../document.js";
import { caretsField } from "./carets.js";
import { Editor, readOnlyNow } from "./editor.js";

/**
 * An extension by which an editor shows a document's text: edits of either appear in the other, and
 * selection, scroll position and the word that an input method composes stay as they are. What the editor
 * held before is replaced once the document is loaded; it is read-only as long as the document is. Undo
 * and redo are the document's. To end it, take the extension out of its compartment, or destroy the view.
 *
 * One extension is for one view.
 */
export function collaboration(document: SharedDocument, options: BindingOptions = {}): Extension {
  const [readOnly, layers] = [new Compartment(), new Compartment()];
  const plugin = ViewPlugin.define((view) => new Editor(view, document, readOnly, layers, options));
  return [plugin, readOnly.of(readOnlyNow), caretsField, layers.of([]), history(document)];
}

/** The compartment of each view that has been bound, so that binding it again and again adds nothing. */
const compartments = new WeakMap<EditorView, Compartment>();

/** Adds {@link collaboration} to a view that is there already. A view is bound to one document at a time. */
export function bindCodeMirror(view: EditorView, document: SharedDocument, options: BindingOptions = {}): Binding {
  const extension = collaboration(document, options);
  const known = compartments.get(view);
  const isThere = known?.get(view.state) !== undefined;
  const compartment = isThere ? known! : new Compartment();
  compartments.set(view, compartment);
  view.dispatch({ effects: isThere ? compartment.reconfigure(extension) : StateEffect.appendConfig.of(compartment.of(extension)) });
  return {
    destroy: () => {
      if (compartment.get(view.state) === extension) view.dispatch({ effects: compartment.reconfigure([]) });
    },
  };
}

/** Takes undo and redo over from the editor, whose own history knows nothing of what crosses. */
function history(document: SharedDocument): Extension {
  const undo = () => document.readOnly || document.undo() || true;
  const redo = () => document.readOnly || document.redo() || true;
  return Prec.highest([
    keymap.of([
      { key: "Mod-z", run: undo, preventDefault: true },
      { key: "Mod-y", mac: "Mod-Shift-z", run: redo, preventDefault: true },
      { linux: "Ctrl-Shift-z", run: redo, preventDefault: true },
    ]),
    EditorView.domEventHandlers({
      // The menu's undo, which would otherwise be the browser's.
      beforeinput: (event) => {
        if (event.inputType !== "historyUndo" && event.inputType !== "historyRedo") return false;
        event.preventDefault();
        return event.inputType === "historyUndo" ? undo() : redo();
      },
    }),
  ]);
}
