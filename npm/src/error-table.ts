/** What happened, what to do about it, and 1 where the same may work later by itself. */
type Entry = readonly [what: string, whatToDo: string, retryable?: 0 | 1];

const bug: Entry = ["Client and server misunderstood each other.", "Please report it as a bug."];
const wait = "Nothing: it is tried again.";
const copy = "Copy what is pending, then load the page anew.";

/**
 * The text of every error code. The wire's codes bear the names that PROTOCOL.md
 * gives them; those of the last block arise in this package alone.
 */
export const errorTable: Readonly<Record<string, Entry>> = {
  bad_operation: bug,
  past_end: bug,
  base_ahead: bug,
  seq_reused: bug,
  seq_jump: bug,
  already_open: bug,
  unknown_channel: bug,
  malformed: bug,
  hello_expected: bug,
  in_flight: bug,

  splits_pair: ["An edit would split a surrogate pair.", "Keep offsets off the middle of a character such as an emoji."],
  operation_too_large: ["One edit is larger than the server takes.", "Make it in several parts."],
  document_too_large: ["The document would grow beyond its limit.", "Delete something, or start another document."],
  read_only: ["This user may not change this document.", "Ask its owner for access."],
  forbidden_content: ["The server does not allow such a format, embed or address in this document.", "Offer only what the server's --formats allow."],
  already_restored: ["Somebody else has restored this work already.", "Look at what is left of it."],
  deleted: ["The document was deleted.", copy],
  rate_limited: ["Too many edits in a short time.", wait, 1],
  superseded: ["This document was taken over by another connection of this client.", wait, 1],
  behind: ["This client fell too far behind.", wait, 1],
  epoch_changed: ["The server began a new history of the document.", wait, 1],
  diverged: ["Client and server disagree about the document.", copy],
  access_denied: ["This user may not open this document, or no longer.", "Ask its owner for access."],
  unavailable: ["The server's storage does not answer.", wait, 1],
  damaged: ["What the server has stored of the document is damaged.", "Tell the operator of the server."],
  too_many_channels: ["Too many documents are open.", "Close some."],
  foreign_client: ["The token is another user's, and there is work pending.", "Call `setToken` with a token of the user before, or copy what is pending and load the page anew."],
  bad_document_id: ["This cannot be the id of a document.", "Take 1 to 128 of A-Z a-z 0-9 . _ ~ : - and begin with a letter or digit."],
  too_large: ["Larger than the server takes.", "Make it smaller, or several of it."],
  version_not_spoken: ["Client and server have no version of the protocol in common.", "Update the older of the two."],
  unauthorized: ["The server does not accept the token.", "Sign in again and call `setToken`; what is pending is kept."],
  token_revoked: ["The token was revoked.", "If the user may still come, call `setToken` with a fresh one; what is pending is kept."],
  access_changed: ["What this user may do with the document has changed.", wait, 1],
  token_expired: ["The token has expired.", "Give a function as `token`, or call `setToken` with a fresh one; what is pending is kept."],
  too_many_connections: ["The server has too many connections.", wait, 1],
  silent: ["Nothing was heard from the other side for too long.", wait, 1],
  stuck: ["The connection took no data for too long.", wait, 1],
  going_away: ["The server is going down.", wait, 1],
  internal: ["The server failed.", wait, 1],

  not_loaded: ["The document is not loaded yet.", "Wait for `ready`.", 1],
  out_of_range: ["An edit reaches past the end of the document.", "Keep offsets within its length."],
  bad_delta: ["This is not a delta.", "See the type `Delta`."],
  closed: ["The document is closed.", "Open it again."],
  no_durability: ["This server does not promise that edits are durable.", "Use `whenAccepted()`, or run the server with a data folder."],
  unknown_outcome: ["It is not known whether the server took this edit.", "Look at the document's proposals."],
  declined: ["It was decided against this edit when its merge was looked at.", "Look at the document's proposals."],
  token_failed: ["The application could not give a token.", wait, 1],
  load_failed: ["The WebAssembly module could not be loaded.", "Serve cowrite_bg.wasm beside the package, or give `wasm`."],
  no_websocket: ["There are no WebSockets here.", "Install the package `ws`, or use Node.js 22 or newer."],
  panicked: ["The engine failed.", copy],
};
