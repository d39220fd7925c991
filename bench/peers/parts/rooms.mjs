// What a document costs our own server while it is open, and what stays of it when it is not.
import { Server, load, subjects } from "../subjects.mjs";
import { rounds } from "../rounds.mjs";

/** Documents are written and opened faster than a server allows one client by default; what nobody has open leaves at once. */
export const EAGER = ["--submits-per-second", "1000000", "--submit-burst", "1000000", "--frames-per-second", "1000000", "--frame-burst", "1000000", "--idle-ms", "100"];
const UNITS = 1000;

export const rooms = {
  name: "rooms",
  title: "documents of 1,000 units each, opened, closed by everybody, and then others",
  measure: ({ quick }) => {
    const documents = quick ? 500 : 5000;
    const figure = (id, title, value) => ({ id, title, unit: "KiB", better: "less", digits: 2, value });
    return rounds({
      subjects: ["cowrite", "cowrite-disk", "cowrite-redis"].map((name) => ({ name, ...subjects[name], note: `native load; rate limits raised, closed after 100 ms${name === "cowrite" ? "; its log is memory, too" : ""}` })),
      rounds: 1,
      figures: [
        figure("open", "resident memory of a document that is open", ({ openKib }) => openKib),
        figure("closed", "what of it stays resident when nobody has it open", ({ closedKib }) => closedKib),
        figure("others", "what as many others take then, that are opened for the first time", ({ othersKib }) => othersKib),
      ],
      measure: async (name) => {
        const server = await Server.start(name, EAGER);
        try {
          return await load(name, server, { native: true, kind: "rooms", documents, units: UNITS });
        } finally {
          await server.end();
        }
      },
    });
  },
};
