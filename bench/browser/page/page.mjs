// The page that is measured: one editor by itself, one bound to Cowrite and one bound to Yjs, side by side.
import { connect } from "cowrite";
import { Doc, XmlFragment } from "yjs";
import { WebsocketProvider } from "y-websocket";
import { taken } from "./clock.mjs";
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

/** Three editors over the document that others have filled. */
globalThis.load = async (text) => {
  const editor = await editors[parameters.get("editor")]();
  const room = parameters.get("room");
  const place = () => Object.assign(document.body.appendChild(document.createElement("div")), { className: "editor" });
  const sides = { alone: editor.alone(place(), text) };

  const client = connect(parameters.get("ours"), { token: "dev:measured", wasm: new URL("wasm/cowrite_bg.wasm", location.href) });
  const shared = client.open(room, { presence: { name: "Measured" } });
  await shared.ready;
  sides.ours = editor.ours(place(), shared);
  sides.ours.settled = () => shared.status.pending === 0 && shared.status.state === "online";
  sides.ours.content = () => shared.text;

  if (editor.yjs) {
    const doc = new Doc();
    const provider = new WebsocketProvider(parameters.get("theirs"), room, doc, { disableBc: true, WebSocketPolyfill: TimedSocket });
    await new Promise((resolve) => provider.on("sync", (synced) => synced && resolve()));
    const type = editor.yjsType === "xml" ? doc.get("content", XmlFragment) : doc.getText("content");
    sides.yjs = editor.yjs(place(), type, provider.awareness);
    sides.yjs.settled = () => true;
    sides.yjs.content = () => (editor.yjsType === "xml" ? type.toArray().map((block) => `${block.toArray().map(String).join("")}\n`).join("") : type.toString());
  }
  globalThis.sides = sides;
  return Object.keys(sides);
};

const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

/** Waits until what a call has started in the same task is done: bindings finish in microtasks. */
const microtasks = async () => {
  for (let left = 0; left < 6; left += 1) await null;
};

/**
 * Types letters, in each editor in turn, and gives the milliseconds until control has come back and all
 * microtasks are done (`whole`), and those of them in the binding and the engine (`own`). `places` are offsets, each typed at once; without any, one run in the middle.
 */
globalThis.keystrokes = async (count, places) => {
  const names = Object.keys(sides);
  const times = Object.fromEntries(names.map((name) => [name, { whole: [], own: [] }]));
  if (!places) for (const side of Object.values(sides)) side.place(Math.floor(side.length() / 2)), await frame();
  for (let round = 0; round < count; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round) % names.length];
      const side = sides[name];
      side.focus();
      if (places) side.place(Math.floor(places[round] * side.length()));
      await frame();
      taken();
      const before = performance.now();
      side.type("x");
      await microtasks();
      times[name].whole.push(performance.now() - before);
      times[name].own.push(taken());
      await frame();
    }
  }
  return times;
};

/**
 * Has somebody else type letters in each shared editor in turn. Gives the milliseconds that each message kept
 * the page busy, and those in which the editor by itself takes such a letter from a program.
 */
globalThis.remoteKeystrokes = async (places) => {
  const remote = {};
  const alone = [];
  for (const name of Object.keys(sides).filter((name) => name !== "alone")) remote[name] = [], arrived(name);
  for (const place of places) {
    for (const name of Object.keys(remote)) {
      const before = sides[name].length();
      await write(name, place);
      // A change of afar may be held until the next frame, so the length says when it is there.
      while (sides[name].length() === before) await frame();
      remote[name].push(...arrived(name));
    }
    const offset = Math.floor(place * sides.alone.length());
    const before = performance.now();
    sides.alone.change(offset, "y");
    await microtasks();
    alone.push(performance.now() - before);
    await frame();
  }
  return { remote, alone };
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
