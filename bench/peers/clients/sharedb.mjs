// ShareDB's own client, with the text type that its documentation names.
import { createRequire } from "node:module";
import { BenchSocket } from "./socket.mjs";

const require = createRequire(import.meta.url);
const { Connection, types } = require("sharedb/lib/client");
const { type } = require("ot-text");
types.register(type);

export async function open(url, document, { onInsert }) {
  let socket;
  let state = "open";
  // The documentation leaves it to the application to connect again; this one does at once.
  const bind = (use) => {
    socket = new BenchSocket(url);
    // Not before the connection has heard of it, too.
    socket.on("close", () => setImmediate(() => state === "open" && bind((next) => connection.bindToSocket(next))));
    return use(socket);
  };
  const connection = bind((first) => new Connection(first));
  const doc = connection.get("bench", document);
  await called((done) => doc.subscribe(done));
  if (!doc.type) await called((done) => doc.create("", type.uri, done));
  if (onInsert) {
    doc.on("op", (operation, source) => {
      if (source) return;
      for (const component of operation) if (typeof component === "string") onInsert(component);
    });
  }
  const at = (place, component) => doc.submitOp(place === 0 ? [component] : [place, component]);
  return {
    insert: (place, text) => at(place, text),
    remove: (place, length) => at(place, { d: length }),
    length: () => doc.data.length,
    text: () => doc.data,
    accepted: () => new Promise((resolve) => doc.whenNothingPending(resolve)),
    close: () => {
      state = "closed";
      connection.close();
    },
    socket: () => socket,
    part: () => {
      state = "apart";
      socket.terminate();
    },
    meet: () => {
      state = "open";
      bind((next) => connection.bindToSocket(next));
    },
  };
}

function called(start) {
  return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())));
}
