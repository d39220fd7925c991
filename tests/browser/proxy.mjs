import net from "node:net";

/** A network between a page and the server that can be cut. */
export class Proxy {
  #server;
  #sockets = new Set();
  #cut = false;
  /** Pairs of which the second gets nothing while this direction is held. */
  #pairs = new Set();
  #held = { up: false, down: false };

  /** Listens on a port of its own and passes everything on to `port`. */
  static async start(port) {
    const proxy = new Proxy();
    proxy.#server = net.createServer((near) => proxy.#accept(near, port));
    await new Promise((resolve, reject) => proxy.#server.once("error", reject).listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port() {
    return this.#server.address().port;
  }

  /** Ends every connection and refuses new ones. */
  cut() {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Takes connections again. */
  heal() {
    this.#cut = false;
  }

  /** Holds back what goes to the server (`up`) or comes from it (`down`); or, with neither, lets all go on. */
  hold({ up = false, down = false } = {}) {
    this.#held = { up, down };
    for (const [near, far] of this.#pairs) this.#flow(near, far);
  }

  async stop() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(near, port) {
    if (this.#cut) return near.destroy();
    const far = net.connect(port, "127.0.0.1");
    for (const [socket, other] of [[near, far], [far, near]]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      // One side's end is the other's: a proxy must not keep half a connection alive.
      socket.once("error", () => other.destroy());
      socket.once("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    const pair = [near, far];
    this.#pairs.add(pair);
    near.once("close", () => this.#pairs.delete(pair));
    this.#flow(near, far);
  }

  #flow(near, far) {
    for (const [held, from, to] of [[this.#held.up, near, far], [this.#held.down, far, near]]) {
      if (held) from.unpipe(to).pause();
      else from.pipe(to);
    }
  }
}
