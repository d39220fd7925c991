// What talks to the relay: no document, only messages of the size that an edit has.
import { BenchSocket } from "./socket.mjs";

const MESSAGE_BYTES = 16;

export async function open(url, document, { onInsert }) {
  const socket = new BenchSocket(`${url}/${document}`);
  const seen = [];
  let acked = 0;
  let sent = 0;
  let waiting = [];
  socket.on("message", (message) => {
    if (message.length === 1) {
      acked += 1;
      waiting = waiting.filter(({ until, resolve }) => acked < until || resolve());
      return;
    }
    const letters = message.toString("latin1", 1, 1 + message[0]);
    seen.push(letters);
    onInsert?.(letters);
  });
  await new Promise((resolve) => socket.once("open", resolve));
  const say = (letters) => {
    const message = Buffer.alloc(Math.max(MESSAGE_BYTES, 1 + letters.length));
    message[0] = letters.length;
    message.write(letters, 1, "latin1");
    sent += 1;
    socket.send(message);
  };
  return {
    caret: () => say(""),
    insert: (_, letters) => {
      seen.push(letters);
      say(letters);
    },
    keeps: false,
    length: () => seen.length,
    // A relay gives no order: what must agree is how often each letter came.
    text: () => [...seen.join("")].sort().join(""),
    accepted: () => (acked >= sent ? Promise.resolve() : new Promise((resolve) => waiting.push({ until: sent, resolve }))),
    close: () => socket.close(),
    socket: () => socket,
  };
}
