/**
 * A shared rich text in a Tiptap editor: the plugin of `cowrite/prosemirror` as an extension.
 *
 * ```js
 * import { Cowrite } from "cowrite/tiptap";
 * const editor = new Editor({
 *   element,
 *   extensions: [StarterKit.configure({ undoRedo: false, trailingNode: false }), Cowrite.configure({ document: client.open("notes") })],
 * });
 * ```
 * @packageDocumentation
 */
import { Extension } from "@tiptap/core";
import type { Document as SharedDocument } from "./document.js";
import { cowrite, redo, undo, type ProseMirrorOptions } from "./prosemirror/binding.js";

/** Settings of {@link Cowrite}. */
export interface TiptapOptions extends ProseMirrorOptions {
  /** The document that is shown; there is no default. */
  readonly document: SharedDocument;
}

declare module "@tiptap/core" {
  interface Commands<ReturnType> {
    cowrite: {
      /** Takes back the last group of edits made here. */
      undo: () => ReturnType;
      /** Does again what was taken back last. */
      redo: () => ReturnType;
    };
  }
}

/** The extension; turn off `undoRedo` and `trailingNode` of the starter kit, because the document has its own. */
export const Cowrite: Extension<TiptapOptions> = Extension.create<TiptapOptions>({
  name: "cowrite",
  addProseMirrorPlugins() {
    return [cowrite(this.options.document, this.options)];
  },
  addCommands() {
    return {
      undo: () => ({ state, dispatch }) => undo(state, dispatch),
      redo: () => ({ state, dispatch }) => redo(state, dispatch),
    };
  },
});
