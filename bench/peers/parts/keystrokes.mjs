// What a keystroke costs in a page.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Program } from "../program.mjs";
import { here, programs } from "../subjects.mjs";
import { rounds } from "../rounds.mjs";

const sides = [
  { name: "cowrite", side: "ours", title: "Cowrite in CodeMirror", note: "a server on disk, developer's tokens" },
  { name: "yjs", side: "yjs", title: "Yjs in CodeMirror", note: "y-codemirror.next over y-websocket" },
  { name: "alone", side: "alone", title: "CodeMirror by itself", note: "no binding: the limit", limit: true },
];

/** Pages of each side, by turns. */
const ROUNDS = 3;

/** One run of the program measures all rounds of all sides, each in a page of its own. */
async function pages(length, letters, apart) {
  const folder = await mkdtemp(path.join(tmpdir(), "cowrite-bench-"));
  const json = path.join(folder, "keystrokes.json");
  const words = ["--editors=codemirror", `--length=${length}`, `--letters=${letters}`, `--apart=${apart}`, `--rounds=${ROUNDS}`, "--kinds=run,apart", `--json=${json}`];
  const program = new Program([process.execPath, path.join(here, "../browser/keystrokes.mjs"), ...words], { env: { COWRITE_SERVER: programs.server } });
  try {
    await program.ended(180_000);
    return JSON.parse(await readFile(json, "utf8")).results[0].rounds;
  } finally {
    await program.end();
    await rm(folder, { recursive: true, force: true });
  }
}

export const keystrokes = {
  name: "keystrokes",
  title: "letters typed into CodeMirror in Chromium, in a document of 1 MB",
  measure: ({ quick }) => {
    let run;
    const measured = new Map();
    const common = { unit: "ms", better: "less", digits: 3 };
    const bound = (name) => name !== "alone";
    const of = (kind, read) => (result) => read(result[kind]);
    return rounds({
      subjects: sides,
      rounds: ROUNDS,
      figures: [["run", "a letter in a run"], ["apart", "a letter at a random place"]].flatMap(([kind, words]) => [
        { ...common, id: `${kind}-p50`, title: `${words}: time in the binding and the engine, p50`, only: bound, value: of(kind, ({ own }) => own.p50) },
        { ...common, id: `${kind}-p99`, title: `${words}: time in the binding and the engine, p99`, only: bound, value: of(kind, ({ own }) => own.p99) },
        { ...common, id: `${kind}-whole-p50`, title: `${words}: until the page has control again, the editor with it, p50`, value: of(kind, ({ whole }) => whole.p50) },
        { ...common, id: `${kind}-whole-p99`, title: `${words}: until the page has control again, the editor with it, p99`, value: of(kind, ({ whole }) => whole.p99) },
      ]),
      measure: async (name) => {
        run ??= pages(1_000_000, quick ? 40 : 334, quick ? 40 : 100);
        const { side } = sides.find((one) => one.name === name);
        const round = measured.get(name) ?? 0;
        measured.set(name, round + 1);
        return Object.fromEntries(Object.entries((await run)[round]).map(([kind, all]) => [kind, all[side]]));
      },
    });
  },
};
