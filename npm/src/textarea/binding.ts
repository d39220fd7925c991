import { TextBinding, type Binding, type BindingOptions } from "../binding/text.js";
import type { Document as SharedDocument } from "../document.js";
import { TextareaEditor } from "./editor.js";
import type { TextareaElement } from "./element.js";
import { bindUndo } from "./undo.js";

/** Settings of {@link bindTextarea}. */
export interface TextareaOptions extends Omit<BindingOptions, "cursors"> {
  /** Whether the others' carets and selections are drawn over the element. Default `false`. */
  readonly cursors?: boolean;
}

/** A bound element. */
export type TextareaBinding = Binding;

/**
 * Binds an element to a document: the element shows the document's text, edits of either
 * appear in the other, and caret, selection, scroll position and the word that an input
 * method composes stay as they are. What the element held before is replaced once the
 * document is loaded. It is read-only as long as the document is. Undo and redo, by key or
 * menu, are the document's: they take back what was edited here and leave what others wrote.
 *
 * An element does not tell when a program sets its `value`. Such a change is found when the
 * next edit of anybody comes, and taken for the user's own.
 */
export function bindTextarea(element: TextareaElement, document: SharedDocument, options: TextareaOptions = {}): TextareaBinding {
  const cursors = options.cursors === true;
  const editor = new TextareaEditor(element, cursors);
  const binding = new TextBinding(document, editor, { ...options, cursors });
  editor.listen(binding);
  const act = (verb: "undo" | "redo") => {
    if (binding.link.isComposing || element.readOnly || document.readOnly) return;
    editor.tell();
    // Where it is refused, as while the engine fails, the document says so by itself.
    if (verb === "undo" ? document.undo() : document.redo()) binding.link.flush();
  };
  bindUndo(element, {
    undo: () => act("undo"),
    redo: () => act("redo"),
    stopCapturing: () => document.readOnly || document.stopCapturing(),
  }, binding.link.disposal);
  return {
    destroy() {
      if (binding.link.disposal.done) return;
      editor.tell();
      binding.destroy();
    },
  };
}
