// People type, others read: how late, and for how much of the server's time.
import { rounds } from "../rounds.mjs";
import { Server, load, subjects } from "../subjects.mjs";

const few = ["cowrite", "cowrite-disk", "cowrite-redis", "cowrite-native", "sharedb", "hocuspocus", "y-websocket", "relay"];
const everybody = ["cowrite", "cowrite-disk", "cowrite-redis", "cowrite-native", "cowrite-disk-native", "cowrite-redis-native", "sharedb", "hocuspocus", "y-websocket", "relay", "relay-native"];

const late = [
  { id: "p50", title: "local insert to applied at the others, p50", unit: "ms", better: "less", value: ({ p50 }) => p50 },
  { id: "p99", title: "local insert to applied at the others, p99", unit: "ms", better: "less", value: ({ p99 }) => p99 },
];
const cost = { id: "cpu", title: "server's processor time for 1,000 deliveries", unit: "ms", better: "less", digits: 1, value: ({ cpuPer1000 }) => cpuPer1000 };
const deliveries = { id: "deliveries", title: "deliveries for a second of the server's processor time", unit: "thousands", better: "more", digits: 1, value: ({ deliveries: count, cpuMs }) => count / cpuMs };
const memory = { id: "peak", title: "server's resident memory, at most", unit: "MiB", better: "less", digits: 1, value: ({ peakMib }) => peakMib };

/** A part that puts each server under one load of typing. */
function part({ name, title, names, scenario, short, figures, count }) {
  const measure = ({ quick }) => rounds({
    subjects: names.map((subject) => ({ name: subject, ...subjects[subject] })),
    rounds: quick ? 1 : count,
    figures,
    measure: async (subject) => {
      const server = await Server.start(subject);
      try {
        return await load(subject, server, { kind: "typing", warmMs: 700, measuredMs: quick ? 1500 : 2000, ...scenario, ...(quick ? short : {}) });
      } finally {
        await server.end();
      }
    },
  });
  return { name, title, measure };
}

export const latency = part({
  name: "latency",
  title: "one document, two clients, a letter every 20 ms",
  names: everybody,
  scenario: { documents: 1, full: [2], writers: 1, everyMs: 20 },
  figures: late,
  count: 3,
});

export const documents = part({
  name: "documents",
  title: "100 documents of 2 to 5 clients, one of each types 10 letters a second",
  names: few,
  scenario: { documents: 100, full: [2, 3, 4, 5], writers: 1, everyMs: 100 },
  figures: [...late, cost, memory],
  count: 3,
});

export const hot = part({
  name: "hot",
  title: "one document with 100 clients, of whom 10 type 10 letters a second",
  names: few,
  scenario: { documents: 1, full: [20], deaf: 80, writers: 10, everyMs: 100 },
  figures: [...late, cost, deliveries],
  count: 3,
});

export const carets = part({
  name: "carets",
  title: "the same, and each letter moves its writer's caret, which everybody sees",
  // The text type that ShareDB's documentation names has no presence.
  names: everybody.filter((name) => name !== "sharedb" && !name.includes("native")),
  scenario: { documents: 1, full: [20], deaf: 80, writers: 10, everyMs: 100, carets: true },
  figures: [...late, cost, deliveries],
  count: 3,
});

export const thousand = part({
  name: "thousand",
  title: "one document with 1,000 subscribers and 20 letters a second",
  names: ["cowrite", "cowrite-disk", "cowrite-redis", "cowrite-native", "sharedb", "hocuspocus", "y-websocket", "relay"],
  scenario: { documents: 1, full: [6], deaf: 994, writers: 2, everyMs: 100 },
  short: { deaf: 294 },
  figures: [...late, cost, deliveries],
  count: 1,
});
