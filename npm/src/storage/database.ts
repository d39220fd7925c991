import type { KeptRecord } from "./pruning.js";

/** Where a record is kept: by server, document, user, and the place of the tab that owns it. */
export interface Place {
  readonly server: string;
  readonly document: string;
  readonly user: string;
  /** Tabs of one user have a place each, so that no two of them are one client. */
  readonly slot: number;
}

/** Both parts of a record, as the engine wrote them. */
export interface Parts {
  readonly base: Uint8Array;
  readonly work: Uint8Array;
  /** How long ago they were written, in milliseconds; 0 where that is not known. */
  readonly ageMs: number;
}

/** What is known of a record without looking into it. */
export interface About {
  /** When it was written, in milliseconds as `Date.now()` counts. */
  readonly written: number;
  /** When it was written or read last. */
  readonly used: number;
  /** Whether there is work in it that the server has not accepted. */
  readonly pending: boolean;
}

/** What is to be written; without a base, on the one that is there. */
export interface Written {
  readonly base: Uint8Array | undefined;
  readonly work: Uint8Array;
  /** Whether there is work in it that the server has not accepted. */
  readonly pending: boolean;
}

/** How a write ended: stored; perhaps not; emptied, because it did not fit; or the base before is gone. */
export type Ending = "stored" | "failed" | "emptied" | "missing";

/** As long as a browser may take to open a database, in milliseconds: one that hangs keeps no page waiting. */
const OPENS_WITHIN_MS = 3_000;
/** As long as a write may take; a submit waits for it. */
const WRITES_WITHIN_MS = 10_000;
const STORE = "records";
/** Server, document, user, slot and part. */
type Key = [string, string, string, number, string];
const PARTS = ["base", "work", "about"] as const;

/** The records of one origin in IndexedDB. A record is written in one transaction, or not at all. */
export class Database {
  readonly #name: string;
  #open: Promise<IDBDatabase> | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** The user whose work was stored last for this server. */
  async lastUser(server: string): Promise<string | null> {
    const user = await this.#read((store) => store.get([server]));
    return typeof user === "string" ? user : null;
  }

  /** The slots in which there is work of this user on this document. */
  async slots({ server, document, user }: Omit<Place, "slot">): Promise<number[]> {
    const range = IDBKeyRange.bound([server, document, user], [server, document, user, []]);
    const keys = (await this.#read((store) => store.getAllKeys(range))) as Key[];
    return [...new Set(keys.map(([, , , slot]) => slot))].sort((one, other) => one - other);
  }

  /** What is kept at a place. A record of which a part is missing is none. */
  async read(place: Place): Promise<Parts | null> {
    const database = await this.#database();
    const store = database.transaction(STORE).objectStore(STORE);
    const [base, work, about] = await Promise.all(PARTS.map((part) => value<unknown>(store.get(key(place, part)))));
    if (!(base instanceof Uint8Array && work instanceof Uint8Array)) return null;
    const known = aboutOf(about);
    return { base, work, ageMs: known ? Math.max(0, Date.now() - known.written) : 0 };
  }

  /** Writes a record; without a base, on the one that is there. Never throws: see {@link Ending} and `reason`. */
  async write(place: Place, { base, work, pending }: Written, again = true): Promise<{ ending: Ending; reason?: unknown }> {
    let missing = false;
    try {
      await this.#change((store, transaction) => {
        if (base) store.put(base, key(place, "base"));
        else {
          // What the work stands on may have been cleared by the user, or by the browser.
          const there = store.getKey(key(place, "base"));
          there.onsuccess = () => {
            if (there.result !== undefined) return;
            missing = true;
            transaction.abort();
          };
        }
        store.put(work, key(place, "work"));
        const now = Date.now();
        store.put({ written: now, used: now, pending } satisfies About, key(place, "about"));
        store.put(place.user, [place.server]);
      });
      return { ending: "stored" };
    } catch (reason) {
      if (missing) return { ending: "missing" };
      // The browser ends connections when it clears a store, and may not have said so yet.
      if (again && !isQuota(reason)) {
        await this.#reconnect();
        return this.write(place, { base, work, pending }, false);
      }
      // An old record that cannot be replaced is worse than none.
      return this.remove(place).then(
        () => ({ ending: "emptied", reason }) as const,
        () => ({ ending: "failed", reason }) as const,
      );
    }
  }

  /** Notes that what is kept at a place was read, so that it is forgotten later than others. */
  touch(place: Place): Promise<void> {
    return this.#change((store) => {
      const request = store.get(key(place, "about"));
      request.onsuccess = () => {
        const about = aboutOf(request.result);
        if (about) store.put({ ...about, used: Date.now() } satisfies About, key(place, "about"));
      };
    });
  }

  /** What is known of the record at a place. */
  async about(place: Place): Promise<About | null> {
    return aboutOf(await this.#read<unknown>((store) => store.get(key(place, "about"))));
  }

  /** All records of a server, whoever's. */
  async records(server: string): Promise<KeptRecord[]> {
    const keys = (await this.#read((store) => store.getAllKeys(IDBKeyRange.bound([server, ""], [server, []])))) as Key[];
    const places = new Map<string, Place>();
    for (const [, document, user, slot] of keys) places.set(JSON.stringify([document, user, slot]), { server, document, user, slot });
    return Promise.all([...places.values()].map(async (place) => ({ place, about: await this.about(place) })));
  }

  /** Forgets who the last user was. */
  forgetUser(server: string): Promise<void> {
    return this.#change((store) => void store.delete([server]));
  }

  /** Forgets what is kept at a place. */
  remove(place: Place): Promise<void> {
    return this.#change((store) => {
      for (const part of PARTS) store.delete(key(place, part));
    });
  }

  async #read<Value>(ask: (store: IDBObjectStore) => IDBRequest<Value>): Promise<Value> {
    const database = await this.#database();
    return value(ask(database.transaction(STORE).objectStore(STORE)));
  }

  async #change(act: (store: IDBObjectStore, transaction: IDBTransaction) => void): Promise<void> {
    const database = await this.#database();
    // "Relaxed": it outlives the page and the browser. What a power cut takes is found out by the
    // log, which has seen more of us than the record has.
    const transaction = database.transaction(STORE, "readwrite", { durability: "relaxed" });
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
    });
    try {
      act(transaction.objectStore(STORE), transaction);
    } catch (error) {
      done.catch(() => {});
      transaction.abort();
      throw error;
    }
    await within(WRITES_WITHIN_MS, done);
  }

  async #reconnect(): Promise<void> {
    const before = this.#open;
    this.#open = undefined;
    await before?.then((database) => database.close(), () => {});
  }

  #database(): Promise<IDBDatabase> {
    return (this.#open ??= this.#connect());
  }

  async #connect(): Promise<IDBDatabase> {
    const forget = () => void (this.#open = undefined);
    try {
      const request = indexedDB.open(this.#name, 1);
      request.onupgradeneeded = () => void request.result.createObjectStore(STORE);
      const database = await within(OPENS_WITHIN_MS, value(request));
      // The browser has cleared it, or another page deletes it: the next one who asks opens it anew.
      database.onclose = forget;
      database.onversionchange = () => (database.close(), forget());
      return database;
    } catch (error) {
      forget();
      throw error;
    }
  }
}

/** Whether a newer version of this package has changed the database itself. */
export function isNewer(error: unknown): boolean {
  return error instanceof DOMException && error.name === "VersionError";
}

/** Whether there is no room, as far as the browser says. */
export function isQuota(error: unknown): boolean {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}

function key({ server, document, user, slot }: Place, part: (typeof PARTS)[number]): IDBValidKey {
  return [server, document, user, slot, part];
}

/** What another version has written there may have another form. */
function aboutOf(found: unknown): About | null {
  const { written, used, pending } = (found ?? {}) as Partial<About>;
  return typeof written === "number" && typeof used === "number" && typeof pending === "boolean" ? { written, used, pending } : null;
}

function value<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("failed"));
  });
}

function within<Value>(ms: number, promise: Promise<Value>): Promise<Value> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DOMException("the store does not answer", "TimeoutError")), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
