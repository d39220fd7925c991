// All connections break at once.
import { rounds } from "../rounds.mjs";
import { Server, load, subjects } from "../subjects.mjs";

const NOTES = {
  cowrite: "comes back by its own jitter",
  "cowrite-disk": "comes back by its own jitter",
  sharedb: "leaves coming back to the application: at once here",
  hocuspocus: "comes back by its provider's jitter",
  "y-websocket": "comes back by its provider's pauses, without jitter",
};

export const storm = {
  name: "storm",
  title: "every connection breaks at once, and one of five clients of each document writes meanwhile",
  measure: ({ quick }) => {
    const connections = quick ? 300 : 2000;
    return rounds({
      subjects: Object.keys(NOTES).map((name) => ({ name, ...subjects[name], note: NOTES[name] })),
      rounds: 1,
      figures: [
        { id: "last", title: `${connections.toLocaleString("en")} clients: until the last is in step again`, unit: "s", better: "less", value: ({ last }) => last / 1000 },
        { id: "half", title: "until half of them are", unit: "s", better: "less", value: ({ p50 }) => p50 / 1000 },
        { id: "cpu", title: "server's processor time for it, by client", unit: "ms", better: "less", digits: 3, value: ({ cpuMs }) => cpuMs / connections },
      ],
      measure: async (name) => {
        const server = await Server.start(name, ["--strangers", "6000"]);
        try {
          return await load(name, server, { kind: "storm", connections });
        } finally {
          await server.end();
        }
      },
    });
  },
};
