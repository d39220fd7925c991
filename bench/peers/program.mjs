// A program that is measured or that measures: started on one core, watched through the kernel, ended.
import { spawn } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

const STARTS_WITHIN_MS = 20_000;

/** Lets a program have as many files open as the system lets it: what a user may have at first is fewer. */
const AS_MANY_FILES = ["sh", "-c", "ulimit -n \"$(ulimit -Hn)\" && exec \"$@\"", "sh"];

/** A child process. `end` is to be called whatever happens. */
export class Program {
  #child;
  #log = [];
  #lines = [];
  #listeners = new Set();

  /** Starts `words` on this core (`null`: wherever the kernel likes). */
  constructor(words, { core = null, env = {} } = {}) {
    const [name, ...rest] = core === null ? words : [...AS_MANY_FILES, "taskset", "-c", String(core), ...words];
    this.name = words.slice(0, 3).join(" ");
    this.#child = spawn(name, rest, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.exit = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(String(error)));
      this.#child.once("close", (code, signal) => resolve(code ?? signal));
    });
    const hear = (stream, keep) => createInterface(stream).on("line", (line) => {
      if (this.#log.push(line) > 200) this.#log.shift();
      if (keep) this.#lines.push(line);
      for (const listener of this.#listeners) listener(line);
    });
    hear(this.#child.stdout, true);
    hear(this.#child.stderr, false);
  }

  get pid() {
    return this.#child.pid;
  }

  /** What it said last, for the report of a failure. */
  get log() {
    return this.#log.join("\n");
  }

  /** Waits until it says this. */
  async says(words, within = STARTS_WITHIN_MS) {
    if (this.#log.some((line) => line.includes(words))) return;
    let timer;
    const heard = new Promise((resolve) => this.#listeners.add((line) => line.includes(words) && resolve("heard")));
    const late = new Promise((resolve) => (timer = setTimeout(resolve, within, "late")));
    const why = await Promise.race([heard, late, this.exit]);
    clearTimeout(timer);
    this.#listeners.clear();
    if (why !== "heard") throw new Error(`${this.name} did not say "${words}" (${why}):\n${this.log}`);
  }

  /** Waits for its end, which must be a good one. */
  async ended(within) {
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, within, `still running after ${within / 1000} s`)));
    const code = await Promise.race([this.exit, late]);
    clearTimeout(timer);
    if (code !== 0) {
      await this.end();
      throw new Error(`${this.name} failed (${code}):\n${this.log}`);
    }
  }

  /** Waits for its end; gives the JSON that it printed as its last line. */
  async result(within) {
    await this.ended(within);
    return JSON.parse(this.#lines.at(-1));
  }

  /** Tells it something by a signal. */
  signal(name) {
    this.#child.kill(name);
  }

  async end() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    await this.exit;
  }
}

/** How many files a program started here may have open. */
export async function mostFiles() {
  const limits = await readFile("/proc/self/limits", "utf8");
  const hard = /Max open files\s+\S+\s+(\S+)/.exec(limits)[1];
  return hard === "unlimited" ? Infinity : Number(hard);
}

/** Milliseconds of processor time, user and system, that these processes have used so far: to the nanosecond, of the threads that they have now. */
export async function cpuMs(pids) {
  let nanoseconds = 0;
  for (const pid of pids) {
    for (const thread of await readdir(`/proc/${pid}/task`)) {
      const stat = await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "0");
      nanoseconds += Number(stat.split(" ")[0]);
    }
  }
  return nanoseconds / 1e6;
}

/** Resident memory of a process in KiB: now, and at most so far. */
export async function residentKib(pid) {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const of = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]);
  return { now: of("VmRSS"), peak: of("VmHWM") };
}

export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
