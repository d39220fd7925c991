// Starts what the tests need, the real server, a proxy that can be cut and a browser, and ends it again.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { after } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";
import { Proxy } from "./proxy.mjs";
import { freePort } from "./port.mjs";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const STARTS_WITHIN_MS = 20_000;
export const DEADLINE_MS = 30_000;

/** The one place that knows the server's flags. With a secret, it believes tokens signed with that one, for no second longer than they say. */
const serverFlags = ({ port, data, pages, secret }) => [
  ...(secret ? ["--token-leeway-s", "0", "--allowed-origins", `http://127.0.0.1:${port}`] : ["--dev"]), "--listen", `127.0.0.1:${port}`, "--data", data, "--static", pages, "--package", path.join(root, "npm/dist"),
];

/** Some flags keep Chromium from calling home, which a closed network would refuse. */
export const browserFlags = [
  "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

const executable = () => process.env.COWRITE_CHROMIUM ?? "/usr/bin/chromium";

/** A server on a data folder of its own. It can be killed and started again on the same port and data. */
export class Server {
  #settings;
  #process = null;
  #log = [];

  /** Starts a server that serves `pages` at its root. */
  static async start(pages = path.join(root, "examples/demo"), { secret, formats, apiKey } = {}) {
    const server = new Server();
    server.#settings = { port: await freePort(), data: await mkdtemp(path.join(tmpdir(), "cowrite-")), pages, secret, formats, apiKey };
    after(() => server.stop());
    await server.restart();
    return server;
  }

  get port() {
    return this.#settings.port;
  }

  /** Starts the server again after {@link kill}; settles when it listens. */
  async restart() {
    const { secret, formats, apiKey } = this.#settings;
    const env = { ...process.env, ...(secret ? { COWRITE_JWT_SECRET: secret } : {}), ...(formats ? { COWRITE_FORMATS: formats } : {}), ...(apiKey ? { COWRITE_API_KEY: apiKey } : {}) };
    const child = spawn(await serverBinary(), serverFlags(this.#settings), { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    const listening = new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`the server ${why}:\n${this.#log.join("\n")}`));
      const timer = setTimeout(() => fail(`did not listen within ${STARTS_WITHIN_MS} ms`), STARTS_WITHIN_MS);
      const read = (line) => {
        this.#log.push(line);
        // It may be the last line of many, and the log a long one.
        if (this.#log.length > 200) this.#log.shift();
        if (line.includes("listening on http://")) resolve(clearTimeout(timer));
      };
      createInterface(child.stdout).on("line", read);
      createInterface(child.stderr).on("line", read);
      child.once("error", (error) => fail(String(error)));
      child.once("exit", (code, signal) => (clearTimeout(timer), fail(`ended with ${code ?? signal}`)));
    });
    await listening;
  }

  /** `kill -9`: the server gets no chance to write anything. */
  async kill() {
    await end(this.#process, "SIGKILL");
  }

  /** Ends the server and removes its data. */
  async stop() {
    await end(this.#process, "SIGKILL");
    await rm(this.#settings.data, { recursive: true, force: true });
  }
}

/** One browser for a test file. */
export async function startBrowser(settings = {}) {
  const browser = await chromium.launch({ ...settings, executablePath: executable(), args: browserFlags });
  after(() => browser.close());
  return browser;
}

/**
 * A browser as people have it: its pages can be hidden and frozen, which Playwright's own pages cannot. All of them
 * are in one context.
 */
export async function startPlainBrowser() {
  const profile = await mkdtemp(path.join(tmpdir(), "cowrite-profile-"));
  after(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }));
  const flags = [...browserFlags, "--headless=new", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"];
  const child = spawn(executable(), flags, { stdio: ["ignore", "ignore", "pipe"] });
  after(() => end(child, "SIGKILL"));
  const address = await new Promise((resolve, reject) => {
    createInterface(child.stderr).on("line", (line) => {
      const found = /listening on (ws:\S+)/.exec(line);
      if (found) resolve(found[1]);
    });
    child.once("exit", (code, signal) => reject(new Error(`the browser ended with ${code ?? signal}`)));
  });
  const browser = await chromium.connectOverCDP(address, { noDefaults: true });
  after(() => browser.close());
  const [context] = browser.contexts();
  // As others are used, but there is only the one.
  return { newContext: async () => context };
}

const idle = new Map();

/**
 * A part of the browser with cookies and a storage of its own, for one person of a test that asks nothing of them. A
 * later test of the file gets it again, since making one costs the browser more than all that a test does in it.
 */
export async function borrowContext(browser, settings = {}) {
  const key = JSON.stringify(settings);
  if (!idle.has(browser)) idle.set(browser, new Map());
  const contexts = idle.get(browser);
  let context = contexts.get(key)?.pop();
  if (!context) {
    context = await browser.newContext(settings);
    // With its last page the window would close, and that is most of what costs time.
    await context.newPage();
  }
  const others = new Set(context.pages());
  after(async () => {
    for (const page of context.pages()) if (!others.has(page)) await page.close();
    await context.clearPermissions();
    contexts.set(key, [...(contexts.get(key) ?? []), context]);
  });
  return context;
}

/** Two people on one document of the demo, each in a browser of their own, each behind a proxy of their own. */
export async function startPair(name, { server } = {}) {
  server ??= await Server.start();
  const browser = await startBrowser();
  const people = [];
  for (const person of ["Ada Lovelace", "Grace Hopper"]) {
    const proxy = await Proxy.start(server.port);
    after(() => proxy.stop());
    people.push(await openDemo(browser, `http://127.0.0.1:${proxy.port}/#${name}`, person, proxy));
  }
  return { server, browser, people };
}

/** Opens the demo as somebody, alone on the page and without the inspector, and waits until the document is loaded. */
export async function openDemo(browser, url, person, proxy = null) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 720 } });
  await context.addInitScript((value) => {
    localStorage.setItem("cowrite.name", value);
    for (const key of ["cowrite.second", "cowrite.inspector"]) localStorage[key] ??= "off";
  }, person);
  const page = await context.newPage();
  const errors = watchErrors(page);
  await page.goto(url);
  await until(page, "the document is loaded", () => globalThis.demo?.document.role !== undefined && globalThis.demo.document.role !== null);
  return {
    page,
    proxy,
    errors,
    editor: page.locator("#editor"),
    value: () => page.locator("#editor").inputValue(),
    /** The text that the engine holds. */
    text: () => page.evaluate(() => globalThis.demo.document.text),
    status: () => page.evaluate(() => ({ ...globalThis.demo.document.status })),
    statusText: () => page.locator("#status-text").textContent(),
    /** Puts the caret somewhere, as a click would. */
    caretAt: (offset) => page.locator("#editor").evaluate((editor, at) => (editor.focus(), editor.setSelectionRange(at, at)), offset),
    pasted: (text) => paste(page, text),
  };
}

/** A token for a server with that secret: who it is, and in which role with every document. */
export function token(secret, user, role, seconds = 600) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1_000);
  const signed = [part({ alg: "HS256", typ: "JWT" }), part({ sub: user, iat: now, exp: now + seconds, cowrite: { documents: { "*": role } } })].join(".");
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** Errors of a page, apart from those of a network that was cut on purpose. */
export function watchErrors(page) {
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.stack ?? String(error)));
  return errors;
}

/** Waits in the page until a condition holds; fails after the deadline, naming what was waited for. */
export async function until(page, what, condition, argument, deadlineMs = DEADLINE_MS) {
  try {
    if (condition.constructor === AsyncFunction) await untilAnswered(page, condition, argument, deadlineMs);
    else await page.waitForFunction(condition, argument, { timeout: deadlineMs, polling: 20 });
  } catch (cause) {
    throw new Error(`waited ${deadlineMs} ms in vain until ${what}`, { cause });
  }
}

const AsyncFunction = (async () => {}).constructor;

/** The same for a condition that answers later, which `waitForFunction` would take for true. */
async function untilAnswered(page, condition, argument, deadlineMs) {
  for (const deadline = Date.now() + deadlineMs; !(await page.evaluate(condition, argument)); await pause(20)) {
    if (Date.now() > deadline) throw new Error("too late");
  }
}

/** Waits in this process until a condition holds, as {@link until} does in a page. */
export async function eventually(what, condition) {
  for (const deadline = Date.now() + DEADLINE_MS; !condition(); await pause(20)) {
    if (Date.now() > deadline) throw new Error(`waited ${DEADLINE_MS} ms in vain until ${what}`);
  }
}

/** Waits until everything is accepted and all hold one text, in engine and element, and gives it. */
export async function converged(people) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    for (const { page } of people) await until(page, "nothing is pending", () => globalThis.demo.document.status.pending === 0 && globalThis.demo.document.status.state === "online");
    const states = await Promise.all(people.map(async ({ text, value, status }) => ({ text: await text(), value: await value(), status: await status() })));
    const [first] = states;
    const settled = states.every(({ text, status }) => text === first.text && status.version === first.status.version && status.pending === 0);
    if (settled && states.every(({ text, value }) => value === shown(text))) return first.text;
    if (Date.now() > deadline) throw new Error(`no convergence:\n${states.map((state) => JSON.stringify(state).slice(0, 2_000)).join("\n")}`);
  }
}

/**
 * Where elements are on the page, each the first that its selector finds. Found and measured in one go: carets are
 * drawn anew at any frame, and one that was taken away after it was found would be at 0.
 */
export const boxes = (page, ...selectors) => page.evaluate((given) => given.map((selector) => document.querySelector(selector).getBoundingClientRect().toJSON()), selectors);

/** A text as a textarea shows it. */
export const shown = (text) => text.replace(/\r\n?/g, "\n");

/** Puts text in at the caret in one go, as a paste does, with the browser's own editing. */
async function paste(page, text) {
  await page.evaluate((value) => document.execCommand("insertText", false, value), text);
}

async function serverBinary() {
  const names = process.env.COWRITE_SERVER ? [process.env.COWRITE_SERVER] : ["release", "debug"].map((profile) => path.join(root, "target", profile, "cowrite-server"));
  for (const name of names) if (await access(name).then(() => true, () => false)) return name;
  throw new Error(`no server at ${names.join(" or ")}: build it by \`cargo build -p cowrite-server\``);
}

async function end(child, signal) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await ended;
}
