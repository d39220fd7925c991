import { Annotation, EditorState, Prec, Transaction, type Compartment, type Extension, type StateEffect, type TransactionSpec } from "@codemirror/state";
import type { EditorView, PluginValue, ViewUpdate } from "@codemirror/view";
import type { RemoteCaret } from "../binding/carets.js";
import { TextBinding, type BindingOptions, type TextEditor } from "../binding/text.js";
import type { Replacement } from "../delta.js";
import type { Document as SharedDocument } from "../document.js";
import type { Cursor } from "../state.js";
import { caretLayers, caretsField, isEqual, setCarets } from "./carets.js";

/** Marks what the document has changed, so that it does not go back there. */
const fromDocument = Annotation.define<true>();

/** Goes before what the application says. */
export const readOnlyNow: Extension = Prec.highest(EditorState.readOnly.of(true));

/** One view as its binding sees it. */
export class Editor implements TextEditor, PluginValue {
  readonly #view: EditorView;
  readonly #readOnly: Compartment;
  /** What draws the others' carets, from the first of them on: it would measure the page after each letter. */
  readonly #layers: Compartment;
  readonly #binding: TextBinding;
  /** Whether the view is inside an update, in which it takes no other. */
  #updating = true;
  #isReadOnly = true;
  /** Whether the last change that was shown was above what is drawn. */
  #hasShifted = false;

  constructor(view: EditorView, document: SharedDocument, readOnly: Compartment, layers: Compartment, options: BindingOptions) {
    this.#view = view;
    this.#readOnly = readOnly;
    this.#layers = layers;
    this.#binding = new TextBinding(document, this, options);
    // A plugin is made while the view is; what the view cannot do before is done in the task's end.
    queueMicrotask(() => this.#begin());
  }

  get length(): number {
    return this.#view.state.doc.length;
  }

  text(): string {
    return this.#view.state.sliceDoc();
  }

  slice(start: number, end: number): string {
    return this.#view.state.doc.sliceString(Math.max(0, start), Math.min(end, this.length), "\n");
  }

  load(text: string): void {
    this.#dispatch({ changes: { from: 0, to: this.length, insert: text } });
  }

  change(replacements: readonly Replacement[]): void {
    this.#dispatch({ changes: replacements.map(({ start, end, insert }) => ({ from: start, to: end, insert })) });
    this.#hasShifted = replacements[0]!.start < this.#view.viewport.from;
  }

  setReadOnly(readOnly: boolean): void {
    this.#isReadOnly = readOnly;
    if (this.#updating) queueMicrotask(() => this.#guard());
    else this.#guard();
  }

  selection(): Cursor | null {
    return this.#view.hasFocus ? this.#view.state.selection.main : null;
  }

  select({ anchor, head }: Cursor): void {
    this.#dispatch({ selection: { anchor, head }, scrollIntoView: true });
  }

  drawCarets(carets: readonly RemoteCaret[]): void {
    // An update of the view costs more than all that it would find to be equal.
    if (isEqual(this.#view.state.field(caretsField), carets)) return;
    const effects: StateEffect<unknown>[] = [setCarets.of(carets)];
    if (this.#layers.get(this.#view.state) !== caretLayers) effects.push(this.#layers.reconfigure(caretLayers));
    this.#dispatch({ effects });
  }

  /** Called by the view after each of its updates. */
  update(update: ViewUpdate): void {
    this.#updating = true;
    for (const transaction of update.transactions) {
      if (!transaction.docChanged || transaction.annotation(fromDocument)) continue;
      const replacements: Replacement[] = [];
      transaction.changes.iterChanges((start, end, _from, _to, insert) => {
        replacements.push({ start, end, insert: insert.sliceString(0, insert.length, "\n") });
      });
      this.#binding.edited(replacements);
    }
    if (update.selectionSet || update.focusChanged) this.#binding.sendCursor();
    this.#updating = false;
  }

  destroy(): void {
    this.#binding.destroy();
  }

  #begin(): void {
    this.#updating = false;
    const { contentDOM } = this.#view;
    this.#binding.link.holdWhileComposing(contentDOM);
    // Where there is one, the content itself tells of no composition.
    const { editContext } = contentDOM as { editContext?: EventTarget | null };
    if (editContext) this.#binding.link.holdWhileComposing(editContext);
    this.#guard();
  }

  #guard(): void {
    // The application may have made it read-only by itself, so only this binding's own part counts.
    const isSet = Array.isArray(this.#readOnly.get(this.#view.state));
    if (isSet === this.#isReadOnly) this.#dispatch({ effects: this.#readOnly.reconfigure(this.#isReadOnly ? readOnlyNow : []) });
  }

  /** Changes the view, past the application's filters: they are for what its user does. */
  #dispatch(spec: TransactionSpec): void {
    if (this.#binding.link.disposal.done) return;
    // The view keeps what is in view in its place, but forgets where that was with the next update that
    // comes before it has measured; asking it for something that is measured has it do that first.
    if (this.#hasShifted) this.#view.elementAtHeight(0);
    this.#hasShifted = false;
    this.#view.dispatch({
      ...spec,
      annotations: [fromDocument.of(true), Transaction.addToHistory.of(false), Transaction.remote.of(true)],
      filter: false,
    });
  }
}
