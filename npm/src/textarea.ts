/**
 * A shared document in a `<textarea>` or `<input>`, with the others' carets over it.
 *
 * ```js
 * import { bindTextarea } from "cowrite/textarea";
 * const binding = bindTextarea(element, client.open("notes"), { cursors: true });
 * ```
 * @packageDocumentation
 */
export { bindTextarea } from "./textarea/binding.js";
export type { TextareaBinding, TextareaOptions } from "./textarea/binding.js";
export type { TextareaElement } from "./textarea/element.js";
export type { Repair } from "./binding/text.js";
export { memberColor } from "./binding/color.js";
