import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Socket } from "../src/index.js";
import { Inspector } from "../src/inspector.js";

const message = (...bytes: number[]) => Uint8Array.from(bytes);
const [PING, PONG] = [message(8), message(17)];

/** A socket to a server that the test plays. */
class FakeSocket implements Socket {
  binaryType = "blob";
  bufferedAmount = 0;
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readonly sent: number[][] = [];
  closed = false;

  send(bytes: Uint8Array): void {
    this.sent.push([...bytes]);
  }

  close(): void {
    this.closed = true;
  }

  say(bytes: Uint8Array<ArrayBuffer>): void {
    this.onmessage?.({ type: "message", data: bytes.slice().buffer });
  }
}

/** An inspector with one socket, and what the client hears of it. */
function start(latencyMs = 0) {
  const fakes: FakeSocket[] = [];
  const inspector = new Inspector({ keep: 3, socket: () => (fakes.push(new FakeSocket()), fakes.at(-1)!) });
  inspector.latencyMs = latencyMs;
  const heard: string[] = [];
  const connect = () => {
    const socket = inspector.socket("ws://host", "cowrite.v1");
    socket.binaryType = "arraybuffer";
    socket.onopen = socket.onclose = ({ type }) => void heard.push(type);
    socket.onmessage = ({ data }) => void heard.push([...new Uint8Array(data as ArrayBuffer)].join());
    return socket;
  };
  const socket = connect();
  const fake = fakes[0]!;
  return { inspector, fakes, fake, socket, heard, connect, open: () => fake.onopen?.({ type: "open" }) };
}

/** Time that the test moves on. */
function clock(context: { after(end: () => void): void }) {
  let now = 0;
  const real = performance.now;
  mock.timers.enable({ apis: ["setTimeout"] });
  performance.now = () => now;
  context.after(() => {
    mock.timers.reset();
    performance.now = real;
  });
  return (ms: number) => {
    now += ms;
    mock.timers.tick(ms);
  };
}

test("without latency everything passes at once, and every frame is told before it acts", () => {
  const { inspector, fake, socket, heard, open } = start();
  const told: string[] = [];
  inspector.on("frame", ({ direction, kind, bytes, state }) => told.push(`${direction} ${kind} ${bytes} ${state} ${heard.length}`));
  inspector.on("settled", ({ kind, state }) => told.push(`${kind} ${state}`));
  open();
  assert.equal(inspector.connected, true);
  assert.equal(fake.binaryType, "arraybuffer");
  const bytes = PING.slice();
  socket.send(bytes);
  bytes[0] = 0;
  assert.deepEqual(fake.sent, [[8]]);
  fake.say(PONG);
  assert.deepEqual(heard, ["open", "17"]);
  assert.deepEqual(told, ["up Ping 1 travelling 1", "Ping arrived", "down Pong 1 travelling 1", "Pong arrived"]);
});

test("latency holds up each way, keeps the order, and counts what waits as not sent", (context) => {
  const pass = clock(context);
  const { inspector, fake, socket, heard, open } = start(100);
  open();
  pass(199);
  assert.deepEqual(heard, []);
  pass(1);
  assert.deepEqual(heard, ["open"]);
  socket.send(PING);
  assert.equal(socket.bufferedAmount, 1);
  inspector.latencyMs = 10;
  socket.send(message(7, 3));
  pass(99);
  assert.deepEqual(fake.sent, []);
  pass(1);
  assert.deepEqual(fake.sent, [[8], [7, 3]]);
  assert.equal(socket.bufferedAmount, 0);
  fake.say(PONG);
  pass(9);
  assert.equal(inspector.frames.at(-1)?.state, "travelling");
  pass(1);
  assert.deepEqual(heard, ["open", "17"]);
  assert.deepEqual(inspector.frames.map(({ kind, state, latencyMs }) => [kind, state, latencyMs]), [["Ping", "arrived", 100], ["Close", "arrived", 10], ["Pong", "arrived", 10]]);
});

test("a network that goes loses what is under way, ends the socket and lets no other be opened", (context) => {
  const pass = clock(context);
  const { inspector, fakes, fake, socket, heard, connect, open } = start(50);
  open();
  pass(100);
  socket.send(PING);
  fake.say(PONG);
  inspector.offline = true;
  assert.deepEqual(heard, ["open", "close"]);
  assert.deepEqual(inspector.frames.map(({ state }) => state), ["lost", "lost"]);
  assert.deepEqual([fake.closed, inspector.connected], [true, false]);
  const second = connect();
  second.send(PING);
  assert.deepEqual(heard, ["open", "close"]);
  pass(1);
  assert.deepEqual(heard, ["open", "close", "close"]);
  pass(1_000);
  assert.deepEqual([fake.sent, fakes.length], [[], 1]);
  inspector.offline = false;
  connect();
  assert.equal(fakes.length, 2);
});

test("a socket that the client closes sends what it was given, and then closes", (context) => {
  const pass = clock(context);
  const { fake, socket, heard, open } = start(50);
  open();
  pass(100);
  socket.send(message(7, 3));
  socket.close();
  fake.say(PONG);
  pass(49);
  assert.equal(fake.closed, false);
  pass(1);
  assert.deepEqual([fake.sent, fake.closed], [[[7, 3]], true]);
  assert.deepEqual(heard, ["open"]);
});

test("a server that ends the connection is heard after all that it said", (context) => {
  const pass = clock(context);
  const { inspector, fake, heard, open } = start(20);
  open();
  fake.say(PONG);
  fake.onclose?.({ type: "close" });
  pass(60);
  assert.deepEqual(heard, ["open", "17", "close"]);
  assert.equal(inspector.connected, false);
});

test("frames are kept up to a number, and those of one message share its number", () => {
  const { inspector, socket, open } = start();
  open();
  socket.send(message(8, 8));
  socket.send(PING);
  socket.send(PING);
  assert.deepEqual(inspector.frames.map(({ id, message }) => [id, message]), [[2, 1], [3, 2], [4, 3]]);
});
