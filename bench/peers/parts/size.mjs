// What a page loads of each client before it can begin.
import path from "node:path";
import { Program } from "../program.mjs";
import { here, root } from "../subjects.mjs";
import { rounds } from "../rounds.mjs";

const peer = (name, title, scripts, note, modules) => ({ name, title, note, from: here, scripts, modules });
const clients = [
  {
    name: "cowrite", title: "Cowrite, npm package", note: "text and rich text, presence, coming back, undo",
    from: path.join(root, "npm/dist"), scripts: ["./index.js"], modules: ["wasm/cowrite_bg.wasm"], later: "storage",
  },
  peer("y-websocket", "yjs and y-websocket", ["yjs", "y-websocket"], "the same"),
  peer("hocuspocus", "yjs and @hocuspocus/provider", ["yjs", "@hocuspocus/provider"], "the same"),
  peer("sharedb", "ShareDB's client, ot-text and rich-text", ["sharedb/lib/client", "ot-text", "rich-text"], "no undo; coming back is the application's"),
  peer("automerge", "Automerge", ["@automerge/automerge"], "no network, no presence", ["node_modules/@automerge/automerge/dist/automerge.wasm"]),
  peer("loro", "Loro", ["loro-crdt"], "no network", ["node_modules/loro-crdt/web/loro_wasm_bg.wasm"]),
];

export const size = {
  name: "size",
  title: "what a page loads of a client: bundled and minified, JavaScript and wasm",
  measure: () => {
    const figure = (id, title, value, only) => ({ id, title, unit: "kB", better: "less", digits: 1, value, only });
    return rounds({
      subjects: clients,
      rounds: 1,
      figures: [
        figure("gzip", "the client, after gzip -9", ({ first }) => first.gzip / 1000),
        figure("raw", "the client, not packed", ({ first }) => first.raw / 1000),
        figure("storage", "documents kept on the device, loaded when asked for, after gzip -9", ({ later }) => later?.gzip / 1000, (name) => name === "cowrite"),
      ],
      measure: (name) => {
        const { from, scripts, modules, later } = clients.find((one) => one.name === name);
        return new Program([process.execPath, path.join(here, "../browser/size.mjs"), JSON.stringify({ from, scripts, modules, later })]).result(60_000);
      },
    });
  },
};
