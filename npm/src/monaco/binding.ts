import type * as monaco from "monaco-editor";
import type { RemoteCaret } from "../binding/carets.js";
import { Disposal } from "../binding/disposal.js";
import { deltaOf } from "../binding/line-ends.js";
import { carried } from "../binding/selection.js";
import { TextBinding, type Binding, type BindingOptions, type TextEditor } from "../binding/text.js";
import { mapOffset, type Replacement } from "../delta.js";
import type { Document as SharedDocument } from "../document.js";
import type { Cursor } from "../state.js";
import { Carets } from "./carets.js";

/** `monaco.editor.EndOfLineSequence.LF` and `EndOfLinePreference.LF`: the editor itself is only used by its types. */
const LF_SEQUENCE = 0;
const LF_PREFERENCE = 1;

/** The models that are bound; each edit would reach a document twice. */
const bound = new WeakSet<monaco.editor.ITextModel>();

/**
 * Binds an editor and its model to a document: the model holds the document's text, edits of either appear
 * in the other, and selections, scroll position and the word that an input method composes stay as they
 * are. What the model held before is replaced once the document is loaded. The editor is read-only as long
 * as the document is; undo and redo are the document's. Ends by itself with the editor or its model.
 *
 * @throws Error where the editor has no model, or one that is bound already
 */
export function bindMonaco(editor: monaco.editor.ICodeEditor, document: SharedDocument, options: BindingOptions = {}): Binding {
  const model = editor.getModel();
  if (!model) throw new Error("the editor has no model to bind");
  if (bound.has(model)) throw new Error("the model is bound already");
  bound.add(model);
  return new Editor(editor, model, document, options);
}

/** One editor as its binding sees it. */
class Editor implements TextEditor, Binding {
  readonly #editor: monaco.editor.ICodeEditor;
  readonly #model: monaco.editor.ITextModel;
  readonly #carets: Carets;
  readonly #binding: TextBinding;
  readonly #disposal = new Disposal();
  readonly #wasReadOnly: boolean;
  /** Whether the model is being changed by this binding. */
  #own = false;
  /** Whether the editor is telling a change, so that its selection is still the one before. */
  #telling = false;
  /** Whether the model's own history speaks of a text that is not there any more. */
  #isStale = false;

  constructor(editor: monaco.editor.ICodeEditor, model: monaco.editor.ITextModel, document: SharedDocument, options: BindingOptions) {
    this.#editor = editor;
    this.#model = model;
    this.#wasReadOnly = editor.getRawOptions().readOnly ?? false;
    model.setEOL(LF_SEQUENCE);
    this.#carets = new Carets(editor, model);
    this.#binding = new TextBinding(document, this, options);
    const { link } = this.#binding;
    const subscriptions = [
      editor.onDidChangeModelContent((event) => this.#changed(event)),
      editor.onDidChangeCursorSelection(() => this.#binding.sendCursor()),
      editor.onDidFocusEditorText(() => this.#binding.sendCursor()),
      editor.onDidCompositionStart(() => link.hold()),
      editor.onDidCompositionEnd(() => link.release()),
      editor.onDidChangeModel(() => this.destroy()),
      editor.onDidDispose(() => this.destroy()),
      model.onWillDispose(() => this.destroy()),
    ];
    this.#disposal.add(
      () => void bound.delete(model),
      () => this.#forget(),
      takeHistory(model, document),
      () => editor.updateOptions({ readOnly: this.#wasReadOnly }),
      () => this.#carets.destroy(),
      () => this.#binding.destroy(),
      ...subscriptions.map((subscription) => () => subscription.dispose()),
    );
  }

  destroy(): void {
    this.#disposal.dispose();
  }

  get length(): number {
    return this.#model.getValueLength(LF_PREFERENCE);
  }

  text(): string {
    return this.#model.getValue(LF_PREFERENCE);
  }

  slice(start: number, end: number): string {
    return this.#model.getValueInRange(this.#range(Math.max(0, start), end), LF_PREFERENCE);
  }

  load(text: string): void {
    this.#apply([{ start: 0, end: this.length, insert: text }]);
  }

  change(replacements: readonly Replacement[]): void {
    const delta = deltaOf(replacements);
    const selections = this.#editor.getSelections() ?? [];
    const wanted = selections.map((selection) => {
      const [anchor, head] = [this.#offset(selection.selectionStartLineNumber, selection.selectionStartColumn), this.#offset(selection.positionLineNumber, selection.positionColumn)];
      return carried({ anchor, head }, delta);
    });
    const top = this.#top();
    this.#apply(replacements);
    this.#select(wanted);
    if (top) this.#scroll(mapOffset(delta, top.offset, "after"), top.above);
  }

  setReadOnly(readOnly: boolean): void {
    this.#editor.updateOptions({ readOnly: readOnly || this.#wasReadOnly });
  }

  selection(): Cursor | null {
    const selection = this.#telling || !this.#editor.hasTextFocus() ? null : this.#editor.getSelection();
    if (!selection) return null;
    return {
      anchor: this.#offset(selection.selectionStartLineNumber, selection.selectionStartColumn),
      head: this.#offset(selection.positionLineNumber, selection.positionColumn),
    };
  }

  select({ anchor, head }: Cursor): void {
    this.#select([{ anchor, head }]);
    const position = this.#editor.getPosition();
    if (position) this.#editor.revealPosition(position);
  }

  drawCarets(carets: readonly RemoteCaret[]): void {
    this.#carets.draw(carets);
  }

  #changed({ changes, isFlush, isEolChange }: monaco.editor.IModelContentChangedEvent): void {
    if (this.#own) return;
    this.#telling = true;
    try {
      this.#take(changes, isEolChange, isFlush);
    } finally {
      this.#telling = false;
    }
  }

  #take(changes: readonly monaco.editor.IModelContentChange[], isEolChange: boolean, isFlush: boolean): void {
    if (isEolChange || isFlush) {
      // Where this changes anything it is told by an event of its own, which then changes nothing.
      this.#model.setEOL(LF_SEQUENCE);
      if (isFlush) this.#binding.replaced();
    } else {
      // Told from the last to the first, in offsets before all of them.
      const replacements = changes.map(({ rangeOffset, rangeLength, text }) => ({ start: rangeOffset, end: rangeOffset + rangeLength, insert: text }));
      this.#binding.edited(replacements.reverse().sort((a, b) => a.start - b.start));
    }
  }

  #apply(replacements: readonly Replacement[]): void {
    this.#own = true;
    this.#isStale = true;
    try {
      this.#model.applyEdits(replacements.map(({ start, end, insert }) => ({ range: this.#range(start, end), text: insert })));
    } finally {
      this.#own = false;
    }
  }

  /** Puts the selections where they belong, if the editor has not done that by itself. */
  #select(wanted: readonly Cursor[]): void {
    const selections = wanted.map(({ anchor, head }) => {
      const [start, position] = [this.#model.getPositionAt(anchor), this.#model.getPositionAt(head)];
      return { selectionStartLineNumber: start.lineNumber, selectionStartColumn: start.column, positionLineNumber: position.lineNumber, positionColumn: position.column };
    });
    const found = this.#editor.getSelections() ?? [];
    const isThere = found.length === selections.length && selections.every((selection, index) => {
      const names = Object.keys(selection) as (keyof typeof selection)[];
      return names.every((name) => found[index]![name] === selection[name]);
    });
    if (!isThere && selections.length > 0) this.#editor.setSelections(selections);
  }

  /** The first line in view, and how far above the editor's edge it begins, in pixels; `null` at the very top. */
  #top(): { offset: number; above: number } | null {
    const scrollTop = this.#editor.getScrollTop();
    const line = this.#editor.getVisibleRanges()[0]?.startLineNumber;
    if (scrollTop <= 0 || line === undefined) return null;
    return { offset: this.#offset(line, 1), above: scrollTop - this.#editor.getTopForLineNumber(line) };
  }

  #scroll(offset: number, above: number): void {
    const wanted = this.#editor.getTopForLineNumber(this.#model.getPositionAt(offset).lineNumber) + above;
    if (wanted !== this.#editor.getScrollTop()) this.#editor.setScrollTop(wanted);
  }

  /** Empties the model's own history: undoing what it holds would change a text that has gone on. */
  #forget(): void {
    if (!this.#isStale || this.#model.isDisposed() || !this.#model.canUndo()) return;
    const state = this.#editor.getModel() === this.#model ? this.#editor.saveViewState() : null;
    this.#model.setValue(this.#model.getValue());
    if (state) this.#editor.restoreViewState(state);
  }

  #offset(lineNumber: number, column: number): number {
    return this.#model.getOffsetAt({ lineNumber, column });
  }

  #range(start: number, end: number): monaco.IRange {
    const [from, to] = [this.#model.getPositionAt(start), this.#model.getPositionAt(end)];
    return { startLineNumber: from.lineNumber, startColumn: from.column, endLineNumber: to.lineNumber, endColumn: to.column };
  }
}

/**
 * Has the model undo and redo by the document, whatever asks for it: keys, menus or a program. The model's
 * own history knows nothing of what crosses. Answers how to give that back.
 */
function takeHistory(model: monaco.editor.ITextModel, document: SharedDocument): () => void {
  Object.assign(model, {
    undo: () => void (document.readOnly || document.undo()),
    redo: () => void (document.readOnly || document.redo()),
    canUndo: () => document.canUndo,
    canRedo: () => document.canRedo,
  });
  return () => {
    for (const name of ["undo", "redo", "canUndo", "canRedo"]) Reflect.deleteProperty(model, name);
  };
}
