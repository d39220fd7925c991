// Who is measured: how each server is started, and by which client it is loaded.
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Program, freePort } from "./program.mjs";
import { SECRET } from "./token.mjs";

export const here = fileURLToPath(new URL(".", import.meta.url));
export const root = path.join(here, "../..");

/** The core of every server; the load has the other. */
const SERVER_CORE = 0;
export const LOAD_CORE = 1;

/** Programs of this repository, as `cargo xtask bench` has built them. */
export const programs = {
  server: process.env.COWRITE_SERVER ?? path.join(root, "target/dist/cowrite-server"),
  module: process.env.COWRITE_BENCH_WASM ?? path.join(root, "target/bench-wasm"),
  bench: process.env.COWRITE_BENCH ?? path.join(root, "target/dist/cowrite-bench"),
};

/** Our own server with these flags, and a token asked of everybody as in production. */
const cowrite = (flags) => async () => {
  const port = await freePort();
  const data = await mkdtemp(path.join(tmpdir(), "cowrite-bench-"));
  const words = [programs.server, "--listen", `127.0.0.1:${port}`, ...flags(data)];
  return { port, data, words, env: { COWRITE_JWT_SECRET: SECRET }, says: "listening on" };
};
/** A program of Node.js that takes its port as its first word. */
const node = (file, says, environment = () => ({})) => async () => {
  const port = await freePort();
  return { port, words: [process.execPath, path.join(here, file), String(port)], env: { NODE_ENV: "production", ...environment(port) }, says };
};
const relay = async () => {
  const port = await freePort();
  return { port, words: [programs.bench, "relay", "--port", String(port)], env: {}, says: "listening" };
};

const memory = () => ["--memory"];
const disk = (data) => ["--data", data];

/** Our own server on a Redis of its own, or on that of another server, which shares its core and keeps everything in memory. */
const redis = async (beside) => {
  const port = beside?.storePort ?? await freePort();
  const store = beside ? undefined : ["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  return { ...(await cowrite(() => ["--redis", `redis://127.0.0.1:${port}`])()), store, storePort: port };
};

/** Every subject by its name. `native` says that the load is our own program in Rust, not Node.js. */
export const subjects = {
  "cowrite": { title: "Cowrite, log in memory", note: "token checked", client: "cowrite", server: cowrite(memory) },
  "cowrite-disk": { title: "Cowrite, log on disk", note: "token checked, fsync before the ack", client: "cowrite", server: cowrite(disk) },
  "cowrite-redis": { title: "Cowrite, log in Redis", note: "token checked; Redis on the same core, its own time not counted", client: "cowrite", server: redis },
  "cowrite-native": { title: "Cowrite, log in memory, native client", note: "token checked", client: "cowrite", native: true, server: cowrite(memory) },
  "cowrite-disk-native": { title: "Cowrite, log on disk, native client", note: "token checked, fsync before the ack", client: "cowrite", native: true, server: cowrite(disk) },
  "cowrite-redis-native": { title: "Cowrite, log in Redis, native client", note: "token checked; Redis on the same core, its own time not counted", client: "cowrite", native: true, server: redis },
  "sharedb": { title: "ShareDB", note: "no auth, nothing kept", client: "sharedb", server: node("servers/sharedb.mjs", "listening") },
  "hocuspocus": { title: "Hocuspocus", note: "no auth, nothing kept", client: "hocuspocus", server: node("servers/hocuspocus.mjs", "listening") },
  "y-websocket": {
    title: "y-websocket",
    note: "no auth, nothing kept",
    client: "y-websocket",
    server: node("node_modules/@y/websocket-server/src/server.js", "running at", (port) => ({ HOST: "127.0.0.1", PORT: String(port) })),
  },
  "relay": { title: "bare relay", note: "no document: the limit", client: "relay", server: relay, limit: true },
  "relay-native": { title: "bare relay, native client", note: "no document: the limit", client: "relay", native: true, server: relay, limit: true },
};

/** A server that runs. */
export class Server {
  #begin;

  /** Starts the server of this subject afresh; `more` are flags for our own. With `beside`, on the Redis of that one. */
  static async start(name, more = [], beside = undefined) {
    const { port, data, words, env, says, store, storePort } = await subjects[name].server(beside);
    const server = new Server();
    Object.assign(server, { data, storePort });
    server.url = `ws://127.0.0.1:${port}`;
    try {
      if (store) {
        server.store = new Program(store, { core: SERVER_CORE });
        await server.store.says("Ready to accept connections");
      }
      server.#begin = async () => {
        server.program = new Program(data ? [...words, ...more] : words, { core: SERVER_CORE, env });
        await server.program.says(says);
      };
      await server.#begin();
    } catch (error) {
      await server.end();
      throw error;
    }
    return server;
  }

  get pid() {
    return this.program.pid;
  }

  /** The process of its Redis, if it has one. */
  get morePids() {
    return this.store ? [this.store.pid] : [];
  }

  /** What its Redis says of itself in one section: `INFO memory`, line by line. */
  async storeInfo(section) {
    const socket = connect(this.storePort, "127.0.0.1");
    try {
      socket.write(`INFO ${section}\r\n`);
      let answer = "";
      for await (const chunk of socket) {
        answer += chunk;
        if (answer.length >= Number(/^\$(\d+)/.exec(answer)?.[1] ?? Infinity)) break;
      }
      return Object.fromEntries(answer.split("\r\n").filter((line) => line.includes(":")).map((line) => line.split(":")));
    } finally {
      socket.destroy();
    }
  }

  /** Bytes of the blocks that its files use. */
  async stored() {
    let bytes = 0;
    for (const entry of await readdir(this.data, { recursive: true })) bytes += (await stat(path.join(this.data, entry))).blocks * 512;
    return bytes;
  }

  /** One number of its page of metrics: all series of that name that hold these words, together. */
  async metric(name, words = "") {
    const page = await (await fetch(`${this.url.replace("ws:", "http:")}/metrics`)).text();
    const lines = page.split("\n").filter((line) => new RegExp(`^${name}[ {]`).test(line) && line.includes(words));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  /** Kills it and starts it again, with what it has kept. */
  async restart() {
    await this.program.end();
    await this.#begin();
  }

  async end() {
    await this.program?.end();
    await this.store?.end();
    if (this.data) await rm(this.data, { recursive: true, force: true });
  }
}

/** The program that puts a server under a load: in Rust if the subject or the scenario is `native`. */
export function loader(name, server, scenario) {
  const { client, native } = { ...subjects[name], ...scenario };
  const words = JSON.stringify({ client, url: server.url, pid: server.pid, morePids: server.morePids, ...scenario });
  const program = native ? [programs.bench, "load", words] : [process.execPath, path.join(here, "load/main.mjs"), words];
  return new Program(program, { core: LOAD_CORE, env: { COWRITE_JWT_SECRET: SECRET } });
}

/** Puts a server under a load and gives what the load measured; `during` is called with the load's program. */
export async function load(name, server, scenario, within = 120_000, during = () => {}) {
  const program = loader(name, server, scenario);
  try {
    const [result] = await Promise.all([program.result(within), during(program)]);
    return result;
  } finally {
    await program.end();
  }
}
