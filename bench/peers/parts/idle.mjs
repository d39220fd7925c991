// What an idle connection costs a server.
import { rounds } from "../rounds.mjs";
import { Server, load, subjects } from "../subjects.mjs";

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
    const [range, half] = quick ? ["400 to 1,000", "200 to 500"] : ["2,000 to 5,000", "1,000 to 2,500"];
    return rounds({
      subjects: ["cowrite", "cowrite-disk", "sharedb", "hocuspocus", "y-websocket", "relay"].map((name) => ({ name, ...subjects[name] })),
      rounds: 1,
      figures: [
        { id: "connection", title: `resident memory of a connection, from ${range}, five to a document`, unit: "KiB", better: "less", digits: 1, value: ({ shared }) => shared.slopeKib },
        { id: "alone", title: `of a connection and its document, from ${half}, each alone`, unit: "KiB", better: "less", digits: 1, value: ({ alone }) => alone.slopeKib },
        { id: "whole", title: "over all connections, five to a document", unit: "KiB", better: "less", digits: 1, value: ({ shared }) => shared.wholeKib },
      ],
      measure: async (name) => {
        const restMs = quick ? 500 : 1000;
        return { shared: await resident(name, connections, 5, restMs), alone: await resident(name, connections / 2, 1, restMs) };
      },
    });
  },
};
