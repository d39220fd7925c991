// What a measurement needs: both servers, a site with fine timers, a browser and the page that is measured.
import { spawn } from "node:child_process";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as listen } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { bundle } from "./bundle.mjs";

export const here = fileURLToPath(new URL(".", import.meta.url));
export const root = path.join(here, "../..");
const STARTS_WITHIN_MS = 20_000;

/** Some flags keep Chromium from calling home, which a closed network would refuse; nothing is drawn by a GPU. */
export const browserFlags = [
  "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--enable-precise-memory-info",
];

/** Everything for one run. `close` ends it all, and is to be called whatever happens. */
export class Environment {
  #ends = [];

  /** Starts the servers and the browser. */
  static async start() {
    const environment = new Environment();
    try {
      await environment.#begin();
      return environment;
    } catch (error) {
      await environment.close();
      throw error;
    }
  }

  async #begin() {
    const data = await mkdtemp(path.join(tmpdir(), "cowrite-bench-"));
    this.#ends.push(() => rm(data, { recursive: true, force: true }));
    const pages = path.join(data, "page");
    const [ours, theirs] = [await freePort(), await freePort()];
    await this.#run(await serverBinary(), ["--dev", "--listen", `127.0.0.1:${ours}`, "--data", path.join(data, "log")], "listening on http://");
    await this.#run(process.execPath, [path.join(here, "node_modules/@y/websocket-server/src/server.js")], "running at", { HOST: "127.0.0.1", PORT: String(theirs) });
    this.ours = `ws://127.0.0.1:${ours}/v1/socket`;
    this.theirs = `ws://127.0.0.1:${theirs}`;
    await bundle(pages);
    const site = await serve(pages);
    this.#ends.push(site.end);
    this.site = site.url;
    this.browser = await chromium.launch({ executablePath: process.env.COWRITE_CHROMIUM ?? "/usr/bin/chromium", args: browserFlags });
    this.#ends.push(() => this.browser.close());
    this.version = `Chromium ${this.browser.version()}, headless`;
  }

  /** Opens the page; an error in it ends the measurement. */
  async open(parameters) {
    const page = await this.browser.newPage({ viewport: { width: 1500, height: 700 } });
    page.setDefaultTimeout(600_000);
    page.errors = [];
    page.on("pageerror", (error) => page.errors.push(error.stack ?? String(error)));
    page.on("console", (message) => message.type() === "error" && page.errors.push(message.text()));
    await page.goto(`${this.site}/?${new URLSearchParams({ ours: this.ours, theirs: this.theirs, ...parameters })}`);
    return page;
  }

  /** Begins to trace what a page does. */
  async trace(page) {
    await page.evaluate(() => (globalThis.isTraced = true));
    await this.browser.startTracing(page, { categories: ["devtools.timeline"] });
  }

  /** Ends that; gives the events. */
  async traced() {
    return JSON.parse(await this.browser.stopTracing()).traceEvents;
  }

  /** Ends what has been started, last first. */
  async close() {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }

  async #run(program, words, listening, env = {}) {
    const child = spawn(program, words, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.#ends.push(() => ended(child));
    const log = [];
    await new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`${path.basename(program)} ${why}:\n${log.join("\n")}`));
      const timer = setTimeout(() => fail("did not listen in time"), STARTS_WITHIN_MS);
      const read = (line) => {
        if (log.push(line) > 100) log.shift();
        if (line.includes(listening)) resolve(clearTimeout(timer));
      };
      createInterface(child.stdout).on("line", read);
      createInterface(child.stderr).on("line", read);
      child.once("error", (error) => fail(String(error)));
      child.once("exit", (code, signal) => fail(`ended with ${code ?? signal}`));
    });
  }
}

/**
 * Serves a folder, on this port or a free one; gives its `url`, and `end`. A page that shares its process with nobody is
 * given a clock of 5 µs instead of 100 µs.
 */
export async function serve(folder, port = 0) {
  const types = { ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".css": "text/css", ".wasm": "application/wasm", ".ttf": "font/ttf" };
  const server = createServer(async (request, response) => {
    const name = path.normalize(new URL(request.url, "http://localhost").pathname).replace(/\/$/, "/index.html");
    const content = await readFile(path.join(folder, name)).catch(() => null);
    response.writeHead(content ? 200 : 404, {
      "content-type": types[path.extname(name)] ?? "application/octet-stream",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    }).end(content);
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const end = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  return { url: `http://127.0.0.1:${server.address().port}`, end };
}

async function serverBinary() {
  const names = process.env.COWRITE_SERVER ? [process.env.COWRITE_SERVER] : ["release", "debug"].map((profile) => path.join(root, "target", profile, "cowrite-server"));
  for (const name of names) if (await access(name).then(() => true, () => false)) return name;
  throw new Error(`no server at ${names.join(" or ")}: build it by \`cargo build --release -p cowrite-server\``);
}

function freePort() {
  return new Promise((resolve) => {
    const probe = listen().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exit;
}
