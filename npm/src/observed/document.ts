import type { Document } from "../document.js";
import type { CowriteError } from "../error.js";
import type { Member, Role, Status } from "../state.js";
import { sharedMembers } from "./members.js";
import { once, type Source } from "./observed.js";

/** A document's status, and what else decides about what can be done with it. */
export interface DocumentStatus extends Status {
  /** What this user may do; `null` until the document is loaded. */
  readonly role: Role | null;
  /** Whether edits are refused: not loaded, not allowed, or closed. */
  readonly readOnly: boolean;
  /** Why the document closed; `null` while it is open. */
  readonly error: CowriteError | null;
}

/** The status of a document that is not there yet. */
export const absent: DocumentStatus = {
  state: "connecting", local: 0, accepted: 0, durable: null, pending: 0, stored: null, reviewing: false, inFlight: 0, version: 0, role: null, readOnly: true, error: null,
};

/** The text of a document. Own edits are told at once, others' together. */
export const textOf = once((document: Document): Source<string> => ({
  read: () => document.text,
  listen: (changed) => document.on("change", ({ origin }) => changed(origin === "local" ? "at once" : "soon")),
}));

/** State, watermarks and role of a document. */
export const statusOf = once((document: Document): Source<DocumentStatus> => ({
  read(before) {
    const { role, readOnly, error } = document;
    const now = { ...document.status, role, readOnly, error };
    const same = before && (Object.keys(now) as (keyof DocumentStatus)[]).every((key) => before[key] === now[key]);
    return same ? before : now;
  },
  listen(changed) {
    const ends = (["status", "opened", "closed"] as const).map((name) => document.on(name, () => changed("soon")));
    return () => ends.forEach((end) => end());
  },
}));

/** Everybody who has a document open, this client included. A member that has not changed stays the same object. */
export const membersOf = once((document: Document): Source<readonly Member[]> => ({
  read(before) {
    try {
      return sharedMembers(before, document.members);
    } catch {
      // The engine failed or closed meanwhile; the status tells.
      return before?.length === 0 ? before : [];
    }
  },
  listen(changed) {
    // An edit moves the carets behind it, which is no event of its own.
    const ends = (["presence", "change", "opened", "closed"] as const).map((name) => document.on(name, () => changed("soon")));
    return () => ends.forEach((end) => end());
  },
}));

/** The members of a document but for this client. */
export const othersOf = once((document: Document): Source<readonly Member[]> => {
  const members = membersOf(document);
  let all: readonly Member[];
  return {
    read(before) {
      const now = members.get();
      if (before && now === all) return before;
      all = now;
      return sharedMembers(before, now.filter(({ self }) => !self));
    },
    listen: (changed) => members.subscribe(() => changed("at once")),
  };
});
