/**
 * A shared rich text in a ProseMirror editor, with the others' carets in it.
 *
 * ```js
 * import { cowrite } from "cowrite/prosemirror";
 * new EditorView(place, { state: EditorState.create({ schema, plugins: [cowrite(client.open("notes")), …] }) });
 * ```
 *
 * Rich text and documents of the schema map to each other: every rich text, whoever made
 * it, is exactly one document, and the schema takes it.
 * @packageDocumentation
 */
import type { Node, Schema } from "prosemirror-model";
import type { Delta } from "./delta.js";
import { Mapping } from "./prosemirror/mapping.js";

export { cowrite, redo, undo } from "./prosemirror/binding.js";
export type { ProseMirrorOptions } from "./prosemirror/binding.js";
export type { RichBindingOptions, RichRepair } from "./rich/options.js";

/** The one document that a rich text means. @throws RangeError where the schema has no paragraph */
export function documentOf(schema: Schema, content: Delta): Node {
  return new Mapping(schema).document(content);
}

/** The rich text that means this document, as a delta of inserts. @throws RangeError where the schema has no paragraph */
export function contentOf(document: Node): Delta {
  return new Mapping(document.type.schema).content(document);
}
