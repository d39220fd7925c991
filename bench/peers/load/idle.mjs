// Connections that do nothing: what a server keeps for each.
import { residentKib } from "../program.mjs";
import { several, sleep } from "./wait.mjs";

/** Opens `first` connections and then all `connections`, each with one document of `documents` open. */
export async function idle(open, { pid, url, documents, first, connections, restMs }) {
  const clients = [];
  const grow = async (count) => {
    const from = clients.length;
    clients.push(...await several(count - from, 16, (index) => open(url, `d${(from + index) % documents}`, { user: `u${from + index}` })));
    await sleep(restMs);
    return (await residentKib(pid)).now;
  };
  const empty = (await residentKib(pid)).now;
  const [some, all] = [await grow(first), await grow(connections)];
  // Whoever was let in must be in still, and hear what is written.
  const writer = clients[0];
  const reader = clients[documents] ?? await open(url, "d0", { user: "late" });
  writer.insert(0, "still here");
  await writer.accepted();
  const deadline = performance.now() + 10_000;
  while (reader.length() === 0) {
    if (performance.now() > deadline) throw new Error("who is idle does not hear what is written");
    await sleep(5);
  }
  return { slopeKib: (all - some) / (connections - first), wholeKib: (all - empty) / connections, emptyMib: empty / 1024 };
}
