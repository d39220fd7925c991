import type { Node } from "prosemirror-model";
import { Plugin, PluginKey, TextSelection, type Command, type EditorState, type Transaction } from "prosemirror-state";
import { DecorationSet, type EditorView } from "prosemirror-view";
import { RemoteCarets, type RemoteCaret } from "../binding/carets.js";
import { Link, type LinkedEditor } from "../binding/link.js";
import { carried } from "../binding/selection.js";
import { componentLength, type Delta } from "../delta.js";
import type { Document as SharedDocument } from "../document.js";
import { report } from "../emitter.js";
import type { CowriteError } from "../error.js";
import { sameJson } from "../rich/iterator.js";
import type { RichBindingOptions } from "../rich/options.js";
import type { ChangeEvent, Cursor } from "../state.js";
import { caretDecorations } from "./carets.js";
import { Mapping } from "./mapping.js";
import { replaceNodes } from "./replace.js";
import { Shadow, type Replaced } from "./shadow.js";

/** Settings of {@link cowrite}. */
export type ProseMirrorOptions = RichBindingOptions;

interface PluginState {
  readonly document: SharedDocument;
  readonly readOnly: boolean;
  readonly carets: DecorationSet;
}

interface Meta {
  readonly readOnly?: boolean;
  readonly carets?: (state: EditorState) => DecorationSet;
}

const key = new PluginKey<PluginState>("cowrite");

/**
 * A plugin that keeps an editor and a document the same. What the editor shows before the
 * document is loaded is replaced then; from there on only what changes is. Undo and redo
 * take back what this user did alone, so leave out `prosemirror-history`.
 *
 * A change costs what the blocks of the top level that it touches cost, and a comparison
 * of each other by identity.
 *
 * @throws RangeError where the schema has no paragraph
 */
export function cowrite(document: SharedDocument, options: ProseMirrorOptions = {}): Plugin {
  return new Plugin<PluginState>({
    key,
    state: {
      init: () => ({ document, readOnly: true, carets: DecorationSet.empty }),
      apply(transaction, state, _, next) {
        const meta = transaction.getMeta(key) as Meta | undefined;
        const carets = meta?.carets?.(next) ?? (transaction.docChanged ? state.carets.map(transaction.mapping, transaction.doc) : state.carets);
        return { ...state, carets, readOnly: meta?.readOnly ?? state.readOnly };
      },
    },
    view: (view) => new Binding(view, document, options),
    props: {
      editable: (state) => !key.getState(state)!.readOnly,
      decorations: (state) => key.getState(state)!.carets,
      handleKeyDown(view, event) {
        const command = shortcut(event);
        return !!command && !view.composing && command(view.state, view.dispatch, view);
      },
      handleDOMEvents: {
        beforeinput(view, event) {
          const command = event.inputType === "historyUndo" ? undo : event.inputType === "historyRedo" ? redo : null;
          if (!command) return false;
          // From the browser's menu: its own undo knows nothing of what is shared.
          event.preventDefault();
          return command(view.state, view.dispatch, view);
        },
      },
    },
  });
}

/** Takes back the last group of edits made here. */
export const undo: Command = (state, dispatch) => history(state, !!dispatch, "canUndo", "undo");

/** Does again what {@link undo} took back last. */
export const redo: Command = (state, dispatch) => history(state, !!dispatch, "canRedo", "redo");

function history(state: EditorState, act: boolean, can: "canUndo" | "canRedo", verb: "undo" | "redo"): boolean {
  const found = key.getState(state);
  if (!found) return false;
  // A key that has nothing to undo is still no key for the browser's own undo.
  if (act && !found.readOnly && found.document[can]) found.document[verb]();
  return act || found.document[can];
}

function shortcut({ key: letter, ctrlKey, metaKey, shiftKey, altKey }: KeyboardEvent): Command | null {
  const mac = typeof navigator !== "undefined" && /Mac|iP(hone|[oa]d)/.test(navigator.platform);
  if (altKey || (mac ? !metaKey || ctrlKey : !ctrlKey || metaKey)) return null;
  if (letter.toLowerCase() === "z") return shiftKey ? redo : undo;
  return letter === "y" && !mac && !shiftKey ? redo : null;
}

class Binding implements LinkedEditor {
  readonly #view: EditorView;
  readonly #document: SharedDocument;
  readonly #options: ProseMirrorOptions;
  readonly #shadow: Shadow;
  readonly #link: Link;
  readonly #carets: RemoteCarets | undefined;
  /** The cursor that the others know, in offsets of the document. */
  #sent: Cursor | null = null;
  /** Whether the editor is known to show what the document does not hold. */
  #wrong = false;
  /** What the editor showed when it was last read. */
  #seen: Node | undefined;
  /** Whether the document is to be compared with what is shown of it, letter by letter. */
  #doubtful = false;
  /** What was shown when it was compared last. */
  #compared: Node | undefined;

  constructor(view: EditorView, document: SharedDocument, options: ProseMirrorOptions) {
    this.#view = view;
    this.#document = document;
    this.#options = options;
    this.#shadow = new Shadow(new Mapping(view.state.schema));
    this.#link = new Link(document, this);
    this.#link.holdWhileComposing(view.dom);
    this.#link.disposal.listen(view.dom, "focus", () => this.#sendCursor());
    this.#link.disposal.listen(view.dom, "blur", () => {
      // The one moment at which comparing everything disturbs nobody.
      if (this.#compared === view.state.doc) return;
      this.#doubtful = true;
      this.#link.schedule();
    });
    if (options.cursors !== false) {
      this.#carets = new RemoteCarets(document, (carets) => this.#drawCarets(carets), () => this.#link.isCurrent && !this.#link.isComposing && !this.#wrong);
    }
  }

  /** Called by the view after each of its updates. */
  update(): void {
    if (this.#link.disposal.done) return;
    this.#readIfChanged();
    this.#sendCursor();
  }

  destroy(): void {
    if (this.#link.disposal.done) return;
    this.#carets?.destroy();
    this.#link.destroy();
    if (this.#sent && !this.#document.error) this.#document.clearCursor();
  }

  /** @internal */
  load(): void {
    this.#reset();
    this.shown();
  }

  /**
   * Lets the editor see where the browser has put the caret by now: it is told in a task of
   * its own, and a change shown before that would put the caret back.
   * @internal
   */
  tell(): void {
    this.#flush();
    this.#readIfChanged();
  }

  /** @internal */
  show(change: ChangeEvent): void {
    const { selection, storedMarks } = this.#view.state;
    const kept = selection instanceof TextSelection
      ? change.selection ?? carried({ anchor: this.#shadow.offset(selection.anchor), head: this.#shadow.offset(selection.head) }, change.delta)
      : change.selection;
    if (this.#sent) this.#sent = carried(this.#sent, change.delta);
    const transaction = this.#replacing(this.#shadow.apply(change.delta));
    if (kept) this.#select(transaction, kept);
    // What was chosen for the next letter is the user's own.
    if (storedMarks && !change.selection) transaction.setStoredMarks(storedMarks);
    if (change.selection) transaction.scrollIntoView();
    if (transaction.docChanged || transaction.selectionSet) this.#view.dispatch(transaction);
  }

  /** @internal */
  shown(): void {
    if (this.#wrong || this.#shadow.length !== this.#document.length || (this.#doubtful && !sameJson(this.#shadow.content, this.#document.delta))) this.#repair();
    if (this.#doubtful) this.#compared = this.#view.state.doc;
    this.#doubtful = false;
    this.#carets?.invalidate();
    this.#sendCursor();
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
    // A plugin is made while its view is, which takes no transaction before that is done.
    queueMicrotask(() => this.#tell({ readOnly }));
  }

  /** An update is missed where another plugin of the application throws in it; the next one makes up for that. */
  #readIfChanged(): void {
    if (this.#link.isLoaded && this.#view.state.doc !== this.#seen) this.#read();
  }

  /** Takes what the editor shows now into the document. */
  #read(): void {
    this.#seen = this.#view.state.doc;
    const { delta, repair } = this.#shadow.read(this.#view.state.doc, this.#view.state.selection.head);
    if (delta.length > 0) this.#link.edit(delta);
    if (repair && !this.#wrong) this.#view.dispatch(this.#replacing([repair]));
  }

  /** Makes the editor show what the document holds. Linear, and not expected to happen. */
  #repair(): void {
    const told = this.#wrong ? undefined : this.#options.onRepair;
    const strayed = told ? new Shadow(this.#shadow.mapping, this.#document.delta).read(this.#view.state.doc, null).delta : [];
    this.#reset();
    const expected = this.#document.length;
    told?.({ found: expected + grown(strayed), expected, strayed });
  }

  #reset(): void {
    this.#wrong = false;
    const transaction = this.#replacing([this.#shadow.reset(this.#document.delta, this.#view.state.doc)]);
    // Nodes that were only found equal are taken over by reading them.
    if (transaction.docChanged) this.#view.dispatch(transaction);
    this.#read();
  }

  #replacing(parts: readonly Replaced[]): Transaction {
    const transaction = this.#view.state.tr.setMeta("addToHistory", false);
    for (const part of parts) replaceNodes(transaction, part);
    return transaction;
  }

  #select(transaction: Transaction, { anchor, head }: Cursor): void {
    const [from, to] = [this.#shadow.position(anchor), this.#shadow.position(head)];
    if (transaction.selection.anchor === from && transaction.selection.head === to) return;
    transaction.setSelection(TextSelection.between(transaction.doc.resolve(from), transaction.doc.resolve(to)));
  }

  #drawCarets(carets: readonly RemoteCaret[]): void {
    if (carets.length === 0 && key.getState(this.#view.state)?.carets === DecorationSet.empty) return;
    this.#tell({ carets: (state) => (carets.length > 0 ? caretDecorations(state, carets, (offset) => this.#shadow.position(offset)) : DecorationSet.empty) });
  }

  #flush(): void {
    // Not in the types, yet the one place where the editor reads the page.
    if (!this.#view.composing) (this.#view as unknown as { readonly domObserver?: { flush?(): void } }).domObserver?.flush?.();
  }

  #tell(meta: Meta): void {
    // Drawing the carets of others, too, puts the user's own back to where the editor believes it to be.
    this.#flush();
    if (!this.#link.disposal.done && key.getState(this.#view.state)) this.#view.dispatch(this.#view.state.tr.setMeta(key, meta).setMeta("addToHistory", false));
  }

  #sendCursor(): void {
    if (!this.#link.isCurrent || this.#link.isComposing || this.#wrong || this.#document.error || !this.#view.hasFocus()) return;
    const { anchor, head } = this.#view.state.selection;
    const cursor = { anchor: this.#shadow.offset(anchor), head: this.#shadow.offset(head) };
    if (this.#sent?.anchor === cursor.anchor && this.#sent.head === cursor.head) return;
    this.#sent = cursor;
    this.#document.setCursor(cursor.anchor, cursor.head);
  }
}

/** By how many units a change makes a text longer. */
function grown(delta: Delta): number {
  return delta.reduce((sum, component) => sum + ("insert" in component ? componentLength(component) : "delete" in component ? -component.delete : 0), 0);
}
