import { useEffect, useMemo, useSyncExternalStore } from "react";
import type { Document } from "../document.js";
import { Shelf } from "../observed/shelf.js";
import type { PresenceState } from "../state.js";
import { useConnected } from "./provider.js";

/** Settings of {@link useDocument}. */
export interface DocumentOptions {
  /** What the other members see of this one, as for `Client.open`. Another value is told when it comes. */
  readonly presence?: PresenceState;
}

/**
 * Opens a document for as long as a component uses it: `null` on a server and until the page has taken over,
 * then the same object. It may not be loaded yet: `useStatus(document).role` is `null` until it is. However
 * many components use an id, it is open once.
 */
export function useDocument(id: string, options: DocumentOptions = {}): Document | null {
  const { client } = useConnected();
  const { presence } = options;
  const opened = useMemo(() => {
    const shelf = client && Shelf.of(client);
    return {
      subscribe: () => (shelf ? shelf.use(id, presence) : () => {}),
      get: () => (shelf ? shelf.look(id, presence) : null),
    };
    // Not anew for another presence, which only matters to whoever opens.
  }, [client, id]);
  const document = useSyncExternalStore(opened.subscribe, opened.get, nothing);
  const shown = presence && JSON.stringify(presence);
  useEffect(() => {
    if (document && shown && JSON.stringify(document.presence) !== shown) document.setPresence(JSON.parse(shown) as PresenceState);
  }, [document, shown]);
  return document;
}

/**
 * As {@link useDocument}, but waits by `Suspense` until the document is loaded; one that cannot be loaded throws
 * its `CowriteError` to the nearest error boundary. A server renders the `Suspense` fallback in its place.
 */
export function useSuspenseDocument(id: string, options: DocumentOptions = {}): Document {
  const { arrives } = useConnected();
  const document = useDocument(id, options);
  if (!document) {
    if (typeof window === "undefined") throw inPageOnly();
    throw arrives;
  }
  if (document.role === null) throw document.error ?? document.ready;
  return document;
}

/** What makes a server leave a `Suspense` to the page. The digest tells Next.js that it is meant. */
function inPageOnly(): Error {
  return Object.assign(new Error("Documents are loaded in the page, not on the server."), { digest: "BAILOUT_TO_CLIENT_SIDE_RENDERING" });
}

const nothing = () => null;
