// The npm package, as an application uses it.
import { connect } from "../../../npm/dist/index.js";
import { mint } from "../token.mjs";
import { BenchSocket } from "./socket.mjs";

export async function open(url, document, { user, onInsert, onCarets }) {
  let socket;
  let apart = false;
  const factory = (address, protocol) => {
    if (apart) throw new Error("the network is gone");
    return (socket = new BenchSocket(address, protocol));
  };
  const client = connect(`${url}/v1/socket`, { token: mint(user), socket: factory });
  const shared = client.open(document);
  await shared.ready;
  if (onInsert) {
    shared.on("change", ({ delta, origin }) => {
      if (origin === "local") return;
      for (const { insert } of delta) if (insert) onInsert(insert);
    });
  }
  if (onCarets) shared.on("presence", onCarets);
  return {
    caret: (at) => shared.setCursor(at),
    insert: (at, text) => shared.insert(at, text),
    remove: (at, length) => shared.delete(at, length),
    length: () => shared.length,
    text: () => shared.text,
    accepted: () => shared.whenAccepted(),
    close: () => client.close(),
    socket: () => socket,
    /** The network is gone, and is not back before `meet`. */
    part: () => {
      apart = true;
      socket.terminate();
    },
    meet: () => {
      apart = false;
      client.wake();
    },
  };
}
