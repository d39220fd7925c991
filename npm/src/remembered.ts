import { replacementOf, type Delta, type Replacement } from "./delta.js";

/** So many changes are put together at most when the text is asked for. */
const MOST_CHANGES = 1_000;
/** What was typed at one place is one change up to this length, so that one more letter copies little. */
const MOST_UNITS = 200;

/**
 * A document's text as it was told, for when the engine can tell it no more: some text
 * that it had, and the changes since. Costs next to nothing a change; what is typed at
 * one place is kept as one.
 */
export class RememberedText {
  readonly #read: () => string;
  #text = "";
  #changes: (Replacement | Delta)[] = [];
  #reading = false;

  /** @param read reads the text from the engine; it may throw */
  constructor(read: () => string) {
    this.#read = read;
  }

  /** A change was told. */
  changed(delta: Delta): void {
    const change = placeOf(delta) ?? delta;
    const last = this.#changes.at(-1);
    const both = last && joined(last, change);
    if (both) this.#changes[this.#changes.length - 1] = both;
    else this.#changes.push(change);
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
    for (const kept of this.#changes.splice(0)) {
      const change = "start" in kept ? kept : replacementOf(kept, this.#text);
      if (change) this.#text = this.#text.slice(0, change.start) + change.insert + this.#text.slice(change.end);
    }
    return this.#text;
  }
}

/** What a delta replaces where it changes one place of the text, as nearly every one does. */
function placeOf(delta: Delta): Replacement | null {
  return delta.every((component, index) => index === 0 || !("retain" in component)) ? replacementOf(delta, "") : null;
}

/** Two changes as one, where the second touches what the first has inserted. */
function joined(first: Replacement | Delta, second: Replacement | Delta): Replacement | null {
  if (!("start" in first && "start" in second) || first.insert.length > MOST_UNITS) return null;
  const end = first.start + first.insert.length;
  if (second.start > end || second.end < first.start) return null;
  return {
    start: Math.min(first.start, second.start),
    end: first.end + Math.max(0, second.end - end),
    insert: first.insert.slice(0, Math.max(0, second.start - first.start)) + second.insert + first.insert.slice(second.end - first.start),
  };
}
