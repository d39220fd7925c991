/** Milliseconds without pending work after which the listener goes; it may be twice as long. */
const QUIET_MS = 2_000;

/**
 * The browser's question before the page is left, asked while work waits for the server.
 * The listener goes when nothing has waited for a while, because a page that has one may
 * not be kept for a quick return. It does not come and go with each keystroke: telling
 * the browser's other process of it costs more than all the rest of a keystroke.
 */
export class UnloadWarning {
  #armed = false;
  #listens = false;
  /** Whether it has been armed since the timer was started. */
  #used = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #ask = (event: BeforeUnloadEvent): void => {
    if (this.#armed) event.preventDefault();
  };

  /** Turns the question on or off. */
  set armed(armed: boolean) {
    if (armed === this.#armed || typeof window === "undefined") return;
    this.#armed = armed;
    this.#used ||= armed;
    if (armed && !this.#listens) window.addEventListener("beforeunload", this.#ask);
    if (armed) this.#listens = true;
    else this.#timer ??= setTimeout(() => this.#rest(), QUIET_MS);
  }

  #rest(): void {
    this.#timer = undefined;
    if (this.#armed) return;
    if (this.#used) {
      this.#used = false;
      this.#timer = setTimeout(() => this.#rest(), QUIET_MS);
      return;
    }
    this.#listens = false;
    window.removeEventListener("beforeunload", this.#ask);
  }
}
