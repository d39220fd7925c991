// The npm package. Its documents live on a server, so one is running. Who edits apart from it has no connection, so that
// edits gather in the engine, until it is there again.

const PATIENCE_MS = 60_000;

/**
 * The package in this host: `connect` of it with what else it is to be given, a socket that counts, tokens by user, and
 * a pause in which the host hears what the server says.
 */
export function library(host) {
  return {
    async create({ url, document, apart }) {
      const edited = await Edited.open(host, url, document, "ann");
      if (apart) edited.part();
      else edited.breathe = host.breathe;
      return edited;
    },
    async branches(base, { url, document }) {
      const left = await Edited.open(host, url, document, "ann");
      left.shared.insert(0, base);
      await left.shared.whenAccepted();
      const right = await Edited.open(host, url, document, "bob");
      left.part();
      right.part();
      return [left, right];
    },
    join,
  };
}

/** Both connect again, and it is done when both have all. */
async function join(left, right) {
  const wanted = new Promise((resolve, reject) => {
    const both = () => {
      if ([left, right].every(({ shared }) => shared.status.pending === 0) && left.shared.status.version === right.shared.status.version) resolve();
    };
    for (const { shared } of [left, right]) {
      shared.on("status", both);
      shared.on("change", both);
    }
    setTimeout(() => reject(new Error("the branches did not meet in time")), PATIENCE_MS);
  });
  left.meet();
  right.meet();
  await wanted;
  return left.traffic() + right.traffic();
}

class Edited {
  #apart = false;
  #sockets = [];

  static async open({ connect, Socket, token }, url, document, user) {
    const edited = new Edited();
    edited.client = connect(`${url}/v1/socket`, {
      token: token(user),
      socket: (address, protocol) => {
        if (edited.#apart) throw new Error("offline");
        const socket = new Socket(address, protocol);
        edited.#sockets.push(socket);
        return socket;
      },
    });
    edited.shared = edited.client.open(document);
    await edited.shared.ready;
    return edited;
  }

  /** The connection is lost. */
  part() {
    this.#apart = true;
    const socket = this.#sockets.at(-1);
    socket.onclose?.({ type: "close" });
    socket.terminate();
    this.#sockets = [];
  }

  meet() {
    this.#apart = false;
    this.client.wake();
  }

  traffic() {
    return this.#sockets.reduce((sum, socket) => sum + socket.bytes + socket.said, 0);
  }

  splice(at, deleted, inserted) {
    if (deleted > 0 && inserted) return this.shared.apply([{ retain: at }, { insert: inserted }, { delete: deleted }]);
    if (deleted > 0) this.shared.delete(at, deleted);
    if (inserted) this.shared.insert(at, inserted);
  }

  text() {
    return this.shared.text;
  }

  close() {
    this.client.close();
  }
}
