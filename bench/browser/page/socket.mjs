// A WebSocket that notes how long each message keeps the page busy.
const Native = globalThis.WebSocket;
const measured = new Map();

/** Counts the milliseconds of each message, from its event until the microtasks after it are done. */
export class TimedSocket extends Native {
  #handler = null;

  /**
   * The times, since the last call, of messages of the socket to that address after which `length` was another.
   */
  static taken(address, length) {
    const key = [...measured.keys()].find((url) => url.startsWith(address));
    const entry = measured.get(key);
    entry.length = length;
    return entry.times.splice(0);
  }

  constructor(url, protocols) {
    super(url, protocols);
    measured.set(this.url, { times: [], length: null });
    super.addEventListener("message", (event) => void this.#take(event));
  }

  get onmessage() {
    return this.#handler;
  }

  set onmessage(handler) {
    this.#handler = handler;
  }

  async #take(event) {
    const entry = measured.get(this.url);
    const length = entry.length?.();
    const before = performance.now();
    this.#handler?.(event);
    for (let left = 0; left < 6; left += 1) await null;
    const time = performance.now() - before;
    if (entry.length && entry.length() !== length) entry.times.push(time);
  }
}
