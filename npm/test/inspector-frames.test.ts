import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { codes } from "../src/inspector/codes.js";
import { FrameReader, type Direction, type FieldValue } from "../src/inspector.js";
import { readOperation } from "../src/inspector/operation.js";

const root = new URL("../../../", import.meta.url);
const golden = (name: string) =>
  Uint8Array.from(readFileSync(new URL(`protocol/tests/golden/v1/${name}.hex`, root), "utf8").trim().split(/\s+/).filter(Boolean), (byte) => parseInt(byte, 16));

const [client, other] = ["00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"];
const [epoch, hash] = ["0123456789abcdef", "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"];
const typed = [{ retain: 100_000 }, { insert: "a" }];
const [state, channel, at] = ['{"c":1}', 3, [{ anchor: 100_000, head: 100_000 }]];
const selected = [{ anchor: 100_000, head: 99_997 }];
const authors = [{ number: 1, client: other, user: "bob", seq: 10_000 }];
const submit = { channel, seq: 10_001, base: 1_000_000, operation: typed };
const commit = { channel, author: 1, version: 1_000_001, seq: 10_001, operation: typed };
const open = { request: 1, document: "notes", client, whole: false, inFlight: 10_000, state };
const stood = { epoch, version: 1_000_000, hash };
const opened = { request: 1, channel, client, lastSeq: 0, number: 0, epoch: null };
const limits = {
  version: 1, user: "ann", components: 100_000, operationBytes: 16_777_216, attributes: 64, documentUnits: 67_108_864, messageBytes: 262_144,
  partBytes: 16_384, channels: 1_000, presenceBytes: 2_048, selections: 64, silenceMs: 90_000,
};

/** What each golden frame of PROTOCOL.md says. */
const frames: Record<string, [kind: string, fields: Record<string, FieldValue>]> = {
  "client/hello": ["Hello", { oldest: 1, newest: 1, token: "7 bytes, not shown" }],
  "client/open-first": ["Open", { ...open, client: null, position: null, inFlight: null }],
  "client/open-resume": ["Open", { ...open, position: stood }],
  "client/open-unwritten": ["Open", { ...open, position: { epoch: null, version: 0, hash: "0".repeat(32) } }],
  "client/open-whole": ["Open", { ...open, position: stood, whole: true, inFlight: null }],
  "client/submit": ["Submit", submit],
  "client/submit-still": ["SubmitStill", submit],
  "client/submit-cursor": ["SubmitCursor", { cursor: selected, ...submit }],
  "client/cursor": ["Cursor", { channel, version: 1_000_000, cursor: at }],
  "client/cursor-hidden": ["Cursor", { channel, version: 1_000_000, cursor: [] }],
  "client/presence": ["Presence", { channel, activity: "active", state }],
  "client/presence-typing": ["Presence", { channel, activity: "typing", state: null }],
  "client/presence-away": ["Presence", { channel, activity: "away", state: null }],
  "client/close": ["Close", { channel }],
  "client/ping": ["Ping", {}],
  "client/token": ["Token", { token: "7 bytes, not shown" }],
  "client/verify": ["Verify", { channel, version: 1_000_000, hash: "a7a6a5a4a3a2a1a0", checksum: "1122334455667788" }],
  "client/part-first": ["Part", { channel, total: 40_000, bytes: "2 bytes" }],
  "client/part-next": ["Part", { channel, total: null, bytes: "2 bytes" }],
  "client/restore": ["Restore", { channel, base: 1_000_000, operation: typed }],
  "server/welcome-memory": ["Welcome", { ...limits, durability: "none" }],
  "server/welcome-disk": ["Welcome", { ...limits, durability: "disk" }],
  "server/welcome-replicated": ["Welcome", { ...limits, durability: { replicated: { replicas: 2 } } }],
  "server/welcome-fsynced": ["Welcome", { ...limits, durability: "fsynced" }],
  "server/error": ["Error", { code: "going_away", retryAfterMs: 5_000, oldest: 1, newest: 1 }],
  "server/opened-tail": ["Opened", { ...opened, lastSeq: 10_000, role: "editor", settlement: { accepted: { version: 1_000_001 } }, epoch, outcome: { tail: { head: 1_000_020 } } }],
  "server/opened-snapshot": ["Opened", { ...opened, role: "viewer", settlement: "nothing", outcome: "snapshot" }],
  "server/opened-mismatch": ["Opened", { ...opened, role: "commenter", settlement: "notAccepted", outcome: "mismatch" }],
  "server/opened-epoch-changed": ["Opened", { ...opened, role: "owner", settlement: "unknown", outcome: "epochChanged" }],
  "server/open-refused": ["OpenRefused", { request: 1, code: "unavailable", retryAfterMs: 1_000 }],
  "server/author": ["Author", { channel, number: 1, client: other, user: "bob", seq: 10_000 }],
  "server/commit": ["Commit", commit],
  "server/commit-still": ["CommitStill", commit],
  "server/commit-cursor": ["CommitCursor", { cursor: selected, ...commit }],
  "server/entry": ["Entry", { channel, version: 1_000_001, client: other, seq: 10_001, user: "bob", operation: typed }],
  "server/ack": ["Ack", { channel, seq: 10_001, version: 1_000_001, hash: 0xa0 }],
  "server/reject": ["Reject", { channel, seq: 10_001, code: "past_end" }],
  "server/busy": ["Busy", { channel, seq: 10_001, code: "rate_limited", retryAfterMs: 1_000 }],
  "server/composed": ["Composed", { channel, version: 1_000_020, hash, checksum: "1122334455667788", authors, operation: typed }],
  "server/snapshot": ["Snapshot", { channel, epoch, version: 1_000_020, hash, checksum: "1122334455667788", authors, content: [{ insert: "hello" }] }],
  "server/snapshot-unwritten": ["Snapshot", { channel, epoch: null, version: 0, hash: "0".repeat(32), checksum: "1122334455667788", authors: [], content: [] }],
  "server/durable": ["Durable", { channel, version: 1_000_020 }],
  "server/stalled": ["Stalled", { channel, stalled: true }],
  "server/stalled-over": ["Stalled", { channel, stalled: false }],
  "server/closed": ["Closed", { channel, code: "behind", retryAfterMs: 0 }],
  "server/pong": ["Pong", {}],
  "server/go-away": ["GoAway", { spreadMs: 5_000 }],
  "server/members-here": ["Members", { channel, changes: [{ here: { number: 1, user: "bob", name: "Bob", activity: "typing", state } }] }],
  "server/members-left": ["Members", { channel, changes: [{ left: { number: 1 } }] }],
  "server/cursors": ["Cursors", { channel, version: 1_000_000, cursors: [{ number: 1, cursor: at }, { number: 2, cursor: selected }] }],
  "server/verified": ["Verified", { channel, version: 1_000_000 }],
  "server/part-first": ["Part", { channel, total: 40_000, bytes: "2 bytes" }],
  "server/part-next": ["Part", { channel, total: null, bytes: "2 bytes" }],
  "server/restored": ["Restored", { channel, code: null }],
  "server/restored-refused": ["Restored", { channel, code: "already_restored" }],
  "server/terms": ["Terms", { submits: { perSecond: 100, burst: 200 }, presence: { perSecond: 20, burst: 40 }, connections: 10, tokenMs: 3_600_000 }],
  "server/terms-for-ever": ["Terms", { submits: { perSecond: 100, burst: 200 }, presence: { perSecond: 20, burst: 40 }, connections: 10, tokenMs: null }],
};

const direction = (name: string): Direction => (name.startsWith("client/") ? "up" : "down");

/** A reader that has heard what the examples of PROTOCOL.md suppose. */
function midway(sent = false): FrameReader {
  const reader = new FrameReader();
  const before = ["client/open-resume", "server/opened-tail", "server/author", ...(sent ? ["client/submit"] : [])];
  for (const name of before) reader.read(direction(name), golden(name));
  return reader;
}

test("every golden frame is read to its last byte, with every number written out", () => {
  const files = ["client", "server"].flatMap((side) => readdirSync(new URL(`protocol/tests/golden/v1/${side}/`, root)).map((file) => `${side}/${file.replace(/\.hex$/, "")}`));
  assert.deepEqual(Object.keys(frames).sort(), files.sort());
  for (const [name, [kind, fields]] of Object.entries(frames)) {
    const bytes = golden(name);
    assert.deepEqual(midway(name === "server/ack").read(direction(name), bytes), [{ direction: direction(name), kind, bytes: bytes.length, fields }], name);
  }
});

test("every golden operation is read as a delta", () => {
  const operations = {
    nothing: [],
    typed,
    deleted: [{ retain: 2 }, { delete: 1 }],
    replaced: [{ insert: "é🏆" }, { delete: 3 }],
    formatted: [{ retain: 2 }, { retain: 3, attributes: { a: null, b: false, c: "x" } }],
    "bold-twice": [{ insert: "a", attributes: { bold: true } }, { insert: "b" }, { insert: "c", attributes: { bold: true } }],
    embedded: [{ insert: { image: "x" } }],
    "embedded-bold": [{ insert: { image: "x" }, attributes: { bold: true } }],
  };
  const files = readdirSync(new URL("protocol/tests/golden/v1/operation/", root)).map((file) => file.replace(/\.hex$/, ""));
  assert.deepEqual(Object.keys(operations).sort(), files.sort());
  for (const [name, delta] of Object.entries(operations)) assert.deepEqual(readOperation(golden(`operation/${name}`)), delta, name);
});

test("the numbers of PROTOCOL.md are written out over their reference", () => {
  const expected = { near: 1_000_001, "one-byte": 1_000_063, "two-bytes": 1_000_064, "three-bytes": 1_008_192, below: 999_999 };
  for (const [name, version] of Object.entries(expected)) {
    const cursor = Uint8Array.from([5, 3, ...golden(`number/${name}`), 0]);
    assert.equal(midway().read("up", cursor)[0]!.fields["version"], version, name);
  }
});

test("the codes are those of PROTOCOL.md", () => {
  const table = [...readFileSync(new URL("PROTOCOL.md", root), "utf8").matchAll(/^\| (\d+) \| `(\w+)` \|/gm)];
  assert.ok(table.length > 30);
  assert.deepEqual(codes, table.map(([, , name]) => name));
});

test("several frames in one message are told apart, and each has its own size", () => {
  const read = midway().read("up", Uint8Array.from([...golden("client/submit"), ...golden("client/ping")]));
  assert.deepEqual(read.map(({ kind, bytes }) => [kind, bytes]), [["Submit", 10], ["Ping", 1]]);
});

test("versions and client_seqs go on through a conversation, over the edge of a byte too", () => {
  const reader = midway();
  for (let turn = 1; turn <= 300; turn += 1) {
    const low = (number: number, bits: number) => (number % 2 ** bits) + 2 ** bits;
    const sent = Uint8Array.from([2, 3, low(10_000 + turn, 6), low(1_000_000 + turn - 1, 6), 2, 5, 97]);
    assert.deepEqual(reader.read("up", sent)[0]!.fields, { channel, seq: 10_000 + turn, base: 1_000_000 + turn - 1, operation: [{ insert: "a" }] });
    const ack = reader.read("down", Uint8Array.from([9, 3, (10_000 + turn) % 256, (1_000_000 + turn) % 256, 0]))[0]!;
    assert.deepEqual([ack.fields["seq"], ack.fields["version"]], [10_000 + turn, 1_000_000 + turn]);
  }
});

test("a frame in parts is read when the last of them has come", () => {
  const whole = golden("server/snapshot");
  const reader = midway();
  const half = 20;
  const [first] = reader.read("down", Uint8Array.from([22, 3, 1, whole.length, half, ...whole.subarray(0, half)]));
  assert.equal(first!.whole, undefined);
  const [last] = reader.read("down", Uint8Array.from([22, 3, 0, whole.length - half, ...whole.subarray(half)]));
  assert.deepEqual([last!.whole?.kind, last!.whole?.bytes, last!.whole?.fields["version"]], ["Snapshot", whole.length, 1_000_020]);
  const [after] = reader.read("down", Uint8Array.from([5, 3, 1, (1_000_021) % 256, 0x51, 0]));
  assert.equal(after!.fields["version"], 1_000_021);
});

test("what cannot be read is said and never thrown; what is too new is skipped", () => {
  for (const name of Object.keys(frames)) {
    const bytes = golden(name);
    for (let end = 1; end < bytes.length; end += 1) {
      const read = new FrameReader().read(direction(name), bytes.subarray(0, end));
      assert.equal(read.reduce((sum, frame) => sum + frame.bytes, 0), end);
    }
  }
  assert.deepEqual(midway().read("down", Uint8Array.from([99])).map(({ kind }) => kind), ["Unreadable"]);
  assert.deepEqual(midway().read("down", Uint8Array.from([70, 2, 1, 1, 17])).map(({ kind }) => kind), ["Ignored", "Pong"]);
  assert.deepEqual(midway().read("up", Uint8Array.from([50])).map(({ kind }) => kind), ["Unreadable"]);
});
