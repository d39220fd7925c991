import net from "node:net";

/** A network between a page and the server that can be cut. */
export class Proxy {
  #server;
  #sockets = new Set();
  #cut = false;

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
      socket.pipe(other);
    }
  }
}
