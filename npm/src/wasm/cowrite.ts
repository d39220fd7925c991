import type { Component } from "../delta.js";
import type { Callback, Engine, EngineEvent, Host } from "../engine.js";
import type { SyncState } from "../state.js";
import { Calls } from "./glue.js";

export { default, initSync } from "./glue.js";

// The module has one method for each kind of arguments, since each costs a quarter of a kilobyte. Which method of a
// client is meant is said by these numbers, which client-wasm/src/bindings/calls.rs has too; a test there compares them.

const enum Act {
  Connect = 0,
  RefreshToken = 1,
  TokenFailed = 2,
  Wake = 3,
  Close = 4,
  Unkept = 5,
  Stored = 6,
  CloseDocument = 7,
  Length = 8,
  Delete = 9,
  Undo = 10,
  StopCapturing = 11,
  Record = 12,
  SetCursor = 13,
  ClearCursor = 14,
  AcceptProposal = 15,
  DiscardProposal = 16,
  Status = 17,
}

const enum Write {
  Token = 0,
  Open = 1,
  OpenKept = 2,
  Insert = 3,
  Format = 4,
  Apply = 5,
  SetPresence = 6,
  AnswerReview = 7,
}

const enum Read {
  Text = 0,
  Contents = 1,
  Members = 2,
  Pending = 3,
  Proposals = 4,
  Review = 5,
}

/** The states of a document, by the number that the module has for each. */
const STATES: readonly SyncState[] = ["connecting", "online", "stalled", "offline", "closed"];

/** One client of one server, as the module has it: see {@link Engine}. */
export class WasmClient extends Calls implements Engine {
  constructor(url: string, host: Host, guard: (callback: Callback) => Callback) {
    const tell: (event: EngineEvent) => void = host;
    super(
      url,
      Object.assign((event: string) => tell(JSON.parse(event) as EngineEvent), {
        socket: host.socket,
        // What each keystroke brings with it is not worth a text that is written, read and parsed.
        edited(doc: number, at: number, deleted: number, inserted: string): void {
          const delta: Component[] = at > 0 ? [{ retain: at }] : [];
          if (inserted) delta.push({ insert: inserted });
          if (deleted > 0) delta.push({ delete: deleted });
          tell({ type: "change", doc, origin: "local", user: null, delta });
        },
        status(
          doc: number, state: number, flags: number,
          local: number, accepted: number, durable: number, pending: number, stored: number, inFlight: number, version: number,
        ): void {
          tell({
            type: "status",
            doc,
            status: {
              state: STATES[state]!, local, accepted, durable: durable < 0 ? null : durable, pending, stored: stored < 0 ? null : stored,
              reviewing: !!(flags & 1), inFlight, version,
            },
            undo: { canUndo: !!(flags & 2), canRedo: !!(flags & 4) },
          });
        },
      }),
      guard,
    );
  }
  connect(): void {
    this.act(Act.Connect);
  }
  token(value: string, fixed: boolean): void {
    this.write(Write.Token, 0, +fixed, 0, value);
  }
  refresh_token(): void {
    this.act(Act.RefreshToken);
  }
  token_failed(): void {
    this.act(Act.TokenFailed);
  }
  wake(): void {
    this.act(Act.Wake);
  }
  close(): void {
    this.act(Act.Close);
  }
  open(id: string, state: string): number {
    return this.write(Write.Open, 0, 0, 0, id, state);
  }
  open_kept(id: string, state: string): number {
    return this.write(Write.OpenKept, 0, 0, 0, id, state);
  }
  unkept(doc: number): void {
    this.act(Act.Unkept, doc);
  }
  take_base(): Uint8Array | undefined {
    return this.take(true);
  }
  take_work(): Uint8Array | undefined {
    return this.take(false);
  }
  stored(doc: number, ticket: number, ending: number): void {
    this.act(Act.Stored, doc, ticket, ending);
  }
  close_document(doc: number): void {
    this.act(Act.CloseDocument, doc);
  }
  text(doc: number): string {
    return this.read(Read.Text, doc);
  }
  length(doc: number): number {
    return this.act(Act.Length, doc);
  }
  contents(doc: number): string {
    return this.read(Read.Contents, doc);
  }
  insert(doc: number, offset: number, text: string, attributes?: string): void {
    this.write(Write.Insert, doc, offset, 0, text, attributes);
  }
  delete(doc: number, offset: number, length: number): void {
    this.act(Act.Delete, doc, offset, length);
  }
  format(doc: number, offset: number, length: number, attributes: string): void {
    this.write(Write.Format, doc, offset, length, attributes);
  }
  apply(doc: number, delta: string): void {
    this.write(Write.Apply, doc, 0, 0, delta);
  }
  undo(doc: number, redo: boolean): boolean {
    return !!this.act(Act.Undo, doc, +redo);
  }
  stop_capturing(doc: number): void {
    this.act(Act.StopCapturing, doc);
  }
  record(on: boolean): boolean {
    return !!this.act(Act.Record, 0, +on);
  }
  set_cursor(doc: number, anchor: number, head: number): void {
    this.act(Act.SetCursor, doc, anchor, head);
  }
  clear_cursor(doc: number): void {
    this.act(Act.ClearCursor, doc);
  }
  set_presence(doc: number, state: string): void {
    this.write(Write.SetPresence, doc, 0, 0, state);
  }
  members(doc: number): string {
    return this.read(Read.Members, doc);
  }
  status(doc: number): void {
    this.act(Act.Status, doc);
  }
  pending(doc: number): string {
    return this.read(Read.Pending, doc);
  }
  proposals(doc: number): string {
    return this.read(Read.Proposals, doc);
  }
  accept_proposal(doc: number, id: number): void {
    this.act(Act.AcceptProposal, doc, id);
  }
  discard_proposal(doc: number, id: number): void {
    this.act(Act.DiscardProposal, doc, id);
  }
  review(doc: number): string {
    return this.read(Read.Review, doc);
  }
  answer_review(doc: number, send: boolean, change?: string): void {
    this.write(Write.AnswerReview, doc, +send, 0, "", change);
  }
}
