import type { Document } from "./document.js";
import type { CowriteError } from "./error.js";
import type { ChangeEvent, Member, Persistence, Proposal, RejectedEvent, Role, Status, UndoState } from "./state.js";

/** The events of a {@link Document}. */
export interface DocumentEvents {
  /** The document was loaded (`first`), or is in step again after a loss; `role` may be another. */
  opened: {
    /** What this user may do. */
    readonly role: Role;
    /** Whether it had not been loaded before. */
    readonly first: boolean;
  };
  /** Text or attributes have changed, by whomever. */
  change: ChangeEvent;
  /** A watermark or the state has moved. */
  status: Status;
  /** Undo or redo became possible, or is not any more. */
  undo: UndoState;
  /** Members or their cursors have changed; not called where only an edit moved a cursor. */
  presence: readonly Member[];
  /** Own edits were refused and taken back. */
  rejected: RejectedEvent;
  /** Work was set aside; see {@link Document.proposals}. */
  proposal: Proposal;
  /** What was asked of a proposal was done, or became moot; `error` says why it was refused, if it was. */
  settled: {
    /** The proposal's id. */
    readonly id: number;
    /** Why it was refused; `null` where it was not. */
    readonly error: CowriteError | null;
  };
  /**
   * Pending work was carried over by difference to a text that had gone on without its history; a large
   * part of `of` UTF-16 code units that is `replaced` means that the user should look at it.
   */
  merged: {
    /** So much of it was replaced. */
    readonly replaced: number;
    /** Its length, in UTF-16 code units. */
    readonly of: number;
  };
  /** Whether edits outlive the page has changed. */
  persistence: Persistence;
  /** Client and server disagreed, which must not happen; the document is loaded anew, with pending work kept. */
  diverged: null;
  /**
   * The document closed; what is pending stays readable. Where it closed because the connection ended for
   * its token, `opened` follows once `Client.setToken` has brought that back.
   */
  closed: CowriteError;
}
