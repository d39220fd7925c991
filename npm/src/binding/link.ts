import type { Delta } from "../delta.js";
import type { Document as SharedDocument } from "../document.js";
import { report } from "../emitter.js";
import type { CowriteError } from "../error.js";
import type { ChangeEvent } from "../state.js";
import { Disposal } from "./disposal.js";
import { normalized, rebase } from "./rebase.js";

/** What a {@link Link} asks of the binding of an editor. None of it is called while the editor calls the link. */
export interface LinkedEditor {
  /** Shows the document as it is, in place of whatever is shown. Called once it is loaded, and not again. */
  load(): void;
  /**
   * The editor is about to be shown what waits. Where it does not tell of every edit by itself, this is the
   * last moment to take one, by {@link Link.edit}, before it would be mistaken for a disagreement.
   */
  tell?(): void;
  /** Shows one change that was not made in the editor. Its offsets are those of what the editor shows. */
  show(change: ChangeEvent): void;
  /** The editor has been shown everything, so that both must be equal: the moment to look whether they are. */
  shown(): void;
  /** Some edit of the editor was refused, so it shows what the document does not hold. `shown` follows. */
  refused(error: CowriteError): void;
  /** Something was thrown while the editor was shown a change, so it may show anything. `shown` follows. */
  failed(): void;
  /** Whether the user may type. Called first of all, and whenever the answer may be another. */
  setReadOnly(readOnly: boolean): void;
}

/**
 * What stands between a document and an editor. The editor's own edits go in at once, by
 * {@link edit}; everything else is shown to the editor once the call that it came by is
 * over, or once an input method has composed its word. Whatever waits and whatever is
 * typed meanwhile are carried over each other, so that both sides come out equal.
 */
export class Link {
  /** What ends with the link. */
  readonly disposal: Disposal = new Disposal();
  readonly #document: SharedDocument;
  readonly #editor: LinkedEditor;
  /** Changes that the editor does not show yet, in order. */
  #held: ChangeEvent[] = [];
  #loaded = false;
  #composing = false;
  #releasing: ReturnType<typeof setTimeout> | undefined;
  #scheduled = false;
  /** Whether the next change that is told is the one that the editor has made. */
  #own = false;

  /** Begins by {@link LinkedEditor.setReadOnly}; a document that is loaded is shown at the end of the task. */
  constructor(document: SharedDocument, editor: LinkedEditor) {
    this.#document = document;
    this.#editor = editor;
    const guard = () => editor.setReadOnly(document.readOnly);
    this.disposal.add(
      document.on("change", (change) => this.#changed(change)),
      document.on("opened", () => {
        guard();
        this.schedule();
      }),
      document.on("closed", guard),
      () => clearTimeout(this.#releasing),
    );
    guard();
    this.schedule();
  }

  /** Whether the editor shows the document, so that offsets of the one are those of the other. */
  get isCurrent(): boolean {
    return this.#loaded && this.#held.length === 0;
  }

  /** Whether the document has been shown. What is edited before is not the document. */
  get isLoaded(): boolean {
    return this.#loaded;
  }

  /** Whether an input method composes a word, so that the editor is left alone. */
  get isComposing(): boolean {
    return this.#composing;
  }

  /** An input method begins to compose a word. */
  hold(): void {
    clearTimeout(this.#releasing);
    this.#composing = true;
  }

  /**
   * The word is done. What waits is shown in a task of its own: the editor may have the last letters
   * still to read from the page.
   */
  release(): void {
    if (!this.#composing) return;
    clearTimeout(this.#releasing);
    this.#releasing = setTimeout(() => {
      this.#composing = false;
      this.flush();
    });
  }

  /** Holds while an input method composes in an element. */
  holdWhileComposing(element: EventTarget): void {
    this.disposal.listen(element, "compositionstart", () => this.hold());
    this.disposal.listen(element, "compositionend", () => this.release());
  }

  /**
   * Takes an edit that the editor has made of what it shows. Answers the edit as it was made of the
   * document, or `null` where the document refused it; the editor is then told and shown the truth.
   */
  edit(delta: Delta): Delta | null {
    if (this.disposal.done || !this.#loaded) return null;
    let mine = normalized(delta);
    const held: ChangeEvent[] = [];
    for (const change of this.#held) {
      const [carried, theirs] = rebase(mine, change.delta);
      held.push({ ...change, delta: theirs });
      mine = carried;
    }
    if (mine.length > 0) {
      this.#own = true;
      try {
        this.#document.apply(mine);
      } catch (error) {
        // Each entry of the package is a bundle of its own, so the class may be another copy.
        if (!(error instanceof Error) || error.name !== "CowriteError") throw error;
        this.#editor.refused(error as CowriteError);
        this.schedule();
        return null;
      } finally {
        this.#own = false;
      }
    }
    this.#held = [...held, ...this.#held.slice(held.length)];
    return mine;
  }

  /** Shows what waits at the end of the task, and has the editor compared with the document. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // The document holds all changes of one call before it tells the first of them.
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Shows what waits, unless an input method composes. */
  flush(): void {
    if (this.disposal.done || this.#composing || this.#document.role === null) return;
    if (!this.#loaded) {
      this.#loaded = true;
      this.#held = [];
      this.#editor.load();
      return;
    }
    this.#attempt(() => this.#editor.tell?.());
    // Taken one by one: an editor may answer one with an edit of its own.
    for (let change = this.#held.shift(); change; change = this.#held.shift()) {
      const next = change;
      this.#attempt(() => this.#editor.show(next));
    }
    // Of a document that has closed the text may be lost; what the editor shows is the last that is left of it.
    if (!this.#document.error) this.#attempt(() => this.#editor.shown());
  }

  /** Ends the link; what waits is not shown any more. */
  destroy(): void {
    this.#held = [];
    this.disposal.dispose();
  }

  /** What an application's own code throws within the editor keeps nothing else from being shown. */
  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#editor.failed();
      report(error);
    }
  }

  #changed(change: ChangeEvent): void {
    if (this.#own && change.origin === "local") return void (this.#own = false);
    if (!this.#loaded) return;
    this.#held.push(change);
    this.schedule();
  }
}

