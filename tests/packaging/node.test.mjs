import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { guide } from "../browser/bundle.mjs";
import { DEADLINE_MS, Server, root } from "../browser/harness.mjs";
import { freePort } from "../browser/port.mjs";
import { here, install } from "./package.mjs";

await install();
const server = await Server.start();
const url = `ws://127.0.0.1:${server.port}/v1/socket`;

/** A program that runs, line by line. */
function start(folder, name, ...given) {
  const child = spawn(process.execPath, [path.join(folder, name), ...given], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  after(() => child.kill("SIGKILL"));
  const lines = [];
  let wake = () => {};
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", (line) => (lines.push(line), wake()));
  const ended = new Promise((resolve) => child.once("close", resolve));
  /** Waits for a line that has `text` in it. */
  const said = async (text) => {
    const deadline = Date.now() + DEADLINE_MS;
    while (!lines.some((line) => line.includes(text))) {
      if (Date.now() > deadline || child.exitCode !== null) throw new Error(`the program did not say ${text}:\n${lines.join("\n")}`);
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, 1_000);
      });
    }
  };
  return { child, lines, ended, said };
}

/** A folder with the examples, whose packages are those of these tests. */
async function examples() {
  const folder = await mkdtemp(path.join(here, "node_modules/.app-"));
  after(() => rm(folder, { recursive: true, force: true }));
  await cp(path.join(root, "examples/node"), folder, { recursive: true, filter: (name) => !name.endsWith("node_modules") });
  return folder;
}

test("one program watches a document that another one edits", async () => {
  const folder = await examples();
  const watcher = start(folder, "watch.mjs", url, "watched");
  await watcher.said('open: ""');
  const editor = start(folder, "edit.mjs", url, "watched", "Hello 😀");
  assert.equal(await editor.ended, 0, editor.lines.join("\n"));
  assert.deepEqual(editor.lines, ["Hello 😀"]);
  await watcher.said('robot: [{"insert":"Hello 😀"}]');
  watcher.child.kill("SIGINT");
  // Closed, nothing keeps it alive.
  assert.equal(await watcher.ended, 0);
});

test("the guide shows the program that edits", async () => {
  assert.equal(await guide("node", "js"), await readFile(path.join(root, "examples/node/edit.mjs"), "utf8"));
});

test("a client that is closed while it connects ends quietly", async () => {
  const folder = await examples();
  await writeFile(path.join(folder, "early.mjs"), `
    import { connect } from "cowrite";
    const client = connect(process.argv[2], { token: "dev:early" });
    client.on("status", ({ state }) => console.log(state));
    const Socket = await new Promise((resolve) => {
      const wait = () => (globalThis.WebSocket ? resolve(globalThis.WebSocket) : setTimeout(wait, 1));
      wait();
    });
    globalThis.WebSocket = class extends Socket {
      constructor(...given) {
        super(...given);
        queueMicrotask(() => client.close());
      }
    };
  `);
  // Nobody answers there, so that it cannot be open already.
  const program = start(folder, "early.mjs", `ws://127.0.0.1:${await freePort()}/v1/socket`);
  assert.equal(await program.ended, 0, program.lines.join("\n"));
  assert.equal(program.lines.at(-1), "stopped");
});

test("a program ends when it has disposed of what it opened", async () => {
  const folder = await examples();
  await writeFile(path.join(folder, "dispose.mjs"), `
    import { connect } from "cowrite";
    const client = connect(process.argv[2], { token: "dev:dispose" });
    const [one, same] = [client.open("disposed"), client.open("disposed")];
    await one.ready;
    one.insert(0, "kept");
    await one.whenAccepted();
    one[Symbol.dispose]();
    console.log(same.status.state, same.text);
    same[Symbol.dispose]();
    console.log(same.status.state, same.text);
    client[Symbol.dispose]();
    console.log(client.status.state);
  `);
  const program = start(folder, "dispose.mjs", url);
  // Nothing is left that keeps it alive.
  assert.equal(await program.ended, 0, program.lines.join("\n"));
  assert.deepEqual(program.lines, ["online kept", "closed kept", "stopped"]);
});

test("without a WebSocket a program is told what to do", async (context) => {
  const folder = await mkdtemp(path.join(tmpdir(), "cowrite-node-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  // The package alone, without ws beside it.
  await cp(path.join(here, "node_modules/cowrite"), path.join(folder, "node_modules/cowrite"), { recursive: true });
  await writeFile(path.join(folder, "lonely.mjs"), `
    import { connect } from "cowrite";
    delete globalThis.WebSocket;
    connect(process.argv[2]).open("a").ready.catch(({ code, whatToDo }) => console.log(code, whatToDo));
  `);
  const program = start(folder, "lonely.mjs", url);
  assert.equal(await program.ended, 0, program.lines.join("\n"));
  assert.deepEqual(program.lines, ["no_websocket Install the package `ws`, or use Node.js 22 or newer."]);
});
