// The page in which libraries are measured, as `bench/peers/libraries/main.mjs` does it in Node.js.
import { connect } from "cowrite";
import initialize, { Algebra, Applied } from "bench-module";
import * as yjs from "../../peers/libraries/yjs.mjs";
import { algebra } from "../../peers/libraries/algebra.mjs";
import { library } from "../../peers/libraries/package.mjs";
import { merge } from "../../peers/libraries/merge.mjs";
import { trace } from "../../peers/libraries/trace.mjs";

/** The browser's own socket, which counts. */
class CountingSocket extends WebSocket {
  bytes = 0;
  said = 0;

  constructor(address, protocol) {
    super(address, protocol);
    this.addEventListener("message", ({ data }) => (this.bytes += data.byteLength ?? data.length));
  }

  send(message) {
    this.said += message.byteLength ?? message.length;
    super.send(message);
  }

  terminate() {
    this.close();
  }
}

const kinds = { algebra, merge, trace };

/** What the page holds, scripts and modules; garbage is collected for it. */
async function memory() {
  const { bytes } = await performance.measureUserAgentSpecificMemory();
  return bytes;
}

globalThis.measure = async (words) => {
  await initialize({ module_or_path: "module_bg.wasm" });
  const client = (url, more) => connect(url, { ...more, wasm: new URL("cowrite_bg.wasm", location.href) });
  const libraries = {
    cowrite: library({ connect: client, Socket: CountingSocket, token: (user) => words.tokens[user], breathe: () => new Promise((resolve) => setTimeout(resolve)) }),
    module: { create: () => new Applied(), pair: (components) => new Algebra(components) },
    yjs,
  };
  const file = words.file && await (await fetch("trace.json")).json();
  return kinds[words.kind](libraries[words.library], { ...words, memory }, file);
};
