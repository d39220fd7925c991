import { report } from "./emitter.js";
import type { Engine, LoadEvent, StoreEvent, WasmModule } from "./engine.js";
import type { SocketFactory } from "./socket.js";
import type { Persistence } from "./state.js";
import type { Keeper, Storage } from "./storage.js";

/** Settings of {@link ConnectOptions.storage}. */
export interface StorageOptions {
  /** The name of the database, for an application that keeps several apart. Default `cowrite`. */
  readonly name?: string;
  /** Documents that hold no pending work are forgotten once nobody has opened them for this many days. Default 90. */
  readonly keepDays?: number;
  /** Of more documents than this, those without pending work that were opened longest ago are forgotten. Default 500. */
  readonly keepDocuments?: number;
}

/** Settings of {@link Client.clearStorage}. */
export interface ClearOptions {
  /** Also forgets work that the server has not accepted, for good. Default `false`. */
  readonly pending?: boolean;
}

/** @internal What the keeping of documents needs of its client. */
export interface KeepingHost {
  call<Result>(use: (engine: Engine) => Result): Result;
  persistence(doc: number, persistence: Persistence): void;
  /** Which merges of a document are asked about. */
  rule(id: string): readonly [waitedMs: number, deletedPercent: number] | undefined;
  readonly socket: SocketFactory;
  /** A token for a connection of its own. */
  token(): Promise<string>;
}

/** How often a page looks for work of tabs that are gone, in milliseconds. */
const LOOKS_EVERY_MS = 30_000;
const DAY_MS = 86_400_000;

/** @internal The documents of a client that are kept on the device. */
export class Keeping {
  readonly #host: KeepingHost;
  readonly #storage: Promise<Storage>;
  readonly #keepers = new Map<number, Promise<Keeper>>();
  readonly #ids = new Map<number, string>();
  /** Documents that have a place on the device, as far as is known. */
  readonly #placed = new Set<number>();
  #looking: ReturnType<typeof setInterval> | undefined;
  #look = (): void => {};
  #adopting: Promise<void> = Promise.resolve();

  constructor(server: string, { name = "cowrite", keepDays = 90, keepDocuments = 500 }: StorageOptions, host: KeepingHost) {
    this.#host = host;
    this.#storage = import("./storage.js").then(({ Storage }) => new Storage(name, server, { unusedMs: keepDays * DAY_MS, most: keepDocuments }));
    // Each document hears of it.
    this.#storage.catch(() => {});
  }

  /** A document is being opened, or its user has changed: its record is asked for. */
  load({ doc, user }: LoadEvent, id: string): void {
    if (!this.#keepers.has(doc)) this.#keep(doc, id);
    this.#with(doc, (keeper) => keeper.load(user));
  }

  /** What is to be stored is taken from the engine now, and stored after all before it. */
  store({ doc, ticket, user, pending }: StoreEvent, engine: Engine): void {
    const [base, work] = [engine.take_base(), engine.take_work()];
    if (work) this.#with(doc, (keeper) => keeper.store(ticket, user, { base, work, pending }));
  }

  /** A document was closed, and has said what is to be stored of it. */
  release(doc: number): void {
    this.#with(doc, (keeper) => keeper.release());
    this.#keepers.delete(doc);
    this.#ids.delete(doc);
    this.#placed.delete(doc);
  }

  /** Forgets documents that are open in no tab; gives how many. */
  async clear(pending: boolean): Promise<number> {
    return (await this.#storage).clear({ unusedMs: 0, most: 0, pending });
  }

  /** The client is connected, or not any more: only then is work of tabs that are gone looked after. */
  set online(online: { module: WasmModule; url: string } | null) {
    clearInterval(this.#looking);
    this.#look = () => {};
    if (!online) return;
    this.#look = () => void (this.#adopting = this.#adopting.then(() => this.#adopt(online.module, online.url)).catch(report));
    this.#looking = setInterval(this.#look, LOOKS_EVERY_MS);
    // A page that is not a page, in Node.js, may end all the same.
    (this.#looking as { unref?(): void }).unref?.();
    this.#look();
  }

  #keep(doc: number, id: string): void {
    this.#ids.set(doc, id);
    const keeper = this.#storage.then((storage) =>
      storage.keeper(id, {
        loaded: (parts) => this.#attempt((engine) => engine.loaded(doc, parts?.base, parts?.work, parts?.ageMs ?? 0)) ?? "",
        unkept: () => void this.#attempt((engine) => engine.unkept(doc)),
        stored: (ticket, ending) => void this.#attempt((engine) => engine.stored(doc, ticket, ending)),
        persistence: (persistence) => {
          this.#host.persistence(doc, persistence);
          // Only who has a place of its own looks for others.
          if (persistence.state === "stored" && !this.#placed.has(doc)) (this.#placed.add(doc), this.#look());
        },
      }),
    );
    keeper.catch((error: unknown) => {
      report(error);
      this.#host.persistence(doc, { state: "memory", reason: "unsupported" });
      this.#attempt((engine) => engine.unkept(doc));
    });
    this.#keepers.set(doc, keeper);
  }

  async #adopt(module: WasmModule, url: string): Promise<void> {
    const { adopt } = await import("./storage.js");
    for (const [doc, keeper] of [...this.#keepers]) {
      const id = this.#ids.get(doc);
      if (id !== undefined) await adopt(await keeper, { module, url, document: id, rule: this.#host.rule(id), socket: this.#host.socket, token: () => this.#host.token() });
    }
  }

  #with(doc: number, act: (keeper: Keeper) => void): void {
    this.#keepers.get(doc)?.then(act, () => {});
  }

  /** What the engine answers; nothing where it is gone. */
  #attempt<Result>(use: (engine: Engine) => Result): Result | undefined {
    try {
      return this.#host.call(use);
    } catch {
      return undefined;
    }
  }
}
