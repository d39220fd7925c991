// What the age of a document costs.
import { rounds } from "../rounds.mjs";
import { Server, load, programs, subjects } from "../subjects.mjs";

/** Who writes here is faster than a server allows by default. */
const FAST = ["--submits-per-second", "1000000", "--submit-burst", "1000000", "--frames-per-second", "1000000", "--frame-burst", "1000000"];
const UNITS = 100_000;
/** Whose document comes to the last age, and is there still when the server is started again. */
const AGED = ["cowrite-disk", "cowrite-redis"];

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
    const oldest = `the first to open it after ${ages.at(-1).toLocaleString("en")} edits, at a server just started`;
    const cold = { better: "less", unit: "ms", digits: 1, only: (name) => AGED.includes(name) };
    figures.push(
      { ...cold, id: "cold-ms", title: oldest, value: ({ reopened }) => reopened.ms },
      { ...cold, id: "cold-cpu", title: "the same, server's processor time", value: ({ reopened }) => reopened.cpuMs },
    );
    return rounds({
      subjects: ["cowrite", "cowrite-disk", "cowrite-redis", "sharedb", "hocuspocus", "y-websocket"].map((name) => ({ name, ...subjects[name], note: `${subjects[name].note}${name.startsWith("cowrite") ? "; rate limits raised" : ""}` })),
      rounds: 1,
      figures,
      measure: async (name) => {
        const server = await Server.start(name, FAST);
        try {
          const grower = name.startsWith("cowrite") ? [programs.bench, "load"] : undefined;
          const scenario = { kind: "history", units: UNITS, opens: quick ? 5 : 10, ages: AGED.includes(name) ? ages : young, grower };
          const results = await load(name, server, scenario, 300_000);
          if (AGED.includes(name)) {
            await server.restart();
            results.reopened = await load(name, server, { kind: "reopened" });
            if (Math.abs(results.reopened.length - UNITS) > UNITS / 100) throw new Error(`${results.reopened.length} units after the restart`);
          }
          return results;
        } finally {
          await server.end();
        }
      },
    });
  },
};
