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
      figure("letter-back", "a typed letter: its acknowledgement, and whatever else comes back", ({ letter }) => letter.back),
      figure("letter-down", "a typed letter, at the reader", ({ letter }) => letter.down),
      figure("move-up", "a caret that moves, up", ({ move }) => move?.up),
      figure("move-back", "a caret that moves: what comes back", ({ move }) => move?.back),
      figure("move-down", "a caret that moves, at the reader", ({ move }) => move?.down),
      figure("with-caret", "what a caret that follows a typed letter adds, up and down", ({ letter, both }) => both && Math.max(0, both.up + both.down - letter.up - letter.down)),
    ],
    measure: async (name) => {
      const server = await Server.start(name);
      try {
        return await load(name, server, { kind: "wire", units: 100_000, letters: quick ? 10 : 25, moves: quick ? 5 : 10 });
      } finally {
        await server.end();
      }
    },
  }),
};
