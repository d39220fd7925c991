// What an idle connection costs a server.
import { rounds } from "../rounds.mjs";
import { Server, load, subjects } from "../subjects.mjs";

export const idle = {
  name: "idle",
  title: "idle connections with one document open each, five to a document",
  measure: ({ quick }) => rounds({
    subjects: ["cowrite", "cowrite-disk", "sharedb", "hocuspocus", "y-websocket", "relay"].map((name) => ({ name, ...subjects[name] })),
    rounds: 1,
    figures: [
      { id: "slope", title: `resident memory a connection, from ${quick ? "400 to 1,000" : "2,000 to 5,000"}`, unit: "KiB", better: "less", digits: 1, value: ({ slopeKib }) => slopeKib },
      { id: "whole", title: "the same over all connections, with their documents", unit: "KiB", better: "less", digits: 1, value: ({ wholeKib }) => wholeKib },
    ],
    measure: async (name) => {
      // By default strangers, who have not said yet who they are, are few.
      const server = await Server.start(name, ["--strangers", "6000"]);
      try {
        const connections = quick ? 1000 : 5000;
        return await load(name, server, { kind: "idle", documents: connections / 5, first: connections * 0.4, connections, restMs: quick ? 500 : 2000 });
      } finally {
        await server.end();
      }
    },
  }),
};
