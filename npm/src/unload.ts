/**
 * The browser's question before the page is left, asked while work waits for the
 * server. The listener is there only as long as something waits, because a page that
 * has one may not be kept for a quick return.
 */
export class UnloadWarning {
  #armed = false;

  /** Turns the question on or off. */
  set armed(armed: boolean) {
    if (armed === this.#armed || typeof window === "undefined") return;
    this.#armed = armed;
    if (armed) window.addEventListener("beforeunload", ask);
    else window.removeEventListener("beforeunload", ask);
  }
}

function ask(event: BeforeUnloadEvent): void {
  event.preventDefault();
}
