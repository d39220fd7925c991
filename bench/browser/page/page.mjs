// The page that is measured: an editor by itself, one bound to Cowrite, one bound to Yjs.
import { connect } from "cowrite";
import { Doc, XmlFragment } from "yjs";
import { WebsocketProvider } from "y-websocket";
import { taken, traced } from "./clock.mjs";
import { TimedSocket } from "./socket.mjs";

const editors = {
  codemirror: () => import("./codemirror.mjs"),
  monaco: () => import("./monaco.mjs"),
  quill: () => import("./quill.mjs"),
  prosemirror: () => import("./prosemirror.mjs"),
  textarea: () => import("./textarea.mjs"),
};

const parameters = new URLSearchParams(location.search);
globalThis.WebSocket = TimedSocket;

/** Editors over the document that others have filled: by default all there are, one beside the other. */
globalThis.load = async (text, names = ["alone", "ours", "yjs"]) => {
  const editor = await editors[parameters.get("editor")]();
  const room = parameters.get("room");
  const place = () => Object.assign(document.body.appendChild(document.createElement("div")), { className: "editor" });
  const sides = {};
  if (names.includes("alone")) sides.alone = editor.alone(place(), text);
  if (names.includes("ours")) sides.ours = await ours(editor, room, place());
  if (names.includes("yjs") && editor.yjs) sides.yjs = await theirs(editor, room, place());
  globalThis.sides = sides;
  return Object.keys(sides);
};

async function ours(editor, room, place) {
  const client = connect(parameters.get("ours"), { token: "dev:measured", wasm: new URL("wasm/cowrite_bg.wasm", location.href) });
  const shared = client.open(room, { presence: { name: "Measured" } });
  await shared.ready;
  return Object.assign(editor.ours(place, shared), {
    settled: () => shared.status.pending === 0 && shared.status.state === "online",
    content: () => shared.text,
  });
}

async function theirs(editor, room, place) {
  const doc = new Doc();
  const provider = new WebsocketProvider(parameters.get("theirs"), room, doc, { disableBc: true, WebSocketPolyfill: TimedSocket });
  await new Promise((resolve) => provider.on("sync", (synced) => synced && resolve()));
  const type = editor.yjsType === "xml" ? doc.get("content", XmlFragment) : doc.getText("content");
  return Object.assign(editor.yjs(place, type, provider.awareness), {
    settled: () => true,
    content: () => (editor.yjsType === "xml" ? type.toArray().map((block) => `${block.toArray().map(String).join("")}\n`).join("") : type.toString()),
  });
}

const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

/** Waits until what a call has started in the same task is done: bindings finish in microtasks. */
const microtasks = async () => {
  for (let left = 0; left < 6; left += 1) await null;
};

/**
 * Types letters, in each editor in turn, and gives the milliseconds until control has come back and all
 * microtasks are done (`whole`), and those of them in the binding and the engine (`own`). Letters are `pause`
 * milliseconds apart at least. `places` are offsets, each typed at once; without any, one run in the middle.
 */
globalThis.keystrokes = async (count, pause, places) => {
  const names = Object.keys(sides);
  const times = Object.fromEntries(names.map((name) => [name, { whole: [], own: [] }]));
  if (!places) for (const side of Object.values(sides)) side.place(Math.floor(side.length() / 2)), await frame();
  for (let round = 0; round < count; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round) % names.length];
      const side = sides[name];
      side.focus();
      if (places) side.place(Math.floor(places[round] * side.length())), await frame();
      taken();
      traced("letter");
      const before = performance.now();
      side.type("x");
      await microtasks();
      times[name].whole.push(performance.now() - before);
      times[name].own.push(taken());
      traced("typed");
      const left = pause - (performance.now() - before);
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
    }
  }
  return times;
};

/**
 * Has somebody else type letters. Gives the milliseconds that each message kept the page busy; of the editor by
 * itself, those in which it takes such a letter from a program.
 */
globalThis.remoteKeystrokes = async (name, places) => {
  const side = sides[name];
  const times = [];
  if (name !== "alone") arrived(name);
  for (const place of places) {
    const length = side.length();
    if (name === "alone") {
      const before = performance.now();
      side.change(Math.floor(place * length), "y");
      await microtasks();
      times.push(performance.now() - before);
      await frame();
      continue;
    }
    await write(name, place);
    // A change of afar may be held until the next frame, so the length says when it is there.
    while (side.length() === length) await frame();
    times.push(...arrived(name));
  }
  return times;
};

/** What the messages since the last call have cost that have changed the text. */
const arrived = (name) => TimedSocket.taken(parameters.get(name === "ours" ? "ours" : "theirs"), () => sides[name].length());

/** Watches the page being drawn: the milliseconds between frames, tasks above 50 ms, and how many carets of others are there. */
globalThis.frames = async (milliseconds) => {
  let longTasks = 0;
  const observer = new PerformanceObserver((list) => (longTasks += list.getEntries().length));
  observer.observe({ type: "longtask" });
  const intervals = [];
  const begun = performance.now();
  let last = await new Promise(requestAnimationFrame);
  while (performance.now() - begun < milliseconds) {
    const now = await new Promise(requestAnimationFrame);
    intervals.push(now - last);
    last = now;
  }
  observer.disconnect();
  const drawn = document.querySelectorAll(".cowrite-caret, .cm-ySelectionCaret, .ql-cursor:not(.hidden), .ProseMirror-yjs-cursor, .yRemoteSelectionHead").length;
  return { intervals, longTasks, drawn, elapsed: performance.now() - begun };
};
