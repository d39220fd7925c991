// All connections break at once.
import { BREAK } from "../load/storm.mjs";
import { rounds } from "../rounds.mjs";
import { Server, load, subjects } from "../subjects.mjs";

const NOTES = {
  cowrite: "comes back by its own jitter",
  "cowrite-disk": "comes back by its own jitter",
  "cowrite-redis": "comes back by its own jitter",
  sharedb: "leaves coming back to the application: at once here",
  hocuspocus: "comes back by its provider's jitter",
  "y-websocket": "comes back by its provider's pauses, without jitter",
};
/** Who has the documents still when its server is started again, or is given them by the clients. */
const OUTLIVE = ["cowrite-disk", "cowrite-redis", "hocuspocus", "y-websocket"];

/** One storm over each of them, by a load that breaks its connections or by the end of the server. */
function storms(names, restart, connections, figures) {
  return rounds({
    subjects: names.map((name) => ({ name, ...subjects[name], note: NOTES[name] })),
    rounds: 1,
    figures,
    measure: async (name) => {
      const server = await Server.start(name, ["--strangers", "6000"]);
      try {
        return await load(name, server, { kind: "storm", connections, restart }, 150_000, async (loader) => {
          if (!restart) return;
          await loader.says(BREAK, 100_000);
          await server.restart();
        });
      } finally {
        await server.end();
      }
    },
  });
}

export const storm = {
  name: "storm",
  title: "every connection breaks at once, and one of five clients of each document writes meanwhile",
  measure: async ({ quick }) => {
    const connections = quick ? 300 : 2000;
    const words = `${connections.toLocaleString("en")} clients`;
    const figures = (when) => [
      { id: `${when}-last`, title: `${words}, ${when}: until the last is in step again`, unit: "s", better: "less", value: ({ last }) => last / 1000 },
      { id: `${when}-half`, title: `${words}, ${when}: until half of them are`, unit: "s", better: "less", value: ({ p50 }) => p50 / 1000 },
    ];
    const redis = (when) => ({
      id: `${when}-redis`, title: `${words}, ${when}: Redis' processor time by client`, unit: "ms", better: "less", digits: 3,
      only: (name) => name === "cowrite-redis", value: ({ moreCpuMs }) => moreCpuMs / connections,
    });
    const cut = await storms(Object.keys(NOTES), false, connections, [
      ...figures("cut off"),
      { id: "cpu", title: "cut off: server's processor time by client", unit: "ms", better: "less", digits: 3, value: ({ cpuMs }) => cpuMs / connections },
      redis("cut off"),
    ]);
    const restarted = "the server killed and started again";
    return [...cut, ...await storms(OUTLIVE, true, connections, [...figures(restarted), redis(restarted)])];
  },
};
