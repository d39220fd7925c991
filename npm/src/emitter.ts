/**
 * Calls listeners, each by itself: one that throws is reported as an uncaught error
 * (`reportError`, or the console) and harms neither the others nor the caller.
 */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  /** Calls `listener` at each event of that name; the answer is a function that ends it. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    let set = this.#listeners.get(name);
    if (!set) this.#listeners.set(name, (set = new Set()));
    // Wrapped, so that a function given twice is called twice and ended one by one.
    const entry = (event: Events[Name]) => listener(event);
    set.add(entry);
    return () => void set.delete(entry);
  }

  /** Whether anybody listens, for events that cost something to make. */
  has(name: keyof Events): boolean {
    return !!this.#listeners.get(name)?.size;
  }

  /** @internal */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const listeners = this.#listeners.get(name);
    if (!listeners?.size) return;
    for (const listener of [...listeners]) {
      try {
        (listener as (event: Events[Name]) => void)(event);
      } catch (error) {
        report(error);
      }
    }
  }
}

/** Hands an error to whoever watches for uncaught errors, without throwing it. */
export function report(error: unknown): void {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
}
