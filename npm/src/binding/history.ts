import type { Document as SharedDocument } from "../document.js";

/** Undo of this client's edits, which leaves everybody else's alone. */
export interface History {
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  undo(): unknown;
  redo(): unknown;
  /** Makes the next edit an undo step of its own. */
  stopCapturing(): void;
}

/** The document's history; `null` where the engine has none. */
export function historyOf(document: SharedDocument): History | null {
  const history = document as Partial<History>;
  return typeof history.undo === "function" && typeof history.redo === "function" ? (history as History) : null;
}
