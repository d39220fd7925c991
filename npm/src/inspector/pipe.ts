/** Carries things one way, each after a delay, in their order whatever the delays are. */
export class Pipe {
  readonly #queue: { readonly arrive: () => void; readonly lose: () => void; readonly bytes: number }[] = [];
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #due = 0;

  /** Bytes under way. */
  get bytes(): number {
    return this.#queue.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Calls `arrive` after so many milliseconds, at once if it is 0 and nothing is before it; or `lose` if the pipe is cut first. */
  carry(delayMs: number, bytes: number, arrive: () => void, lose: () => void): void {
    const now = performance.now();
    this.#due = Math.max(this.#due, now + delayMs);
    if (this.#due <= now && this.#queue.length === 0) return arrive();
    this.#queue.push({ arrive, lose, bytes });
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      // Whatever timer it is that runs out, the first in the queue has waited longest.
      this.#queue.shift()?.arrive();
    }, this.#due - now);
    this.#timers.add(timer);
  }

  /** Loses all that is under way. */
  cut(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const { lose } of this.#queue.splice(0)) lose();
  }
}
