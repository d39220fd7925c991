/**
 * A shared document in a CodeMirror 6 editor.
 *
 * ```js
 * import { basicSetup, EditorView } from "codemirror";
 * import { collaboration } from "cowrite/codemirror";
 * new EditorView({ parent, extensions: [basicSetup, collaboration(client.open("notes"))] });
 * ```
 * @packageDocumentation
 */
export { bindCodeMirror, collaboration } from "./codemirror/extension.js";
export type { Binding, BindingOptions, Repair } from "./binding/text.js";
export { memberColor } from "./binding/color.js";
export type { Replacement } from "./delta.js";
