// Every connection breaks at once, and every client comes back as it sees fit.
import { cpuMs } from "../program.mjs";
import { percentile } from "../report/sample.mjs";
import { several, until } from "./wait.mjs";

/** `connections` clients, five to a document. Gives when the last of them is in step again. */
export async function storm(open, { url, pid, connections }) {
  const documents = connections / 5;
  const back = new Array(connections).fill(0);
  let begun = 0;
  const clients = await several(connections, 16, (index) => open(url, `d${index % documents}`, {
    user: `u${index}`,
    onInsert: () => (back[index] = performance.now() - begun),
  }));
  // While all are away, one of each document writes.
  const cpu = await cpuMs(pid);
  begun = performance.now();
  for (const client of clients) client.socket().terminate();
  for (let index = 0; index < documents; index += 1) clients[index].insert(0, "on");
  await until("everybody is back", () => back.every((time, index) => index < documents || time > 0), 90_000);
  await until("everybody has one text", () => clients.every((client) => client.text() === "on"));
  const times = back.slice(documents);
  return { p50: percentile(times, 0.5), last: percentile(times, 1), cpuMs: (await cpuMs(pid)) - cpu };
}
