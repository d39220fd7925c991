import { mapOffset, type Replacement } from "../delta.js";
import type { Document as SharedDocument } from "../document.js";
import { report } from "../emitter.js";
import type { CowriteError } from "../error.js";
import type { ChangeEvent, Cursor } from "../state.js";
import { RemoteCarets, type RemoteCaret } from "./carets.js";
import { differenceOf } from "./difference.js";
import { LineEnds, lineFeeds } from "./line-ends.js";
import { Link, type LinkedEditor } from "./link.js";

/** What every binding of an editor can be told. */
export interface BindingOptions {
  /** Whether the others' carets and selections are shown. Default `true`. */
  readonly cursors?: boolean;
  /**
   * Called when an edit that the user made could not be taken, such as one that is too
   * large; the editor shows the document's text again. By default it is reported as an
   * uncaught error.
   */
  readonly onError?: (error: CowriteError) => void;
  /** Called when the editor was found to show another text than the document's, and was made to show that. */
  readonly onRepair?: (repair: Repair) => void;
}

/** A bound editor. */
export interface Binding {
  /** Ends the binding and leaves nothing of it behind. The editor keeps its text, and is as editable as it was before. */
  destroy(): void;
}

/** An editor had been changed behind its binding's back. */
export interface Repair {
  /** Length that the editor's text had, in UTF-16 code units. */
  readonly found: number;
  /** Length that it should have had, in UTF-16 code units. */
  readonly expected: number;
  /** What was done to the editor's text. */
  readonly replacement: Replacement;
}

/** An editor of plain text, as a {@link TextBinding} drives it. Its text has line feeds only; offsets are UTF-16 code units. */
export interface TextEditor {
  readonly length: number;
  /** Whether it shows no line feeds either. */
  readonly singleLine?: boolean;
  text(): string;
  slice(start: number, end: number): string;
  /** Replaces whatever is there. Not called again after the first load. */
  load(text: string): void;
  /** Makes others' changes, rising and in offsets before the first, and keeps selection and what is in view in its place. */
  change(replacements: readonly Replacement[]): void;
  setReadOnly(readOnly: boolean): void;
  /** The selection, if the editor has the focus. */
  selection(): Cursor | null;
  /** Puts the selection somewhere, and brings it into view. */
  select(selection: Cursor): void;
  /** Gives {@link TextBinding.edited} what it has not told yet; for editors that do not tell of every edit. */
  tell?(): void;
  /** Shows the others' carets in place of those before, in the editor's offsets. */
  drawCarets(carets: readonly RemoteCaret[]): void;
}

/** @internal Keeps an editor of plain text and a document the same; what all such bindings have in common. */
export class TextBinding implements LinkedEditor {
  readonly link: Link;
  readonly #document: SharedDocument;
  readonly #editor: TextEditor;
  readonly #options: BindingOptions;
  readonly #ends: LineEnds;
  readonly #carets: RemoteCarets | undefined;
  /** The cursor that the others know, in offsets of the document. */
  #sent: Cursor | null = null;
  /** Whether the editor is known to show what the document does not hold. */
  #wrong = false;
  /** Whether the editor was found to have been changed behind the binding's back. */
  #differs = false;

  constructor(document: SharedDocument, editor: TextEditor, options: BindingOptions) {
    this.#document = document;
    this.#editor = editor;
    this.#options = options;
    this.#ends = new LineEnds(editor.singleLine);
    this.link = new Link(document, this);
    if (options.cursors !== false) this.#carets = new RemoteCarets(document, (carets) => this.#draw(carets), () => this.link.isCurrent);
  }

  /** Takes the changes that a user or a program has made in the editor: rising, and in offsets before the first. */
  edited(replacements: readonly Replacement[]): void {
    if (!this.link.isLoaded || this.link.disposal.done) return;
    const edit = this.#ends.made(this.#aligned(replacements));
    if (this.link.edit(edit) && this.#wrong) this.link.schedule();
    this.sendCursor();
  }

  /** A program has replaced the editor's whole text: what it has changed is found by comparing. */
  replaced(): void {
    if (!this.link.isLoaded) return;
    if (!this.link.isCurrent) {
      this.#wrong = true;
      return this.link.schedule();
    }
    const [before, after] = [lineFeeds(this.#document.text), this.#editor.text()];
    const difference = differenceOf(before, after, this.#editor.selection()?.head ?? after.length);
    if (difference) this.edited([difference]);
  }

  /** The editor was found to show what it was not shown, and what no edit may make of it. */
  differs(): void {
    this.#differs = true;
    this.link.schedule();
  }

  /** Tells the others where the user's caret is; to be called when it has moved, or the focus has come. */
  sendCursor(): void {
    if (!this.link.isCurrent || this.link.disposal.done || this.#wrong || this.#document.error) return;
    const selection = this.#editor.selection();
    if (!selection) return;
    const cursor = { anchor: this.#ends.toDocument(selection.anchor), head: this.#ends.toDocument(selection.head) };
    if (this.#sent?.anchor === cursor.anchor && this.#sent.head === cursor.head) return;
    // A change behind the binding's back is found at the next change; until then the offset may be none.
    if (Math.max(cursor.anchor, cursor.head) > this.#document.length) return;
    this.#sent = cursor;
    this.#document.setCursor(cursor.anchor, cursor.head);
  }

  destroy(): void {
    if (this.link.disposal.done) return;
    this.#carets?.destroy();
    this.link.destroy();
    if (this.#sent && !this.#document.error) this.#document.clearCursor();
  }

  /** @internal */
  load(): void {
    const text = this.#ends.reset(this.#document.text);
    if (this.#editor.length !== text.length || this.#editor.text() !== text) this.#editor.load(text);
    this.shown();
  }

  /** @internal */
  tell(): void {
    this.#editor.tell?.();
  }

  /** @internal */
  show({ delta, selection }: ChangeEvent): void {
    const replacements = this.#ends.show(delta, () => this.#editor.text());
    if (replacements.length > 0 && replacements.at(-1)!.end <= this.#editor.length) this.#editor.change(replacements);
    if (selection) this.#editor.select({ anchor: this.#toEditor(selection.anchor), head: this.#toEditor(selection.head) });
    if (!this.#sent) return;
    // The engine has carried the cursor along by the same rule, but for ties.
    const { anchor, head } = this.#sent;
    const [before, after] = (["before", "after"] as const).map((side) => ({ anchor: mapOffset(delta, anchor, side), head: mapOffset(delta, head, side) }));
    this.#sent = before!.anchor === after!.anchor && before!.head === after!.head ? before! : null;
  }

  /** @internal */
  shown(): void {
    const text = this.#ends.text;
    const isEqual = text === null
      ? this.#editor.length === this.#document.length
      : text === this.#document.text && this.#editor.length === this.#ends.toEditor(text.length);
    if (!isEqual || this.#wrong || this.#differs) this.#repair();
    this.#carets?.invalidate();
    this.sendCursor();
  }

  /** @internal */
  refused(error: CowriteError): void {
    this.#wrong = true;
    (this.#options.onError ?? report)(error);
  }

  /** @internal */
  failed(): void {
    this.#wrong = true;
  }

  /** @internal */
  setReadOnly(readOnly: boolean): void {
    this.#editor.setReadOnly(readOnly);
  }

  /** Makes the editor show the document by the smallest change. Linear, and not expected to happen. */
  #repair(): void {
    const wasKnown = this.#wrong;
    this.#wrong = this.#differs = false;
    this.#sent = null;
    const found = this.#editor.text();
    const expected = this.#ends.reset(this.#document.text);
    const replacement = differenceOf(found, expected, Math.min(expected.length, this.#editor.selection()?.head ?? 0));
    if (!replacement) return;
    this.#editor.change([replacement]);
    if (!wasKnown) this.#options.onRepair?.({ found: found.length, expected: expected.length, replacement });
  }

  /** The changes without halves of surrogate pairs at their edges: editors compare what is typed by code units. */
  #aligned(replacements: readonly Replacement[]): readonly Replacement[] {
    let shift = 0;
    return replacements.map(({ start, end, insert }) => {
      const after = start + shift + insert.length;
      shift += insert.length - (end - start);
      const high = this.#editor.slice(after - insert.length - 1, after - insert.length);
      const low = this.#editor.slice(after, after + 1);
      if (/[\uD800-\uDBFF]/.test(high)) [start, insert] = [start - 1, high + insert];
      if (/[\uDC00-\uDFFF]/.test(low)) [end, insert] = [end + 1, insert + low];
      const whole = insert.replace(/\r\n?/g, "\n").replace(/\p{Surrogate}/gu, "");
      // Half a character cannot be stored anywhere.
      if (whole !== insert) this.#wrong = true;
      return { start, end, insert: whole };
    });
  }

  #draw(carets: readonly RemoteCaret[]): void {
    this.#editor.drawCarets(carets.map((caret) => ({ ...caret, anchor: this.#toEditor(caret.anchor), head: this.#toEditor(caret.head) })));
  }

  #toEditor(offset: number): number {
    return Math.min(this.#ends.toEditor(offset), this.#editor.length);
  }
}
