// What one letter and one move of a caret weigh on the wire.
import { sleep, until } from "./wait.mjs";

/** So long whatever belongs to the last letter may still arrive. */
const LETTER_MS = 40;
/** The same for a move, which servers may keep back for a while. */
const MOVE_MS = 250;

/** Payload bytes of WebSocket messages, by letter and by move: up, back to the writer, and down to a reader. */
export async function wire(open, { url, units, letters, moves }) {
  const listeners = { onInsert: () => {}, onCarets: () => {} };
  const writer = await open(url, "wire", { user: "ann", ...listeners });
  writer.insert(0, "Lorem ipsum. ".repeat(units / 13));
  await writer.accepted();
  const reader = await open(url, "wire", { user: "bob", ...listeners });
  await until("the reader has the text", () => reader.length() === writer.length());
  let at = Math.floor(writer.length() / 2);
  const each = async (count, pauseMs, act) => {
    await sleep(600);
    const before = [writer.socket().said, writer.socket().bytes, reader.socket().bytes];
    for (let index = 0; index < count; index += 1) {
      await act(index);
      await sleep(pauseMs);
    }
    const [up, back, down] = [writer.socket().said, writer.socket().bytes, reader.socket().bytes].map((bytes, which) => (bytes - before[which]) / count);
    return { up, back, down };
  };
  const letter = await each(letters, LETTER_MS, async () => {
    writer.insert(at, "x");
    at += 1;
    await until("the reader has the letter", () => reader.length() === writer.length());
  });
  const move = writer.caret && await each(moves, MOVE_MS, (index) => writer.caret(1000 + 500 * index));
  // As editors do it: the caret goes where the letter is, which the others can tell from the letter.
  writer.caret?.(at);
  const both = writer.caret && await each(moves, MOVE_MS, async () => {
    writer.insert(at, "x");
    at += 1;
    writer.caret(at);
    await until("the reader has the letter", () => reader.length() === writer.length());
  });
  if (reader.text() !== writer.text()) throw new Error("the texts differ");
  return { letter, move, both };
}
