import type { Document as SharedDocument } from "../document.js";
import { memberColor } from "./color.js";

/** Another member's caret or selection. */
export interface RemoteCaret {
  /** The member's number in the document. */
  readonly member: number;
  readonly name: string;
  /** A CSS colour: the one that the member shows, or one that its user's id gives. */
  readonly color: string;
  /** Where the selection began, in UTF-16 code units of the document. */
  readonly anchor: number;
  /** Where the caret stands, in UTF-16 code units of the document. */
  readonly head: number;
}

/** Where the other members of a document are, told anew when that may have changed, once a frame at most. */
export class RemoteCarets {
  readonly #document: SharedDocument;
  readonly #draw: (carets: readonly RemoteCaret[]) => void;
  readonly #isCurrent: () => boolean;
  readonly #unsubscribe: (() => void)[];
  #ended = false;
  /** Whether a caret is shown, so that an edit may move it. An edit never brings one. */
  #shown = false;
  /** Whether they could not be drawn when they were to be. */
  #missed = false;
  #cancel: (() => void) | undefined;

  /**
   * @param draw shows the carets. It is not called while the editor does not show all of the document
   *   (`isCurrent` answers `false`), because then the offsets are not the editor's.
   */
  constructor(document: SharedDocument, draw: (carets: readonly RemoteCaret[]) => void, isCurrent: () => boolean = () => true) {
    this.#document = document;
    this.#draw = draw;
    this.#isCurrent = isCurrent;
    this.#unsubscribe = [
      document.on("presence", () => this.#request()),
      // An edit moves the carets behind it, and no event tells of that.
      document.on("change", () => this.invalidate()),
      document.on("closed", () => this.#request()),
    ];
    this.#request();
  }

  /**
   * Draws what there is to draw again at the next frame; to be called when the editor has come to show all
   * of the document.
   */
  invalidate(): void {
    if (this.#shown || this.#missed) this.#request();
  }

  /** Draws no more; what is drawn is the binding's to take away. */
  destroy(): void {
    this.#ended = true;
    this.#cancel?.();
    for (const end of this.#unsubscribe) end();
  }

  #request(): void {
    if (this.#ended) return;
    this.#cancel ??= atNextFrame(() => {
      this.#cancel = undefined;
      this.#missed = !this.#isCurrent();
      if (this.#missed) return;
      const carets = caretsOf(this.#document);
      this.#shown = carets.length > 0;
      this.#draw(carets);
    });
  }
}

/** The carets of all members but this one, by rising number. */
export function caretsOf(document: SharedDocument): RemoteCaret[] {
  const carets: RemoteCaret[] = [];
  for (const member of document.error ? [] : document.members) {
    if (member.self || !member.cursor) continue;
    carets.push({ member: member.number, name: member.name, color: memberColor(member), ...member.cursor });
  }
  return carets.sort((a, b) => a.member - b.member);
}

/** Calls once, when the page is drawn next; without a page, soon. The answer calls it off. */
export function atNextFrame(call: () => void): () => void {
  if (typeof requestAnimationFrame === "function") {
    const frame = requestAnimationFrame(call);
    return () => cancelAnimationFrame(frame);
  }
  const timer = setTimeout(call);
  return () => clearTimeout(timer);
}
