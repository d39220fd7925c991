// What is sent for a letter, and for a caret.
import { rounds } from "../rounds.mjs";
import { Server, load, subjects } from "../subjects.mjs";

const figure = (id, title, value) => ({ id, title, unit: "bytes", better: "less", digits: 1, value });

export const wire = {
  name: "wire",
  title: "payload of WebSocket messages, in a text of 100 kB with a writer and a reader",
  measure: ({ quick }) => rounds({
    subjects: ["cowrite", "sharedb", "hocuspocus", "y-websocket"].map((name) => ({ name, ...subjects[name], note: name === "y-websocket" ? "acknowledges nothing" : "" })),
    rounds: 1,
    figures: [
      figure("letter-up", "a typed letter, up", ({ letter }) => letter.up),
      figure("letter-back", "its acknowledgement, and whatever else comes back", ({ letter }) => letter.back),
      figure("letter-down", "it at the reader", ({ letter }) => letter.down),
      figure("move-up", "a caret that moves, up", ({ move }) => move?.up),
      figure("move-back", "what comes back for it", ({ move }) => move?.back),
      figure("move-down", "it at the reader", ({ move }) => move?.down),
    ],
    measure: async (name) => {
      const server = await Server.start(name);
      try {
        return await load(name, server, { kind: "wire", units: 100_000, letters: quick ? 10 : 40, moves: quick ? 5 : 15 });
      } finally {
        await server.end();
      }
    },
  }),
};
