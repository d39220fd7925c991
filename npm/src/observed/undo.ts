import type { UndoState } from "../state.js";
import { once } from "./observed.js";

/** What can be taken back or done again, and the functions that do it, which stay the same for a document. */
export interface Undo extends UndoState {
  /** Takes back the last group of own edits, as `Document.undo`; `false` where there is none. */
  readonly undo: () => boolean;
  /** Does again what was taken back last, as `Document.redo`; `false` where there is nothing. */
  readonly redo: () => boolean;
}

const nothing = (): boolean => false;

/** The undo of a document that is not there yet. */
export const noUndo: Undo = { canUndo: false, canRedo: false, undo: nothing, redo: nothing };

/** Undo and redo of a document. Typing on changes nothing of it. */
export const undoOf = once((document) => {
  // A button may be pressed in the moment in which its document closes.
  const undo = () => document.canUndo && document.undo();
  const redo = () => document.canRedo && document.redo();
  return {
    read(before: Undo | undefined): Undo {
      const { canUndo, canRedo } = document;
      return before?.canUndo === canUndo && before.canRedo === canRedo ? before : { canUndo, canRedo, undo, redo };
    },
    listen: (changed) => document.on("undo", () => changed("soon")),
  };
});
