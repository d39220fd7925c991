import { report } from "../emitter.js";
import { claim, orphans, type Claim } from "./claim.js";
import { Database, isNewer, isQuota, type Ending, type Parts, type Written } from "./database.js";
import { prune, type Pruning } from "./pruning.js";
import type { Persistence, PersistenceReason } from "../state.js";

/** How a write ended, as the engine is told it. */
const ENDINGS = { stored: 0, failed: 1, emptied: 2, missing: 3 } as const;

/** What a keeper tells the engine of its document, and the application. */
export interface KeeperHost {
  /** What the device holds; the answer says why it cannot be used, or is empty. */
  loaded(parts: Parts | null): string;
  /** Nothing can be kept. */
  unkept(): void;
  /** How a write ended: 0 stored, 1 failed, 2 failed and emptied, 3 what it stands on is missing. */
  stored(ticket: number, ending: number): void;
  /** What the application is told. */
  persistence(persistence: Persistence): void;
}

/** Work of a tab that is gone. */
export interface Orphan {
  readonly parts: Parts;
  /** Writes its record again; gives how that ended, as the engine is told it. */
  store(record: Written): Promise<number>;
  /** It is settled, and is not needed any more. */
  settled(): Promise<void>;
  /** Somebody else may look after it. */
  release(): void;
}

/** The records of one server's documents on this device. */
export class Storage {
  readonly name: string;
  readonly server: string;
  readonly database: Database;
  readonly #limits: Pruning;
  #tidied = false;

  /** Opens nothing yet. */
  constructor(name: string, server: string, limits: Omit<Pruning, "pending">) {
    this.name = name;
    this.server = server;
    this.database = new Database(name);
    this.#limits = { ...limits, pending: false };
  }

  /** Forgets what nobody has used for long, once a page. */
  async tidy(): Promise<void> {
    if (this.#tidied) return;
    this.#tidied = true;
    await this.clear(this.#limits);
  }

  /** Forgets documents that are open in no tab; gives how many. */
  clear(pruning: Pruning): Promise<number> {
    return prune(this.name, this.database, this.server, pruning);
  }

  /** What keeps one document. */
  keeper(document: string, host: KeeperHost): Keeper {
    return new Keeper(this, document, host);
  }
}

/** Keeps one document of one tab: claims a place, reads it, and writes there, one write after another. */
export class Keeper {
  readonly #storage: Storage;
  readonly #document: string;
  readonly #host: KeeperHost;
  #claim: Claim | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #released = false;

  /** @internal */
  constructor(storage: Storage, document: string, host: KeeperHost) {
    this.#storage = storage;
    this.#document = document;
    this.#host = host;
  }

  /** Looks what there is of this user's work; of the last one's, while nobody knows who the user is. */
  load(user: string | null): void {
    this.#next(async () => {
      let parts: Parts | null = null;
      try {
        if (typeof indexedDB === "undefined" || typeof navigator === "undefined" || !navigator.locks) {
          return this.#without("unsupported");
        }
        const { name, server, database } = this.#storage;
        this.#claim?.release();
        this.#claim = null;
        const whose = user ?? (await database.lastUser(server));
        if (whose !== null) {
          this.#claim = await claim(name, database, { server, document: this.#document, user: whose });
          parts = await database.read(this.#claim.place);
        }
      } catch (error) {
        return this.#without(reasonOf(error));
      }
      if (this.#released) return;
      const refused = this.#host.loaded(parts);
      if (refused === "format") return this.#tell("failed", "format");
      this.#tell("stored", null);
      if (parts && this.#claim) await this.#storage.database.touch(this.#claim.place);
      await this.#storage.tidy();
    });
  }

  /** Writes a record, after those that were asked for before. */
  store(ticket: number, user: string, record: Written): void {
    this.#next(async () => {
      const { name, server, database } = this.#storage;
      let ending: Ending = "failed";
      let reason: unknown;
      try {
        if (this.#claim?.place.user !== user) {
          this.#claim?.release();
          this.#claim = null;
          // A place with somebody's work in it is not overwritten, and this tab has no work there.
          this.#claim = await claim(name, database, { server, document: this.#document, user }, true);
        }
        ({ ending, reason } = await database.write(this.#claim.place, record));
      } catch (error) {
        reason = error;
      }
      if (ending === "stored") this.#tell("stored", null);
      else if (ending !== "missing") this.#tell("failed", reasonOf(reason));
      this.#host.stored(ticket, ENDINGS[ending]);
    });
  }

  /** Work on this document whose tab is gone. */
  async *orphans(): AsyncGenerator<Orphan> {
    const own = this.#claim?.place;
    if (!own) return;
    const { name, database } = this.#storage;
    for await (const { place, release } of orphans(name, database, own)) {
      const parts = await database.read(place);
      const settled = () => database.remove(place);
      const store = async (record: Written) => ENDINGS[(await database.write(place, record)).ending];
      if (parts) yield { parts, store, settled, release };
      else await settled().finally(release);
    }
  }

  /** Gives the place to whoever comes next, once all is written. */
  release(): void {
    this.#next(async () => {
      this.#released = true;
      this.#claim?.release();
      this.#claim = null;
    });
  }

  #without(reason: PersistenceReason): void {
    if (this.#released) return;
    this.#host.unkept();
    this.#tell("memory", reason);
  }

  #tell(state: Persistence["state"], reason: PersistenceReason | null): void {
    if (!this.#released) this.#host.persistence({ state, reason });
  }

  #next(act: () => Promise<void>): void {
    this.#queue = this.#queue.then(act).catch(report);
  }
}

function reasonOf(error: unknown): PersistenceReason {
  return isNewer(error) ? "format" : isQuota(error) ? "quota" : "blocked";
}
