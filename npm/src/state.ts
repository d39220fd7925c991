import type { Delta } from "./delta.js";
import type { CowriteError } from "./error.js";

/** What a user may do with a document. `viewer` and `commenter` may not change its text. */
export type Role = "viewer" | "commenter" | "editor" | "owner";

/** The connection: `stopped` means that it does not come back by itself; `Client.setToken` may bring it back. */
export type LinkState = "connecting" | "online" | "offline" | "stopped";

/** The connection's status. */
export interface LinkStatus {
  /** Where it stands. */
  readonly state: LinkState;
  /** When the next attempt starts, in milliseconds as `Date.now()` counts; `null` where none is planned. */
  readonly retryAt: number | null;
  /** Why the connection was lost or refused, or why no fresh token could be had for it; `null` where nothing is known. */
  readonly error: CowriteError | null;
}

/**
 * How a document stands to the server. `stalled`: the server is there, but its log does
 * not answer. `closed`: nothing is sent or received any more; what is pending can be read.
 */
export type SyncState = "connecting" | "offline" | "online" | "stalled" | "closed";

/**
 * A document's status. Edits are counted from 1 by this client, and each number is a
 * watermark: all edits up to it have come that far.
 */
export interface Status {
  /** How the document stands to the server. */
  readonly state: SyncState;
  /** Edits made here. */
  readonly local: number;
  /** Edits that the server has answered. */
  readonly accepted: number;
  /** Edits that survive a failure of the server's machine; `null` where the server does not promise that. */
  readonly durable: number | null;
  /** Edits made here that the server has not answered yet. */
  readonly pending: number;
  /** Edits that this device would find again after a crash of the page; `null` where it keeps none. */
  readonly stored: number | null;
  /** Whether what is pending is held back until `onReview` has answered. */
  readonly reviewing: boolean;
  /**
   * Those of the pending edits that the one operation on its way to the server holds; the others wait
   * behind it, and become one operation when it is answered.
   */
  readonly inFlight: number;
  /** Version of the document that this client stands at; 0 is the empty document. */
  readonly version: number;
}

/**
 * Why a document is not kept on this device: that was not asked for (`off`); the browser has no
 * IndexedDB or no Web Locks here, as outside of HTTPS (`unsupported`); it refuses or does not answer,
 * as in some private windows (`blocked`); there is no room (`quota`); a newer version of this package
 * has left a record that is not touched (`format`).
 */
export type PersistenceReason = "off" | "unsupported" | "blocked" | "quota" | "format";

/** Whether edits outlive the page: `stored`; in `memory` only; or not now, because storing them `failed`. */
export interface Persistence {
  /** `stored` on the device; in the page's `memory` alone; or it `failed` just now, and is tried again. */
  readonly state: "stored" | "memory" | "failed";
  /** Why not; `null` where it is `stored`. */
  readonly reason: PersistenceReason | null;
}

/**
 * Where a change came from: made here; made here by undo or redo, so that no editor shows
 * it yet; made elsewhere; a difference found on coming back
 * without the history between (`resync`); an own edit that the server refused and that is
 * taken back (`reject`).
 */
export type Origin = "local" | "undo" | "remote" | "resync" | "reject";

/** A change of a document's text or attributes. The document holds it already. */
export interface ChangeEvent {
  /** The change, on the document as it stood before it. */
  readonly delta: Delta;
  /** Where it came from. */
  readonly origin: Origin;
  /** The user who made it; `null` where it was several, or nobody. */
  readonly user: string | null;
  /** Where the user's selection belongs after it; only undo and redo say so, else it is `null`. */
  readonly selection: Cursor | null;
}

/** What {@link Document.undo} and {@link Document.redo} would find. */
export interface UndoState {
  /** Whether there is something to take back. */
  readonly canUndo: boolean;
  /** Whether there is something to do again. */
  readonly canRedo: boolean;
}

/** Own edits that the server refused. A change event of origin `reject` has taken them back. */
export interface RejectedEvent {
  /** Number of the first refused edit, as {@link Status.local} counts. */
  readonly from: number;
  /** Number of the last refused edit. */
  readonly to: number;
  /** Why. */
  readonly error: CowriteError;
  /** What they would do to the document as it is now. Nothing else keeps it. */
  readonly delta: Delta;
}

/** What a member is doing. */
export type MemberActivity = "active" | "away" | "typing";

/** A place in the text, or a selection: `anchor` is where it began, `head` is where the caret stands. */
export interface Cursor {
  /** Offset in UTF-16 code units. */
  readonly anchor: number;
  /** Offset in UTF-16 code units. */
  readonly head: number;
}

/** What a member shows of itself: any JSON object of at most 2 KiB. */
export type PresenceState = Readonly<Record<string, unknown>>;

/** Somebody who has the document open. The same user in two windows is two members. */
export interface Member {
  /** The member's number in this document. */
  readonly number: number;
  /** The user's id: what the token says. */
  readonly user: string;
  /** The name by which the server knows the user; `state.name`, if it is a text, goes before it. */
  readonly name: string;
  /** What it shows of itself. */
  readonly state: PresenceState;
  /** What it is doing. */
  readonly active: MemberActivity;
  /** Whether it is this client. */
  readonly self: boolean;
  /** Its caret or selection; `null` where it shows none. */
  readonly cursor: Cursor | null;
}

/**
 * Why work was set aside: it is not known whether the server took it; its user may not
 * change the document any more; the server had accepted it and lost it; somebody else has
 * restored what was lost, and this still differs from it; `onReview` answered `theirs`.
 */
export type ProposalKind = "unknown_outcome" | "not_allowed" | "lost_accepted" | "remaining" | "declined";

/** Work that was set aside. It is kept and shown, and never sent by itself. */
export interface Proposal {
  /** Its number in this document. */
  readonly id: number;
  /** Why it was set aside. */
  readonly kind: ProposalKind;
  /** What accepting it would change, on the document as it stands. */
  readonly delta: Delta;
}
