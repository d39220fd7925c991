// What the age of a document costs.
import { rounds } from "../rounds.mjs";
import { Server, load, programs, subjects } from "../subjects.mjs";

/** Who writes here is faster than a server allows by default. */
const FAST = ["--submits-per-second", "1000000", "--submit-burst", "1000000", "--frames-per-second", "1000000", "--frame-burst", "1000000"];
const UNITS = 100_000;

export const history = {
  name: "history",
  title: "a document of 100 kB grows old: coming back to it, and opening it",
  measure: ({ quick }) => {
    const ages = quick ? [10, 1000] : [10, 1010, 21_010, 121_010];
    // A hundred thousand edits more take the clients of the others minutes, and say nothing more of a log in memory.
    const young = ages.filter((age) => age < 100_000);
    const figures = ages.flatMap((age, index) => {
      const words = age.toLocaleString("en");
      const missed = (age - (ages[index - 1] ?? 0)).toLocaleString("en");
      const of = (read) => (results) => results[index] && read(results[index]);
      return [
        { id: `resume-ms-${age}`, title: `back after ${missed} missed edits`, unit: "ms", better: "less", digits: 1, value: of(({ resume }) => resume.ms) },
        { id: `resume-bytes-${age}`, title: `the same, bytes from the server`, unit: "kB", better: "less", digits: 2, value: of(({ resume }) => resume.bytes / 1000) },
        { id: `open-ms-${age}`, title: `opening after ${words} edits`, unit: "ms", better: "less", digits: 1, value: of(({ open }) => open.ms) },
        { id: `open-cpu-${age}`, title: `the same, server's processor time`, unit: "ms", better: "less", digits: 1, value: of(({ open }) => open.cpuMs) },
        { id: `open-bytes-${age}`, title: `the same, bytes from the server`, unit: "kB", better: "less", digits: 1, value: of(({ open }) => open.bytes / 1000) },
      ];
    });
    return rounds({
      subjects: ["cowrite", "cowrite-disk", "cowrite-redis", "sharedb", "hocuspocus", "y-websocket"].map((name) => ({ name, ...subjects[name] })),
      rounds: 1,
      figures,
      measure: async (name) => {
        const server = await Server.start(name, FAST);
        try {
          const ours = name.startsWith("cowrite") ? { ages: name === "cowrite" ? young : ages, grower: [programs.bench, "load"] } : { ages: young };
          return await load(name, server, { kind: "history", units: UNITS, opens: quick ? 5 : 10, ...ours }, 300_000);
        } finally {
          await server.end();
        }
      },
    });
  },
};
