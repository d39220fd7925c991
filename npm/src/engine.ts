import type { Delta } from "./delta.js";
import type { Cursor, LinkState, MemberActivity, Origin, ProposalKind, Role, SyncState } from "./state.js";

/**
 * The engine's face: what the WebAssembly module exports. Documents are addressed by
 * small handles; positions are UTF-16 code units; what it throws are error codes.
 */
export interface Engine {
  connect(): void;
  token(value: string, fixed: boolean): void;
  refresh_token(): void;
  token_failed(): void;
  wake(): void;
  close(): void;
  open(id: string, state: string): number;
  open_kept(id: string, state: string): number;
  loaded(doc: number, base?: Uint8Array, work?: Uint8Array): string;
  unkept(doc: number): void;
  take_base(): Uint8Array | undefined;
  take_work(): Uint8Array | undefined;
  stored(doc: number, ticket: number, ending: number): void;
  close_document(doc: number): void;
  text(doc: number): string;
  length(doc: number): number;
  contents(doc: number): string;
  insert(doc: number, offset: number, text: string, attributes?: string): void;
  delete(doc: number, offset: number, length: number): void;
  format(doc: number, offset: number, length: number, attributes: string): void;
  apply(doc: number, delta: string): void;
  undo(doc: number, redo: boolean): boolean;
  stop_capturing(doc: number): void;
  record(on: boolean): boolean;
  set_cursor(doc: number, anchor: number, head: number): void;
  clear_cursor(doc: number): void;
  set_presence(doc: number, state: string): void;
  members(doc: number): string;
  status(doc: number): string;
  pending(doc: number): string;
  proposals(doc: number): string;
  accept_proposal(doc: number, id: number): void;
  discard_proposal(doc: number, id: number): void;
}

/** The WebAssembly module, ready for use. */
export interface WasmModule {
  readonly WasmClient: new (url: string, host: (event: string) => void) => Engine;
}

/** The watermarks of a document, as the engine tells them. */
export interface EngineStatus {
  readonly state: SyncState;
  readonly local: number;
  readonly accepted: number;
  readonly durable: number | null;
  readonly pending: number;
  readonly stored: number | null;
  readonly version: number;
  readonly can_undo: boolean;
  readonly can_redo: boolean;
}

/** A member, as the engine tells it. */
export interface EngineMember {
  readonly number: number;
  readonly user: string;
  readonly name: string;
  readonly state: unknown;
  readonly active: MemberActivity;
  readonly self: boolean;
  readonly cursor: null | { readonly anchor: number; readonly head: number };
}

/** What the engine tells of one document. */
export type DocumentEvent =
  | { type: "opened"; doc: number; role: Role; number: number; user: string; first: boolean }
  | { type: "change"; doc: number; origin: Origin; user: string | null; delta: Delta; selection?: Cursor | null }
  | ({ type: "status"; doc: number } & EngineStatus)
  | { type: "rejected"; doc: number; from: number; to: number; code: string; delta: Delta }
  | { type: "presence"; doc: number }
  | { type: "proposal"; doc: number; id: number; kind: ProposalKind }
  | { type: "proposal_settled"; doc: number; id: number; code: string | null }
  | { type: "merged"; doc: number; replaced: number; of: number }
  | { type: "diverged"; doc: number }
  | { type: "closed"; doc: number; code: string; retry: boolean };

/** What the device keeps of a document is asked for; `user` is whose, where that is known. */
export type LoadEvent = { type: "load"; doc: number; user: string | null };

/** A record is to be stored; the engine gives it while it tells this. */
export type StoreEvent = { type: "store"; doc: number; ticket: number; user: string };

/** What the engine tells. */
export type EngineEvent =
  | DocumentEvent
  | LoadEvent
  | StoreEvent
  | { type: "need_token" }
  | { type: "link"; state: LinkState; retry_in_ms: number | null; code: string | null }
  | { type: "panic"; message: string };
