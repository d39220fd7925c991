// y-websocket's own provider.
import { createEncoder, toUint8Array, writeVarUint } from "lib0/encoding";
import { writeSyncStep1 } from "y-protocols/sync";
import { WebsocketProvider } from "y-websocket";
import { Doc } from "yjs";
import { BenchSocket } from "./socket.mjs";
import { shared } from "./yjs.mjs";

/** The number of such messages in y-websocket. */
const SYNC = 0;

export async function open(url, document, listeners) {
  const doc = new Doc();
  const provider = new WebsocketProvider(url, document, doc, { WebSocketPolyfill: BenchSocket, disableBc: true });
  await new Promise((resolve) => provider.once("sync", resolve));
  const waiting = [];
  const heard = new WeakSet();
  return {
    ...shared(doc, provider.awareness, listeners),
    // There is no acknowledgement. Whoever wants one has to ask what the server has, which it answers in order.
    accepted: () => {
      const socket = provider.ws;
      if (!heard.has(socket)) {
        heard.add(socket);
        socket.addEventListener("message", ({ data }) => {
          const bytes = new Uint8Array(data);
          // The answer: sync, step 2.
          if (bytes[0] === SYNC && bytes[1] === 1) waiting.shift()?.();
        });
      }
      const message = createEncoder();
      writeVarUint(message, SYNC);
      writeSyncStep1(message, doc);
      socket.send(toUint8Array(message));
      return new Promise((resolve) => waiting.push(resolve));
    },
    close: () => provider.destroy(),
    socket: () => provider.ws,
    part: () => provider.disconnect(),
    meet: () => provider.connect(),
  };
}
