/**
 * A shared document in a Monaco editor.
 *
 * ```js
 * import * as monaco from "monaco-editor";
 * import { bindMonaco } from "cowrite/monaco";
 * const binding = bindMonaco(monaco.editor.create(element), client.open("notes"));
 * ```
 * @packageDocumentation
 */
export { bindMonaco } from "./monaco/binding.js";
export type { Binding, BindingOptions, Repair } from "./binding/text.js";
export { memberColor } from "./binding/color.js";
export type { Replacement } from "./delta.js";
