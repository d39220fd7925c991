import { replacementOf, type Delta } from "./delta.js";

/** So many changes are put together at most when the text is asked for. */
const MOST_CHANGES = 1_000;

/**
 * A document's text as it was told, for when the engine can tell it no more: some text
 * that it had, and the changes since. Costs nothing a change but to keep it.
 */
export class RememberedText {
  readonly #read: () => string;
  #text = "";
  #changes: Delta[] = [];
  #reading = false;

  /** @param read reads the text from the engine; it may throw */
  constructor(read: () => string) {
    this.#read = read;
  }

  /** A change was told. */
  changed(delta: Delta): void {
    this.#changes.push(delta);
    if (this.#changes.length < MOST_CHANGES || this.#reading) return;
    this.#reading = true;
    // The engine holds all changes of one call before it tells the first of them.
    queueMicrotask(() => {
      this.#reading = false;
      try {
        [this.#text, this.#changes] = [this.#read(), []];
      } catch {
        // Then there are more changes to put together.
      }
    });
  }

  /** The text. Linear, times the changes that are kept. */
  get text(): string {
    for (const delta of this.#changes.splice(0)) {
      const change = replacementOf(delta, this.#text);
      if (change) this.#text = this.#text.slice(0, change.start) + change.insert + this.#text.slice(change.end);
    }
    return this.#text;
  }
}
