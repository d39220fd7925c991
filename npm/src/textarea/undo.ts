import type { Disposal } from "../binding/disposal.js";

/** What a binding does when its user undoes. */
export interface UndoActions {
  undo(): void;
  redo(): void;
  /** What comes next is undone apart from what came before. */
  stopCapturing(): void;
}

/** Edits that are undone alone, however soon they come after others. */
const ALONE = /^(insertFrom|deleteBy)/;

/**
 * Takes the place of the browser's own undo, which knows nothing of what others write: the
 * keys for it, and its entry in menus. Ends with `disposal`.
 */
export function bindUndo(element: HTMLElement, actions: UndoActions, disposal: Disposal): void {
  disposal.listen(element, "keydown", (press) => {
    const event = press as KeyboardEvent;
    const action = event.isComposing || event.defaultPrevented ? null : actionOf(event);
    if (!action) return;
    // Also where there is nothing to undo: the browser's undo would bring back an old text.
    event.preventDefault();
    actions[action]();
  });
  disposal.listen(element, "beforeinput", (input) => {
    const event = input as InputEvent;
    const action = event.inputType === "historyUndo" ? "undo" : event.inputType === "historyRedo" ? "redo" : null;
    if (action) {
      event.preventDefault();
      actions[action]();
    } else if (ALONE.test(event.inputType)) actions.stopCapturing();
  });
  // The binding's own listener, which stands before this one, has taken the edit in.
  disposal.listen(element, "input", (event) => {
    if (ALONE.test((event as InputEvent).inputType ?? "")) actions.stopCapturing();
  });
}

function actionOf({ key, code, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): "undo" | "redo" | null {
  if (altKey || ctrlKey === metaKey) return null;
  // The key that bears the letter; where letters are not Latin, the place of Z.
  const letter = /^[a-z]$/i.test(key) ? key.toLowerCase() : /^Key[YZ]$/.test(code) ? code.slice(3).toLowerCase() : "";
  if (letter === "z") return shiftKey ? "redo" : "undo";
  return letter === "y" && ctrlKey && !shiftKey ? "redo" : null;
}
