import type { Document } from "../document.js";

/** A value that changes, and that tells when it did. */
export interface Observed<Value> {
  /** The value now. As long as nothing has changed it is the same one, also by identity. */
  get(): Value;
  /** Calls `listener` after changes; the answer is a function that ends it. */
  subscribe(listener: () => void): () => void;
}

/** What a {@link Watched} stands on. */
export interface Source<Value> {
  /** Reads the value. `before` is the last one, to be given back where nothing has changed. */
  read(before: Value | undefined): Value;
  /** Listens for changes; `atOnce` are those that must be told before the caller goes on. */
  listen(changed: (when: "at once" | "soon") => void): () => void;
}

/**
 * A value read from events: however many come together, it is read once and told once. It listens
 * to its source only while somebody listens to it.
 */
export class Watched<Value> implements Observed<Value> {
  readonly #source: Source<Value>;
  readonly #listeners = new Set<() => void>();
  #value: Value | undefined;
  #current = false;
  /** What the listeners know, while a change is still to be told. */
  #known: { readonly value: Value | undefined } | undefined;
  #stop: (() => void) | undefined;

  constructor(source: Source<Value>) {
    this.#source = source;
  }

  readonly get = (): Value => {
    if (!this.#current) this.#value = this.#source.read(this.#value);
    // What nobody watches may have changed by the next time.
    this.#current = !!this.#stop;
    return this.#value as Value;
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    // Wrapped, so that a function given twice is called twice and ended one by one.
    const entry = () => listener();
    this.#listeners.add(entry);
    this.#stop ??= this.#source.listen((when) => this.#changed(when));
    return () => {
      this.#listeners.delete(entry);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
      this.#current = false;
    };
  };

  #changed(when: "at once" | "soon"): void {
    this.#current = false;
    const first = !this.#known;
    this.#known ??= { value: this.#value };
    if (when === "at once") this.#tell();
    else if (first) queueMicrotask(() => this.#tell());
  }

  #tell(): void {
    const known = this.#known;
    this.#known = undefined;
    // Somebody may have read the new value before it was told.
    if (!known || Object.is(this.get(), known.value)) return;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** One observed value a document, however many ask for it. */
export function once<Value>(source: (document: Document) => Source<Value>): (document: Document) => Observed<Value> {
  const made = new WeakMap<Document, Observed<Value>>();
  return (document) => {
    let observed = made.get(document);
    if (!observed) made.set(document, (observed = new Watched(source(document))));
    return observed;
  };
}
