import type { Client } from "../client.js";
import type { Document } from "../document.js";
import type { PresenceState } from "../state.js";

/** How long a document that nobody uses is kept once it is loaded, in milliseconds. */
const KEPT_MS = 5_000;
/** And one that has failed: long enough for whoever waited for it to see why, then it may be tried again. */
const KEPT_FAILED_MS = 1_000;

interface Place {
  readonly document: Document;
  users: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * The documents of one client that are open for those who show them. Looking at one opens it, so that
 * the same one is found however often a view is made anew before it is used, and whoever uses
 * it keeps it open. One that is not used for a while is closed, but never while its work is pending.
 */
export class Shelf {
  static readonly #shelves = new WeakMap<Client, Shelf>();
  readonly #client: Client;
  readonly #places = new Map<string, Place>();

  /** The shelf of a client. */
  static of(client: Client): Shelf {
    let shelf = Shelf.#shelves.get(client);
    if (!shelf) Shelf.#shelves.set(client, (shelf = new Shelf(client)));
    return shelf;
  }

  private constructor(client: Client) {
    this.#client = client;
  }

  /** The document of that id, opened if it is not; one that has closed is opened anew a while after its last user left. */
  look(id: string, presence?: PresenceState): Document {
    const known = this.#places.get(id);
    if (known) return known.document;
    const document = this.#client.open(id, presence ? { presence } : {});
    const place: Place = { document, users: 0, timer: undefined };
    this.#places.set(id, place);
    void document.ready.catch(() => {}).then(() => this.#closeLater(id, place));
    return document;
  }

  /** Keeps the document of that id open until the answer is called. */
  use(id: string, presence?: PresenceState): () => void {
    this.look(id, presence);
    const place = this.#places.get(id)!;
    place.users += 1;
    clearTimeout(place.timer);
    let used = true;
    return () => {
      if (!used) return;
      used = false;
      place.users -= 1;
      this.#closeLater(id, place);
    };
  }

  /** Settles when no work of its documents is pending, or none can be sent any more. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#places.values()].map(({ document }) => document.whenAccepted()));
  }

  #closeLater(id: string, place: Place): void {
    if (place.users > 0) return;
    clearTimeout(place.timer);
    place.timer = setTimeout(() => {
      if (place.users > 0) return;
      if (place.document.status.pending > 0 && !place.document.error) this.#closeLater(id, place);
      else this.#close(id, place);
    }, place.document.error ? KEPT_FAILED_MS : KEPT_MS);
    // In Node.js a document that nobody uses is no reason to stay alive.
    (place.timer as { unref?: () => void }).unref?.();
  }

  #close(id: string, place: Place): void {
    clearTimeout(place.timer);
    if (this.#places.get(id) === place) this.#places.delete(id);
    place.document.close();
  }
}
