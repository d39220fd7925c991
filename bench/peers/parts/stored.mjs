// What a typed letter takes on the disk when all of the history is kept.
import path from "node:path";
import { rounds } from "../rounds.mjs";
import { root } from "../subjects.mjs";
import { runLibrary } from "./engine.mjs";

const TRACE = "automerge-paper";
const subject = { name: "cowrite-disk", library: "disk", title: "Cowrite, log on disk", note: `the trace ${TRACE}, each patch an append, 60 to 300 ms apart` };

export const stored = {
  name: "stored",
  title: "a text as it was typed, all of its history on disk",
  measure: () => rounds({
    subjects: [subject],
    rounds: 1,
    figures: [
      { id: "blocks", title: "what an edit takes in blocks: by how much the files grow for one, from a fifth of the edits to the last", unit: "bytes", better: "less", digits: 2, value: ({ inBlocks }) => inBlocks },
      { id: "whole", title: "all that the files take for an edit, with the tail that is not in blocks yet", unit: "bytes", better: "less", digits: 1, value: ({ whole }) => whole },
      { id: "tail", title: "what an edit takes by itself, as in the tail", unit: "bytes", better: "less", digits: 1, value: ({ asWritten }) => asWritten },
      { id: "longest", title: "the longest that 64 edits on their way together waited, the database's checkpoints and packing in it", unit: "ms", better: "less", digits: 1, value: ({ longestMs }) => longestMs },
      { id: "longest-without", title: "the same where nothing is put into blocks", unit: "ms", better: "less", digits: 1, value: ({ longestMsWithout }) => longestMsWithout },
    ],
    measure: () => runLibrary(subject, { kind: "stored", file: path.join(root, `tests/traces/${TRACE}.json.gz`) }),
  }),
};
