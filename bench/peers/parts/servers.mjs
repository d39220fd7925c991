// One document at three servers.
import { Server, load, subjects } from "../subjects.mjs";
import { rounds } from "../rounds.mjs";

const SERVERS = 3;

/** Starts so many servers on one Redis and calls `measure` with them; `more` are flags for each. */
export async function fleet(count, more, measure) {
  const servers = [];
  try {
    for (let index = 0; index < count; index += 1) servers.push(await Server.start("cowrite-redis", more, servers[0]));
    return await measure(servers);
  } finally {
    for (const server of servers.reverse()) await server.end();
  }
}

/** What a load on such servers needs to know of them: the Redis is the last process. */
export function addresses(servers) {
  const [first, ...rest] = servers;
  return { moreUrls: rest.map(({ url }) => url), morePids: [...rest.map(({ pid }) => pid), ...first.morePids] };
}

export const servers = {
  name: "servers",
  title: "one document at three servers, 30 who type 10 letters a second at each",
  measure: ({ quick }) => {
    const clients = SERVERS * (quick ? 5 : 30);
    return rounds({
      subjects: [{ name: "cowrite-redis-native", ...subjects["cowrite-redis-native"], note: "token checked; the three and Redis on one core" }],
      rounds: quick ? 1 : 2,
      figures: [
        { id: "p50", title: "local insert to applied at the others, p50", unit: "ms", better: "less", value: ({ p50 }) => p50 },
        { id: "p99", title: "local insert to applied at the others, p99", unit: "ms", better: "less", value: ({ p99 }) => p99 },
        { id: "cpu", title: "processor time of all three and Redis for 1,000 deliveries", unit: "ms", better: "less", digits: 1, value: ({ cpuEach, deliveries }) => (cpuEach.reduce((sum, ms) => sum + ms, 0) * 1000) / deliveries },
        { id: "conflicts", title: "appends that met another server's, for 1,000 edits", unit: "", better: "less", digits: 1, value: ({ conflicts, edits }) => (conflicts * 1000) / edits },
      ],
      measure: () => fleet(SERVERS, [], async (servers) => {
        const scenario = { kind: "typing", documents: 1, full: [clients], writers: clients, everyMs: 100, warmMs: 700, measuredMs: quick ? 1500 : 2500 };
        const measured = await load("cowrite-redis-native", servers[0], { ...scenario, ...addresses(servers) });
        let conflicts = 0;
        for (const server of servers) conflicts += await server.metric("cowrite_appends_total", "conflict");
        // Those of the time before the measured one are among them, so both are taken over the same time.
        return { ...measured, conflicts: conflicts * (measured.tookMs / (measured.tookMs + scenario.warmMs)) };
      }),
    });
  },
};
