import {
  abbreviated, activity, authors, bool, code, cursor, number, operation, option, part, position, rate, secret, sixteen, struct, text, u64, u8,
  variant, list, type Fields,
} from "./fields.js";

const submit: Fields = { channel: number, seq: abbreviated, base: abbreviated, operation };
const commit: Fields = { channel: number, author: number, version: u8, seq: abbreviated, operation };

/** The frames of a client (PROTOCOL.md, "Frames of the client"), by their kind. */
const up: Readonly<Record<string, Fields>> = {
  Hello: { oldest: u8, newest: u8, token: secret },
  Open: { request: number, document: text, client: option(sixteen), position, whole: bool, inFlight: option(number), state: text },
  Submit: submit,
  SubmitStill: submit,
  SubmitCursor: { cursor, ...submit },
  Cursor: { channel: number, version: abbreviated, cursor },
  Presence: { channel: number, activity, state: option(text) },
  Close: { channel: number },
  Ping: {},
  Token: { token: secret },
  Verify: { channel: number, version: number, hash: u64, checksum: u64 },
  Part: part,
  Restore: { channel: number, base: number, operation },
};

/** The frames of a server (PROTOCOL.md, "Frames of the server"), by their kind. */
const down: Readonly<Record<string, Fields>> = {
  Welcome: {
    version: u8, user: text, components: number, operationBytes: number, attributes: number, documentUnits: number, messageBytes: number,
    partBytes: number, channels: number, presenceBytes: number, selections: number,
    durability: variant({ none: null, disk: null, replicated: { replicas: u8 }, fsynced: null }), silenceMs: number,
  },
  Error: { code, retryAfterMs: number, oldest: u8, newest: u8 },
  Opened: {
    request: number, channel: number, client: sixteen, lastSeq: number, number,
    role: variant({ viewer: null, commenter: null, editor: null, owner: null }),
    settlement: variant({ nothing: null, accepted: { version: number }, notAccepted: null, unknown: null }),
    epoch: option(u64), outcome: variant({ tail: { head: number }, snapshot: null, mismatch: null, epochChanged: null }),
  },
  OpenRefused: { request: number, code, retryAfterMs: number },
  Author: { channel: number, number, client: sixteen, user: text, seq: number },
  Commit: commit,
  CommitStill: commit,
  CommitCursor: { cursor, ...commit },
  Entry: { channel: number, version: number, client: sixteen, seq: number, user: text, operation },
  Ack: { channel: number, seq: u8, version: u8, hash: u8 },
  Reject: { channel: number, seq: number, code },
  Busy: { channel: number, seq: number, code, retryAfterMs: number },
  Composed: { channel: number, version: number, hash: sixteen, checksum: u64, authors, operation },
  Snapshot: { channel: number, epoch: option(u64), version: number, hash: sixteen, checksum: u64, authors, content: operation },
  Durable: { channel: number, version: number },
  Stalled: { channel: number, stalled: bool },
  Closed: { channel: number, code, retryAfterMs: number },
  Pong: {},
  GoAway: { spreadMs: number },
  Members: {
    channel: number,
    changes: list(variant({ here: { number, user: text, name: text, activity, state: text }, left: { number } })),
  },
  Cursors: { channel: number, version: u8, cursors: list(struct({ number, cursor })) },
  Verified: { channel: number, version: number },
  Part: part,
  Restored: { channel: number, code: option(code) },
  Terms: { submits: rate, presence: rate, connections: number, tokenMs: option(number) },
};

/** Names and fields of the kinds, in the order of their numbers. */
export const kinds = { up: Object.entries(up), down: Object.entries(down) };
