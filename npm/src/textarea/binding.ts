import { mapOffset, mapSpans, replacementOf, type Component, type Delta, type Replacement, type Span } from "../delta.js";
import type { Document as SharedDocument } from "../document.js";
import { report } from "../emitter.js";
import type { CowriteError } from "../error.js";
import type { ChangeEvent, Cursor } from "../state.js";
import { differenceOf } from "../binding/difference.js";
import { Overlay } from "./overlay.js";
import { hasBreaks, View } from "../binding/view.js";
import { bindUndo } from "./undo.js";

/** What can be bound: a textarea, or an input whose text has a selection (text, search, url, tel). */
export type TextareaElement = HTMLTextAreaElement | HTMLInputElement;

/** Settings of {@link bindTextarea}. */
export interface TextareaOptions {
  /** Whether the others' carets and selections are drawn over the element. Default `false`. */
  readonly cursors?: boolean;
  /**
   * Called when an edit that the user made could not be taken, such as one that is too
   * large; the element shows the document's text again. By default it is reported as an
   * uncaught error.
   */
  readonly onError?: (error: CowriteError) => void;
}

/** A bound element. */
export interface TextareaBinding {
  /** Ends the binding. The element keeps its text, and is as editable as it was before. */
  destroy(): void;
}

/**
 * Binds an element to a document: the element shows the document's text, edits of either
 * appear in the other, and caret, selection and scroll position stay where they are in
 * the text. What the element held before is replaced. It is read-only as long as the
 * document is. Undo and redo, by key or menu, are the document's: they take back what was
 * edited here and leave what others wrote.
 */
export function bindTextarea(element: TextareaElement, document: SharedDocument, options: TextareaOptions = {}): TextareaBinding {
  return new Binding(element, document, options);
}

class Binding implements TextareaBinding {
  readonly #element: TextareaElement;
  readonly #document: SharedDocument;
  readonly #onError: (error: CowriteError) => void;
  readonly #overlay: Overlay | undefined;
  readonly #end = new AbortController();
  readonly #unsubscribe: (() => void)[];
  readonly #wasReadOnly: boolean;
  readonly #singleLine: boolean;
  /** What element and document last agreed on. */
  #view: View;
  /** Changes of the document that the element does not show yet, in order. */
  #held: Delta[] = [];
  /** Where an undo among them put the selection, in offsets of the document. */
  #restored: Cursor | null = null;
  /** While an input method composes, the element is left alone. */
  #composing = false;
  /** Whether the document is being changed by this binding. */
  #own = false;
  #scheduled = false;
  /** The cursor that the others know, in offsets of the document. */
  #sent: Cursor | null = null;

  constructor(element: TextareaElement, document: SharedDocument, options: TextareaOptions) {
    this.#element = element;
    this.#document = document;
    this.#onError = options.onError ?? report;
    this.#wasReadOnly = element.readOnly;
    this.#singleLine = element.tagName === "INPUT";
    this.#view = new View("", this.#singleLine);
    if (options.cursors) this.#overlay = new Overlay(element, document, () => this.#view);
    this.#unsubscribe = [
      document.on("change", (event) => this.#changed(event)),
      document.on("opened", ({ first }) => {
        if (first) return this.#adopt();
        this.#guard();
        this.#schedule();
      }),
      document.on("closed", () => this.#guard()),
    ];
    this.#listen();
    this.#guard();
    if (document.role !== null) this.#adopt();
  }

  destroy(): void {
    if (this.#end.signal.aborted) return;
    this.#composing = false;
    this.#merge();
    this.#end.abort();
    for (const end of this.#unsubscribe) end();
    this.#overlay?.destroy();
    this.#element.readOnly = this.#wasReadOnly;
    if (this.#sent && !this.#document.error) this.#document.clearCursor();
  }

  #listen(): void {
    const element = this.#element;
    const { signal } = this.#end;
    element.addEventListener("input", (event) => {
      if (!(event as InputEvent).isComposing) this.#merge();
    }, { signal });
    element.addEventListener("compositionstart", () => void (this.#composing = true), { signal });
    element.addEventListener("compositionend", () => {
      this.#composing = false;
      this.#merge();
    }, { signal });
    bindUndo(element, {
      undo: () => this.#undo(() => this.#document.undo()),
      redo: () => this.#undo(() => this.#document.redo()),
      stopCapturing: () => {
        if (!this.#document.readOnly) this.#document.stopCapturing();
      },
    }, signal);
    element.addEventListener("focus", () => this.#sendCursor(), { signal });
    element.ownerDocument.addEventListener("selectionchange", () => this.#sendCursor(), { signal });
  }

  /** Shows the document as it is, whatever the element holds. */
  #adopt(): void {
    this.#held = [];
    this.#restored = null;
    this.#view = new View(this.#document.text, this.#singleLine);
    const { anchor, head } = this.#selection();
    this.#write(anchor, head);
    this.#guard();
    this.#sendCursor();
  }

  #guard(): void {
    this.#element.readOnly = this.#wasReadOnly || this.#document.readOnly;
    this.#overlay?.invalidate();
  }

  #changed(event: ChangeEvent): void {
    if (this.#own && event.origin === "local") return;
    this.#held.push(event.delta);
    const { selection, delta } = event;
    this.#restored = selection ?? (this.#restored && {
      anchor: mapOffset(delta, this.#restored.anchor, "before"),
      head: mapOffset(delta, this.#restored.head, "before"),
    });
    this.#schedule();
  }

  #undo(act: () => boolean): void {
    if (this.#composing || this.#element.readOnly || this.#document.readOnly) return;
    this.#merge();
    try {
      act();
    } catch (error) {
      this.#onError(error as CowriteError);
    }
    this.#merge();
  }

  /**
   * The document holds all changes of one call before it tells the first of them, so they
   * are taken in when the last has been told: only then do its offsets mean what they say.
   */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#end.signal.aborted || this.#document.role === null || this.#document.error) return;
      this.#merge();
      // A change that was told in another form than it was made would leave them apart.
      if (!this.#composing && this.#view.isPlain && this.#view.text.length !== this.#document.length) this.#adopt();
    });
  }

  /** Brings the user's edits into the document and the document's changes into the element. */
  #merge(): void {
    if (this.#composing || this.#document.role === null || this.#document.error) return;
    const value = this.#element.value;
    const selection = this.#selection();
    const local = differenceOf(this.#view.text, value, Math.max(selection.anchor, selection.head));
    const held = this.#held;
    const restored = this.#restored;
    this.#held = [];
    this.#restored = null;
    if (local) this.#mergeLocal(local, held, value, selection);
    else if (held.length > 0) this.#showHeld(held, selection, restored);
    this.#overlay?.invalidate();
    if (local) this.#sendCursor();
  }

  #mergeLocal(local: Replacement, held: Delta[], value: string, selection: Cursor): void {
    // The user edited what the element showed; the document may have gone on since then.
    const before = this.#view;
    let removed: Span[] = [{ start: before.toDocument(local.start), end: before.toDocument(local.end) }];
    let at = before.toDocument(local.start);
    for (const delta of held) {
      removed = mapSpans(delta, removed);
      at = mapOffset(delta, at, "after");
    }
    const edit = editOf(at, local.insert, removed);
    const taken = this.#apply(edit);
    if (taken && held.length === 0 && before.isPlain) {
      this.#view = new View(value, this.#singleLine);
      return;
    }
    const from = mapOffset(edit, at, "before");
    const place = (offset: number) => {
      const into = offset - local.start;
      if (into > 0 && into <= local.insert.length) return taken ? from + into : at;
      let place = before.toDocument(into <= 0 ? offset : offset - local.insert.length + local.end - local.start);
      for (const delta of held) place = mapOffset(delta, place, "before");
      return taken ? mapOffset(edit, place, "before") : place;
    };
    const [anchor, head] = [place(selection.anchor), place(selection.head)];
    this.#view = new View(this.#document.text, this.#singleLine);
    this.#write(this.#view.toView(anchor), this.#view.toView(head));
  }

  #apply(edit: Delta): boolean {
    this.#own = true;
    try {
      this.#document.apply(edit);
      return true;
    } catch (error) {
      this.#onError(error as CowriteError);
      return false;
    } finally {
      this.#own = false;
    }
  }

  #showHeld(held: Delta[], selection: Cursor, restored: Cursor | null): void {
    const before = this.#view;
    let anchor = before.toDocument(selection.anchor);
    let head = before.toDocument(selection.head);
    let tied = false;
    let text: string | null = before.isPlain ? before.text : null;
    for (const delta of held) {
      // A selection does not grow by what others insert at its edges; a caret stays before it.
      const anchorSide = anchor < head ? "after" : "before";
      const headSide = anchor > head ? "after" : "before";
      tied ||= [anchor, head].some((offset) => mapOffset(delta, offset, "before") !== mapOffset(delta, offset, "after"));
      [anchor, head] = [mapOffset(delta, anchor, anchorSide), mapOffset(delta, head, headSide)];
      const change = text === null ? null : replacementOf(delta, text);
      if (!change) continue;
      text = hasBreaks(change.insert, this.#singleLine) ? null : text!.slice(0, change.start) + change.insert + text!.slice(change.end);
    }
    this.#view = new View(text ?? this.#document.text, this.#singleLine);
    if (restored) ({ anchor, head } = restored);
    this.#write(this.#view.toView(anchor), this.#view.toView(head), restored !== null);
    if (!this.#sent) return;
    // The engine has carried the cursor along by the same rule, but for ties.
    this.#sent = tied && !restored ? null : { anchor, head };
    this.#sendCursor();
  }

  /** Makes the element show the view, by the smallest change; the selection is set where that moves it, or if `select`. */
  #write(anchor: number, head: number, select = false): void {
    const element = this.#element;
    const change = differenceOf(element.value, this.#view.text, Math.max(anchor, head));
    if (change || select) {
      const { scrollTop, scrollLeft } = element;
      if (change) element.setRangeText(change.insert, change.start, change.end, "preserve");
      element.setSelectionRange(Math.min(anchor, head), Math.max(anchor, head), anchor > head ? "backward" : "forward");
      element.scrollTop = scrollTop;
      element.scrollLeft = scrollLeft;
    }
    this.#overlay?.invalidate();
  }

  #selection(): Cursor {
    const { selectionStart, selectionEnd, selectionDirection } = this.#element;
    const [start, end] = [selectionStart ?? 0, selectionEnd ?? 0];
    return selectionDirection === "backward" ? { anchor: end, head: start } : { anchor: start, head: end };
  }

  #sendCursor(): void {
    const root = this.#element.getRootNode() as Document | ShadowRoot;
    if (this.#composing || this.#held.length > 0 || root.activeElement !== this.#element) return;
    if (this.#document.role === null || this.#document.error) return;
    const selection = this.#selection();
    const cursor = { anchor: this.#view.toDocument(selection.anchor), head: this.#view.toDocument(selection.head) };
    if (this.#sent && this.#sent.anchor === cursor.anchor && this.#sent.head === cursor.head) return;
    // An input event that is still to come has moved the caret already: it will send it.
    if (this.#element.value.length !== this.#view.text.length) return;
    this.#sent = cursor;
    this.#document.setCursor(cursor.anchor, cursor.head);
  }
}

/** The edit that deletes the spans and inserts the text at `at`. The spans rise. */
function editOf(at: number, insert: string, removed: readonly Span[]): Delta {
  const edit: Component[] = [];
  let position = 0;
  let inserted = insert === "";
  const moveTo = (offset: number) => {
    if (offset > position) edit.push({ retain: offset - position });
    position = offset;
  };
  const insertNow = () => {
    moveTo(at);
    edit.push({ insert });
    inserted = true;
  };
  for (const { start, end } of removed) {
    if (start === end) continue;
    if (!inserted && at <= start) insertNow();
    moveTo(start);
    edit.push({ delete: end - start });
    position = end;
  }
  if (!inserted) insertNow();
  return edit;
}
