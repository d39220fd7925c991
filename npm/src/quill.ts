/**
 * A shared rich text in a Quill 2 editor, with the others' carets over it.
 *
 * ```js
 * import { bindQuill } from "cowrite/quill";
 * const binding = bindQuill(new Quill(element, { theme: "snow" }), client.open("notes"));
 * ```
 * @packageDocumentation
 */
export { bindQuill } from "./quill/binding.js";
export type { QuillOptions } from "./quill/binding.js";
export type { Binding } from "./binding/text.js";
export type { RichBindingOptions, RichRepair } from "./rich/options.js";
