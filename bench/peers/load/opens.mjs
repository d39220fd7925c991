// Others come while something happens to a server: one after the other, whether or not the last is in yet.
import { sleep } from "./wait.mjs";

/** What this load says when it can begin, which it does at a SIGUSR2; at a SIGTERM nobody comes any more. */
export const READY = "ready to open";

/**
 * Somebody opens one of `documents` documents every `everyMs` milliseconds and leaves again. Gives when each began, in
 * milliseconds since 1970, and how long it took until they had the text.
 */
export async function opens(open, { url, documents, everyMs }) {
  // The first one pays for the program's start.
  (await open(url, "first", { user: "first" })).close();
  const begin = new Promise((resolve) => process.once("SIGUSR2", resolve));
  // A signal that is waited for does not keep a program alive.
  const alive = setInterval(() => {}, 1000);
  let over = false;
  process.once("SIGTERM", () => (over = true));
  console.log(READY);
  await begin;
  const times = [];
  const come = async (index) => {
    const [at, begun] = [Date.now(), performance.now()];
    const client = await open(url, `d${index % documents}`, { user: `late${index}` });
    times.push([at, performance.now() - begun]);
    client.close();
  };
  const all = [];
  for (let due = performance.now(); !over; due += everyMs) {
    all.push(come(all.length));
    await sleep(Math.max(0, due + everyMs - performance.now()));
  }
  await Promise.all(all);
  clearInterval(alive);
  return { times };
}
