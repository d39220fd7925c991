// What an idle connection costs a server.
import { rounds } from "../rounds.mjs";
import { Server, load, subjects } from "../subjects.mjs";

/** Who has a document open. */
const PEOPLE = 5;

/** What the memory of one server comes to with so many connections, so many to a document. */
async function resident(name, connections, people, restMs) {
  // By default strangers, who have not said yet who they are, are few.
  const server = await Server.start(name, ["--strangers", "6000"]);
  try {
    return await load(name, server, { kind: "idle", documents: connections / people, first: connections * 0.4, connections, restMs });
  } finally {
    await server.end();
  }
}

export const idle = {
  name: "idle",
  title: "idle connections with one document open each",
  measure: ({ quick }) => {
    const connections = quick ? 1000 : 5000;
    const [range, some] = quick ? ["400 to 1,000", "120 to 300"] : ["2,000 to 5,000", "600 to 1,500"];
    return rounds({
      subjects: ["cowrite", "cowrite-disk", "cowrite-redis", "sharedb", "hocuspocus", "y-websocket", "relay"].map((name) => ({ name, ...subjects[name] })),
      rounds: 1,
      figures: [
        { id: "connection", title: `resident memory of a connection, from ${range}, five to a document`, unit: "KiB", better: "less", digits: 1, value: ({ shared }) => shared.slopeKib },
        { id: "alone", title: `of a connection and its document, from ${some}, each alone`, unit: "KiB", better: "less", digits: 1, value: ({ alone }) => alone.slopeKib },
        { id: "document", title: "of an open document by itself, as the two say", unit: "KiB", better: "less", digits: 1, only: (name) => name !== "relay", value: ({ shared, alone }) => Math.max(0, alone.slopeKib - shared.slopeKib) },
        { id: "whole", title: "over all connections, five to a document", unit: "KiB", better: "less", digits: 1, value: ({ shared }) => shared.wholeKib },
      ],
      measure: async (name) => {
        const restMs = quick ? 500 : 1000;
        return { shared: await resident(name, connections, PEOPLE, restMs), alone: await resident(name, connections * 0.3, 1, restMs) };
      },
    });
  },
};
