// Runs the files of tests in this folder, some beside each other, and prints what each has said when it has ended.
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** As many files at once. Each has a browser and servers of its own, and waits for them much of its time. */
const LANES = 2;

/** The longest first, so that none of them is begun when all others have ended. */
const LONG = ["faults-editors", "storage-kills", "bindings", "prosemirror", "storage-faults"].map((name) => `${name}.test.mjs`);

/** What takes longer hangs, and fails. */
const HANGS_MS = 600_000;

const here = fileURLToPath(new URL(".", import.meta.url));
const found = (await readdir(here)).filter((name) => name.endsWith(".test.mjs"));
const waiting = [...LONG, ...found.filter((name) => !LONG.includes(name)).sort()];
const took = new Map();
const began = Date.now();

async function run(name) {
  const started = Date.now();
  const child = spawn(process.execPath, ["--test", `--test-timeout=${HANGS_MS}`, name], { cwd: here, stdio: ["ignore", "pipe", "pipe"] });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => said.push(part));
  const code = await new Promise((resolve) => child.once("close", resolve));
  took.set(name, Date.now() - started);
  console.log(`-- ${name}, ${seconds(took.get(name))}`);
  process.stdout.write(Buffer.concat(said));
  if (code === 0) return;
  process.exitCode = 1;
  // What has begun is ended, and no other is begun.
  waiting.length = 0;
}

async function lane() {
  for (let name; (name = waiting.shift()); ) await run(name);
}

await Promise.all(Array.from({ length: LANES }, lane));
for (const [name, ms] of [...took].sort(([, one], [, other]) => other - one)) console.log(`-- ${seconds(ms).padStart(8)}  ${name}`);
console.log(`-- ${seconds(Date.now() - began).padStart(8)}  all of ${found.length} files`);

function seconds(ms) {
  return `${(ms / 1_000).toFixed(1)} s`;
}
