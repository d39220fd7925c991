/**
 * Cowrite's client: many people edit one document at once.
 *
 * ```js
 * import { connect } from "cowrite";
 * const client = connect("wss://example.org/v1/socket", { token: fetchToken });
 * const document = client.open("notes");
 * await document.ready;
 * document.on("change", ({ delta, origin }) => console.log(origin, delta));
 * document.insert(0, "Hello");
 * await document.whenAccepted();
 * ```
 *
 * Every offset and length is in UTF-16 code units: the indices of JavaScript's strings.
 * @packageDocumentation
 */
export { connect, Client } from "./client.js";
export type { ClientEvents, ConnectOptions, OpenOptions, TokenSource } from "./client.js";
export { mapOffset } from "./delta.js";
export type { Attributes, Component, Delta, QuillDelta, Side } from "./delta.js";
export type { Document } from "./document.js";
export type { DocumentEvents } from "./document-events.js";
export { CowriteError } from "./error.js";
export type { ClearOptions, StorageOptions } from "./keeping.js";
export type { WasmSource } from "./load.js";
export type { OnReview, Review, ReviewOptions, ReviewRule, ReviewSide, Verdict } from "./review.js";
export type { Callback, Engine, Host, WasmClientClass, WasmModule } from "./engine.js";
export type { Socket, SocketEvent, SocketFactory } from "./socket.js";
export type {
  ChangeEvent, Cursor, LinkState, LinkStatus, Member, MemberActivity, Origin, Persistence, PersistenceReason, PresenceState,
  Proposal, ProposalKind, RejectedEvent, Role, Status, SyncState, UndoState,
} from "./state.js";
