// How many edits a server accepts for a second of its processor time.
import { rounds } from "../rounds.mjs";
import { Server, load, subjects } from "../subjects.mjs";

/** Writers here are faster than a server allows by default. */
const FAST = ["--submits-per-second", "1000000", "--submit-burst", "1000000", "--frames-per-second", "1000000", "--frame-burst", "1000000"];

export const throughput = {
  name: "throughput",
  title: "50 documents, each writer sends its next letter when the last is acknowledged",
  measure: ({ quick }) => rounds({
    subjects: ["cowrite", "cowrite-disk", "cowrite-redis", "cowrite-native", "cowrite-disk-native", "cowrite-redis-native", "sharedb", "hocuspocus", "y-websocket", "relay", "relay-native"]
      .map((name) => ({ name, ...subjects[name], note: note(name) })),
    rounds: quick ? 1 : 2,
    figures: [
      { id: "cpu", title: "edits for a second of the server's processor time", unit: "thousands", better: "more", digits: 1, value: ({ edits, cpuMs }) => edits / cpuMs },
      { id: "both", title: "the same, Redis' processor time with it", unit: "thousands", better: "more", digits: 1, only: (name) => name.startsWith("cowrite-redis"), value: ({ edits, cpuMs, moreCpuMs }) => edits / (cpuMs + moreCpuMs) },
      { id: "wall", title: "edits a second, the load on one core", unit: "thousands", better: "more", digits: 1, value: ({ edits, tookMs }) => edits / tookMs },
      { id: "disk", title: "blocks on disk for an edit, as the log is while it is written, beside those of an empty one", unit: "bytes", better: "less", digits: 1, only: (name) => name.startsWith("cowrite-disk"), value: ({ disk, allEdits }) => disk / allEdits },
    ],
    measure: async (name) => {
      const server = await Server.start(name, FAST);
      try {
        const empty = name.startsWith("cowrite-disk") ? await server.stored() : 0;
        const result = await load(name, server, { kind: "saturation", documents: 50, warmMs: quick ? 500 : 700, measuredMs: 1500 });
        return name.startsWith("cowrite-disk") ? { ...result, disk: (await server.stored()) - empty } : result;
      } finally {
        await server.end();
      }
    },
  }),
};

function note(name) {
  if (name === "y-websocket") return `${subjects[name].note}; acknowledges nothing: asked what it has after each letter`;
  return name.startsWith("cowrite") ? `${subjects[name].note}; rate limits raised` : subjects[name].note;
}
