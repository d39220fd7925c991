import type { BindingOptions } from "../binding/text.js";
import type { Delta } from "../delta.js";

/** What a binding of an editor of rich text can be told. */
export interface RichBindingOptions extends Omit<BindingOptions, "onRepair"> {
  /** Called when the editor was found to show something else than the document, and was made to show that. */
  readonly onRepair?: (repair: RichRepair) => void;
}

/** An editor had been changed behind its binding's back. */
export interface RichRepair {
  /** Length that was found in the editor, in UTF-16 code units of the text that it stands for. */
  readonly found: number;
  /** Length that the document has, in UTF-16 code units. */
  readonly expected: number;
  /** What had been done: the change that makes of the document what was found. */
  readonly strayed: Delta;
}
