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
export type { TextareaBinding, TextareaElement, TextareaOptions } from "./textarea/binding.js";
export { memberColor } from "./binding/color.js";
