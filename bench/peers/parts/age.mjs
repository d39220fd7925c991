// A document with up to a million past edits.
import { rounds } from "../rounds.mjs";
import { runLibrary } from "./engine.mjs";

const ours = { name: "cowrite-engine", library: "engine", title: "Cowrite, native", note: "room, frames and engine, without sockets" };
const peers = [
  // A million edits take it most of a minute.
  { name: "yjs", title: "Yjs", slow: true },
  { name: "loro", title: "Loro, npm package" },
  { name: "diamond-types", library: "diamond-types", title: "diamond-types" },
];

export const age = {
  name: "age",
  title: "a text of 100 kB with many past edits, without a network",
  measure: async ({ quick }) => {
    const figures = [];
    for (const edits of quick ? [1000] : [10_000, 100_000, 1_000_000]) {
      const subjects = [ours, ...peers.filter(({ slow }) => !slow || edits < 1_000_000)];
      const words = edits.toLocaleString("en");
      const missed = [10, 1_000, 100_000].flatMap((count, index) => {
        const back = `${words} past edits: back after ${count.toLocaleString("en")} missed ones`;
        const of = (read) => ({ resumes }) => resumes && read(resumes[index]);
        return [
          { id: `${edits}-resume-${count}`, title: back, unit: "ms", better: "less", digits: 3, value: of(({ ms }) => ms) },
          { id: `${edits}-resume-bytes-${count}`, title: `${back}: all from the server, with what says who connects and who is here`, unit: "bytes", better: "less", digits: 0, value: of(({ bytes }) => bytes) },
          { id: `${edits}-resume-catch-up-${count}`, title: `${back}: the catch-up alone`, unit: "bytes", better: "less", digits: 0, value: of(({ catchUpBytes }) => catchUpBytes) },
          { id: `${edits}-resume-net-${count}`, title: `${back}: the catch-up, for each byte of the net change, packed`, unit: "bytes", better: "less", digits: 2, value: of(({ catchUpBytes, netBytes }) => catchUpBytes / netBytes) },
        ];
      });
      figures.push(...await rounds({
        subjects,
        rounds: 1,
        figures: [
          { id: `${edits}-cold`, title: `${words} past edits: opening, loaded from what is stored`, unit: "ms", better: "less", value: ({ coldMs }) => coldMs },
          { id: `${edits}-open`, title: `${words} past edits: opening, where a room has it`, unit: "ms", better: "less", value: ({ openMs }) => openMs },
          { id: `${edits}-bytes`, title: `${words} past edits: bytes that who opens it is given`, unit: "kB", better: "less", digits: 1, value: ({ bytes }) => bytes / 1000 },
          ...missed,
        ],
        measure: (name) => runLibrary(subjects.find((one) => one.name === name), { kind: "age", edits }),
      }));
    }
    return figures.filter(({ rows }) => rows.length > 0);
  },
};
