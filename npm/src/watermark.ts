import type { CowriteError } from "./error.js";

/** Waits until all edits up to a number have come as far as one watermark says. */
export class WatermarkWaiters {
  #waiters: { from: number; edit: number; resolve: () => void; reject: (error: CowriteError) => void }[] = [];

  /** Whether nobody waits. */
  get empty(): boolean {
    return this.#waiters.length === 0;
  }

  /** Settles when the watermark reaches `edit`; fails when an edit in `from + 1..=edit` does. */
  wait(from: number, edit: number): Promise<void> {
    return new Promise((resolve, reject) => void this.#waiters.push({ from, edit, resolve, reject }));
  }

  /** The watermark stands at `edit`. */
  reached(edit: number): void {
    this.#take((waiter) => waiter.edit <= edit).forEach((waiter) => waiter.resolve());
  }

  /** The edits `from..=to` were refused. */
  refused(from: number, to: number, error: CowriteError): void {
    this.#take((waiter) => waiter.from < to && from <= waiter.edit).forEach((waiter) => waiter.reject(error));
  }

  /** No watermark will move any more. */
  failed(error: CowriteError): void {
    this.#take(() => true).forEach((waiter) => waiter.reject(error));
  }

  #take(matches: (waiter: { from: number; edit: number }) => boolean) {
    const taken = this.#waiters.filter(matches);
    if (taken.length) this.#waiters = this.#waiters.filter((waiter) => !taken.includes(waiter));
    return taken;
  }
}
