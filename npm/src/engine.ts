import type { Delta } from "./delta.js";
import type { SocketFactory } from "./socket.js";
import type { Cursor, LinkState, MemberActivity, Origin, ProposalKind, Role, Status, UndoState } from "./state.js";

/**
 * The engine's face: what the WebAssembly module exports. Documents are addressed by
 * small handles; positions are UTF-16 code units; what it throws are error codes.
 */
export interface Engine {
  /** Begins to connect. */
  connect(): void;
  /** Gives the token that was asked for; `fixed` where there is no other one. */
  token(value: string, fixed: boolean): void;
  /** Asks for a token, now. */
  refresh_token(): void;
  /** Says that there is no token. */
  token_failed(): void;
  /** Looks whether the connection still lives. */
  wake(): void;
  /** Ends the connection. */
  close(): void;
  /** Opens a document under a new handle; `state` is its presence as JSON. */
  open(id: string, state: string): number;
  /** As {@link Engine.open}, of a document that the page keeps: it asks for what is stored first. */
  open_kept(id: string, state: string): number;
  /** Gives what is stored of a document, or nothing, and how long ago that was; why it cannot be read, or an empty string. */
  loaded(doc: number, base: Uint8Array | undefined, work: Uint8Array | undefined, ageMs: number): string;
  /** The page cannot keep this document after all. */
  unkept(doc: number): void;
  /** The text to store with a request, if it has changed; once. */
  take_base(): Uint8Array | undefined;
  /** The pending work to store with a request; once. */
  take_work(): Uint8Array | undefined;
  /** How a request to store has ended. */
  stored(doc: number, ticket: number, ending: number): void;
  /** Closes a document; its handle is not used any more. */
  close_document(doc: number): void;
  /** The text. */
  text(doc: number): string;
  /** Its length. */
  length(doc: number): number;
  /** The content as a delta in JSON. */
  contents(doc: number): string;
  /** Inserts text; `attributes` are JSON. */
  insert(doc: number, offset: number, text: string, attributes?: string): void;
  /** Deletes text. */
  delete(doc: number, offset: number, length: number): void;
  /** Sets attributes, which are JSON. */
  format(doc: number, offset: number, length: number, attributes: string): void;
  /** Applies a delta in JSON. */
  apply(doc: number, delta: string): void;
  /** Undoes or does again; whether there was something. */
  undo(doc: number, redo: boolean): boolean;
  /** The next edit begins a group of its own. */
  stop_capturing(doc: number): void;
  /** Whether edits can be undone from now on; gives what held before. */
  record(on: boolean): boolean;
  /** Shows the others a caret or selection. */
  set_cursor(doc: number, anchor: number, head: number): void;
  /** Shows the others none. */
  clear_cursor(doc: number): void;
  /** Replaces what the others see; JSON. */
  set_presence(doc: number, state: string): void;
  /** The members as JSON, without their carets. */
  members(doc: number): string;
  /**
   * The carets of the members: a number that is another one whenever `members` gives something else, and then
   * three for each caret: the member's number, anchor and head.
   */
  carets(doc: number): Uint32Array;
  /** Tells state and watermarks, whether they have changed or not. */
  status(doc: number): void;
  /** What is not accepted yet, as a delta in JSON. The only one that works when the engine has failed. */
  pending(doc: number): string;
  /** The proposals as JSON. */
  proposals(doc: number): string;
  /** Makes a proposal an edit. */
  accept_proposal(doc: number, id: number): void;
  /** Throws a proposal away. */
  discard_proposal(doc: number, id: number): void;
  /** Asks before a merge is sent of what waited so long, or of which one side deleted more of the text. */
  set_review_rule(doc: number, waitedMs: number, deletedPercent: number): void;
  /** The merge that waits to be looked at as JSON, or `null`. */
  review(doc: number): string;
  /** What is to become of it: sent, perhaps with a delta in JSON on top, or taken back. */
  answer_review(doc: number, send: boolean, change?: string): void;
}

/** What timers, a socket or the page call. */
export type Callback = (event: unknown) => void;

/** What makes engines. */
export interface WasmClientClass {
  /**
   * `url` is the socket's address; `host` is called with one event at a time, and opens sockets. `guard` gets
   * the function by which timers, the socket and the page call the module, and answers what they shall call instead.
   */
  new (url: string, host: Host, guard: (callback: Callback) => Callback): Engine;
}

/** The WebAssembly module, ready for use. */
export interface WasmModule {
  /** Makes an engine. */
  readonly WasmClient: WasmClientClass;
}

/** What the engine asks of the page: to hear events, whose form is the package's own affair, and to open sockets. */
export type Host = ((event: unknown) => void) & {
  /** Opens a socket. */
  readonly socket: SocketFactory;
};

/** A member, as the engine tells it. */
export interface EngineMember {
  readonly number: number;
  readonly user: string;
  readonly name: string;
  readonly state: unknown;
  readonly active: MemberActivity;
  readonly self: boolean;
}

/** What the engine tells of one document. */
export type DocumentEvent =
  | { type: "opened"; doc: number; role: Role; number: number; user: string; first: boolean }
  | { type: "change"; doc: number; origin: Origin; user: string | null; delta: Delta; selection?: Cursor | null }
  | { type: "status"; doc: number; status: Status; undo: UndoState }
  | { type: "rejected"; doc: number; from: number; to: number; code: string; delta: Delta }
  | { type: "presence"; doc: number }
  | { type: "proposal"; doc: number; id: number; kind: ProposalKind }
  | { type: "proposal_settled"; doc: number; id: number; code: string | null }
  | { type: "merged"; doc: number; replaced: number; of: number }
  | { type: "review"; doc: number }
  | { type: "diverged"; doc: number }
  | { type: "closed"; doc: number; code: string; retry: boolean };

/** What the device keeps of a document is asked for; `user` is whose, where that is known. */
export type LoadEvent = { type: "load"; doc: number; user: string | null };

/** A record is to be stored; the engine gives it while it tells this. */
export type StoreEvent = { type: "store"; doc: number; ticket: number; user: string; pending: boolean };

/** What the engine tells. */
export type EngineEvent =
  | DocumentEvent
  | LoadEvent
  | StoreEvent
  | { type: "need_token" }
  | { type: "link"; state: LinkState; retry_in_ms: number | null; code: string | null }
  | { type: "panic"; message: string };
