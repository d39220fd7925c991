// Every connection breaks at once, and every client comes back as it sees fit.
import { cpuMs } from "../program.mjs";
import { percentile } from "../report/sample.mjs";
import { several, until } from "./wait.mjs";

/** What the load says when all connections are about to break: now, or when their server is killed. */
export const BREAK = "everybody is there";

/**
 * `connections` clients, five to a document, lose their connection: by themselves, or with the server. Gives when the
 * last of them is in step again.
 */
export async function storm(open, { url, pid, morePids, connections, restart }) {
  const documents = connections / 5;
  const back = new Array(connections).fill(0);
  let begun = 0;
  const clients = await several(connections, 16, (index) => open(url, `d${index % documents}`, {
    user: `u${index}`,
    onInsert: () => (back[index] = performance.now() - begun),
  }));
  const [cpu, more] = [restart ? 0 : await cpuMs([pid]), await cpuMs(morePids)];
  const gone = new Promise((resolve) => clients[0].socket().on("close", resolve));
  console.log(BREAK);
  if (restart) {
    await gone;
    begun = performance.now();
  } else {
    begun = performance.now();
    for (const client of clients) client.socket().terminate();
  }
  // While all are away, one of each document writes.
  for (let index = 0; index < documents; index += 1) clients[index].insert(0, "on");
  await until("everybody is back", () => back.every((time, index) => index < documents || time > 0), 90_000);
  await until("everybody has one text", () => clients.every((client) => client.text() === "on"));
  const times = back.slice(documents);
  return { begunAt: performance.timeOrigin + begun, p50: percentile(times, 0.5), last: percentile(times, 1), cpuMs: restart ? undefined : (await cpuMs([pid])) - cpu, moreCpuMs: morePids.length > 0 ? (await cpuMs(morePids)) - more : undefined };
}
