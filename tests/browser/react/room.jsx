// A room whose components count how often they render.
import { memo } from "react";
import { createRoot } from "react-dom/client";
import { CowriteProvider, useConnection, useDocument, useOthers, usePresence, useStatus, useText, useUndo } from "cowrite/react";

const renders = (globalThis.renders = {});
const counted = (name) => void (renders[name] = (renders[name] ?? 0) + 1);

const Caret = memo(({ room, user }) => {
  counted(`caret ${user}`);
  const member = useOthers(room, (others) => others.find((other) => other.user === user));
  return <li id={user}>{member?.cursor?.head}</li>;
});
const Names = memo(({ room }) => {
  counted("names");
  return <p>{usePresence(room, (members) => members.map(({ name }) => name)).join()}</p>;
});
const Count = memo(({ room }) => {
  counted("count");
  return <p id="count">{useOthers(room, (others) => others.length)}</p>;
});
const Text = memo(({ room }) => {
  counted("text");
  return <p id="text">{useText(room)}</p>;
});
const State = memo(({ room }) => {
  counted("state");
  return <p id="state">{useStatus(room, ({ state, role }) => `${state} ${role}`)} {useConnection(({ state }) => state)}</p>;
});
const seen = (globalThis.undoFunctions = new Set());
const Undo = memo(({ room }) => {
  counted("undo");
  const { undo, redo, canUndo, canRedo } = useUndo(room);
  if (room) [undo, redo].forEach((one) => seen.add(one));
  return <><button id="undo" disabled={!canUndo} onClick={undo} /><button id="redo" disabled={!canRedo} onClick={redo} /></>;
});
const Everybody = memo(({ room }) => {
  counted("everybody");
  return <p>{useOthers(room).length}</p>;
});

function Room() {
  counted("room");
  const room = (globalThis.room = useDocument("room", { presence: { name: "Page" } }));
  return <><Names room={room} /><Count room={room} /><Text room={room} /><State room={room} /><Undo room={room} /><Everybody room={room} />
    <ul>{Array.from({ length: 49 }, (_, index) => <Caret key={index} room={room} user={`u${index}`} />)}</ul></>;
}

createRoot(document.getElementById("root")).render(<CowriteProvider url="/v1/socket" token={() => "dev:page"}><Room /></CowriteProvider>);
