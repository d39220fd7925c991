import type Quill from "quill";
import { RemoteCarets } from "../binding/carets.js";
import { Link, type LinkedEditor } from "../binding/link.js";
import type { Binding } from "../binding/text.js";
import type { Delta, QuillDelta } from "../delta.js";
import type { Document as SharedDocument } from "../document.js";
import { report } from "../emitter.js";
import type { CowriteError } from "../error.js";
import type { RichBindingOptions } from "../rich/options.js";
import type { ChangeEvent, Cursor } from "../state.js";
import { CaretLayer } from "./carets.js";
import { QuillView, setsLine, undrawn } from "./view.js";

/** Settings of {@link bindQuill}. */
export type QuillOptions = RichBindingOptions;

/**
 * Binds an editor to a document: the editor shows the document's text and formats, edits
 * of either appear in the other, and the selection stays where it is in the text. What the
 * editor held before is replaced. Changes that others made are of the source `api`; undo
 * and redo, by key, menu or `quill.history`, take back what this user did alone.
 */
export function bindQuill(quill: Quill, document: SharedDocument, options: QuillOptions = {}): Binding {
  return new QuillBinding(quill, document, options);
}

/** The part of Quill's history module that records and undoes. */
interface HistoryModule {
  change(from: "undo" | "redo", to: "undo" | "redo"): void;
  record(): void;
  transform(): void;
  clear(): void;
}

class QuillBinding implements Binding, LinkedEditor {
  readonly #quill: Quill;
  readonly #document: SharedDocument;
  readonly #options: QuillOptions;
  readonly #view: QuillView;
  readonly #link: Link;
  readonly #wasEnabled: boolean;
  readonly #carets: RemoteCarets | undefined;
  /** Whether the editor is being changed by this binding. */
  #applying = false;
  /** Whether the editor may show something else than the document holds. */
  #doubtful = false;
  /** Whether that would be for a reason that is known. */
  #expected = false;
  /** What the editor held when it was compared with the document last; Quill makes another with each change. */
  #compared: QuillContents | undefined;
  /** The cursor that the others know, in offsets of the document. */
  #sent: Cursor | null = null;

  constructor(quill: Quill, document: SharedDocument, options: QuillOptions) {
    this.#quill = quill;
    this.#document = document;
    this.#options = options;
    this.#wasEnabled = quill.isEnabled();
    this.#view = new QuillView({ knows: (name) => quill.scroll.query(name) !== null });
    this.#link = new Link(document, this);
    this.#link.holdWhileComposing(quill.root);
    this.#listen();
    this.#replaceHistory();
    if (options.cursors !== false) {
      const layer = new CaretLayer(quill);
      this.#carets = new RemoteCarets(document, (carets) => layer.draw(carets), () => this.#link.isCurrent && !this.#link.isComposing);
      this.#link.disposal.add(() => layer.destroy(), () => this.#carets?.destroy());
    }
  }

  destroy(): void {
    if (this.#link.disposal.done) return;
    this.#link.destroy();
    this.#quill.enable(this.#wasEnabled);
    if (this.#sent && !this.#document.error) this.#document.clearCursor();
  }

  /** @internal */
  load(): void {
    const content = this.#view.load(this.#document.delta);
    this.#apply(() => this.#quill.setContents(mutable(content), "api"));
    this.shown();
  }

  /** @internal */
  show({ delta, selection }: ChangeEvent): void {
    const quill = this.#quill;
    const change = this.#view.show(delta, quill.getLength(), (offset) => quill.getText(offset, 1) === "\n");
    this.#apply(() => quill.updateContents(mutable(change), "api"));
    if (setsLine(delta)) this.#doubtful = this.#expected = true;
    // The editor carries the selection along, but not as undo wants it.
    if (selection && quill.hasFocus()) quill.setSelection(Math.min(selection.anchor, selection.head), Math.abs(selection.head - selection.anchor), "api");
  }

  /** @internal */
  shown(): void {
    if (this.#doubtful || this.#quill.getLength() - (this.#view.hasExtra ? 1 : 0) !== this.#document.length) this.#repair();
    this.#carets?.invalidate();
    this.#sendCursor();
  }

  /** @internal */
  refused(error: CowriteError): void {
    this.#doubtful = this.#expected = true;
    (this.#options.onError ?? report)(error);
  }

  /** @internal */
  failed(): void {
    this.#doubtful = this.#expected = true;
  }

  /** @internal */
  setReadOnly(readOnly: boolean): void {
    this.#quill.enable(this.#wasEnabled && !readOnly);
  }

  #listen(): void {
    const edited = (event: string, delta: unknown, before: unknown) => {
      if (event !== "text-change" || this.#applying || !this.#link.isLoaded) return;
      const length = this.#quill.getLength();
      const edit = this.#view.take((delta as QuillDelta).ops, (before as { length(): number }).length(), length > 1 && this.#quill.getText(length - 2, 1) === "\n");
      this.#link.edit(edit);
    };
    // Asking for the selection walks the document. The engine moves the cursor along with what is typed.
    const moved = (type: string) => {
      if (type === "selection-change") this.#sendCursor();
    };
    const left = () => {
      // The one moment at which comparing everything disturbs nobody.
      if (this.#compared === this.#quill.editor.delta) return;
      this.#doubtful = true;
      this.#link.schedule();
    };
    // Comes before `text-change`, in which an application's own listener may throw and end the call.
    this.#quill.on("editor-change", edited);
    this.#quill.on("editor-change", moved);
    this.#link.disposal.add(() => this.#quill.off("editor-change", edited), () => this.#quill.off("editor-change", moved));
    this.#link.disposal.listen(this.#quill.root, "blur", left);
  }

  /** The editor's own history would take back what others did. Its keys and its menu stay. */
  #replaceHistory(): void {
    const history = this.#quill.getModule("history") as (HistoryModule & Record<string, unknown>) | undefined;
    if (!history) return;
    history.clear();
    history.change = (from) => {
      const can = from === "undo" ? this.#document.canUndo : this.#document.canRedo;
      if (can && !this.#document.readOnly && !this.#link.isComposing) this.#document[from]();
    };
    history.record = history.transform = () => {};
    this.#link.disposal.add(() => {
      // Those of its class come to light again.
      for (const name of ["change", "record", "transform"]) delete history[name];
      history.clear();
    });
  }

  /** Makes the editor show what the document holds, by the difference. Linear in the document, and rarely needed. */
  #repair(): void {
    const wasExpected = this.#expected;
    this.#doubtful = this.#expected = false;
    const held = this.#quill.getContents();
    const shown = new (held.constructor as QuillContentsClass)(undrawn(held.ops as QuillDelta["ops"]));
    const found = shown.length() - (this.#view.hasExtra ? 1 : 0);
    const wanted = new (held.constructor as QuillContentsClass)(this.#view.load(this.#document.delta));
    const change = shown.diff(wanted);
    if (change.ops.length > 0) this.#apply(() => this.#quill.updateContents(change, "api"));
    this.#compared = this.#quill.editor.delta;
    if (change.ops.length === 0 || wasExpected) return;
    this.#options.onRepair?.({ found, expected: this.#document.length, strayed: wanted.diff(shown).ops as QuillDelta["ops"] });
  }

  #apply(change: () => void): void {
    this.#applying = true;
    try {
      change();
    } finally {
      this.#applying = false;
    }
  }

  #sendCursor(): void {
    if (this.#applying || !this.#link.isCurrent || this.#link.isComposing || this.#link.disposal.done || this.#document.error || this.#doubtful) return;
    const range = this.#quill.hasFocus() ? this.#quill.getSelection() : null;
    if (!range) return;
    const most = this.#document.length;
    const cursor = { anchor: Math.min(range.index, most), head: Math.min(range.index + range.length, most) };
    if (this.#sent?.anchor === cursor.anchor && this.#sent.head === cursor.head) return;
    this.#sent = cursor;
    this.#document.setCursor(cursor.anchor, cursor.head);
  }
}

/** What an editor holds, as Quill keeps it. */
type QuillContents = Quill["editor"]["delta"];
type QuillContentsClass = new (ops: unknown) => QuillContents;

/** A delta as Quill takes it: it only reads it. */
function mutable(delta: Delta): Parameters<Quill["updateContents"]>[0] {
  return delta as unknown as Parameters<Quill["updateContents"]>[0];
}
