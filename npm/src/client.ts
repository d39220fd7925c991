/// <reference lib="esnext.disposable" preserve="true" />
import { Document } from "./document.js";
import { Emitter, report } from "./emitter.js";
import { CowriteError, errorOf } from "./error.js";
import type { Callback, Engine, EngineEvent, WasmModule } from "./engine.js";
import { Instance } from "./instance.js";
import { Keeping, type ClearOptions, type StorageOptions } from "./keeping.js";
import { load, type WasmSource } from "./load.js";
import { ruleOf, type ReviewOptions } from "./review.js";
import { openSocket, type SocketFactory } from "./socket.js";
import type { LinkStatus, PresenceState } from "./state.js";
import { UnloadWarning } from "./unload.js";

/**
 * A token, or what fetches a fresh one: a function is called before each attempt to connect,
 * before the token in use ends, and once after the server has refused one. A text cannot be
 * refreshed: when the token ends, so does the connection.
 */
export type TokenSource = string | (() => string | Promise<string>);

/** Settings of {@link connect}. */
export interface ConnectOptions extends ReviewOptions {
  /** Says to the server who this is. It travels in the first message, never in the address. */
  readonly token?: TokenSource;
  /** Where the WebAssembly module comes from; by default the file in this package. */
  readonly wasm?: WasmSource;
  /**
   * Whether documents are kept on this device, so that they can be read and edited without a connection,
   * and edits outlive a reload, a crash and days offline. Default `false`: the texts stay on the device
   * after the user has left, which only the application can decide.
   */
  readonly storage?: boolean | StorageOptions;
  /** Whether the browser asks before the page is left while work is pending that is not kept. Default `true`. */
  readonly warnOnUnload?: boolean;
  /**
   * What opens the sockets, one for each attempt to connect, instead of `new WebSocket`: for a transport of
   * the application's own, or to watch and to slow down the network as `cowrite/inspector` does.
   */
  readonly socket?: SocketFactory;
}

/** Settings of {@link Client.open}. */
export interface OpenOptions extends ReviewOptions {
  /** What the other members see of this one, such as `{name: "Ada", color: "#0a7"}`; at most 2 KiB as JSON. */
  readonly presence?: PresenceState;
}

/** The events of a {@link Client}. */
export interface ClientEvents {
  /** The connection's status has changed. */
  status: LinkStatus;
}

/**
 * Connects to a server and returns at once: loading, connecting and coming back after a
 * loss happen by themselves, and {@link Client.status} tells how they stand.
 *
 * @param url the server's socket, such as `wss://example.org/v1/socket`; `http` addresses
 *   and, in a page, relative ones are understood too
 * @throws TypeError when `url` is not an address
 */
export function connect(url: string | URL, options: ConnectOptions = {}): Client {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace(/^http/, "ws");
  return new Client(address.href, options);
}

/** One connection to a server, with any number of open documents. */
export class Client {
  readonly #url: string;
  readonly #options: ConnectOptions;
  readonly #events = new Emitter<ClientEvents>();
  readonly #unload = new UnloadWarning();
  readonly #byId = new Map<string, Document>();
  readonly #byHandle = new Map<number, Document>();
  readonly #keeping: Keeping | undefined;
  /** Of documents whose merges are asked about: which. */
  readonly #rules = new Map<string, [waitedMs: number, deletedPercent: number]>();
  #module: WasmModule | undefined;
  /** The document that the engine is opening just now: its first events come before its handle. */
  #opening: Document | undefined;
  #engine: Engine | undefined;
  #instance: Instance | undefined;
  readonly #tenant = { evicted: (error: CowriteError) => this.#stop(error) };
  #stopped: CowriteError | undefined;
  #status: LinkStatus = { state: "connecting", retryAt: null, error: null };
  #token: TokenSource;

  /** @internal */
  constructor(url: string, options: ConnectOptions) {
    this.#url = url;
    this.#options = options;
    this.#token = options.token ?? "";
    const { storage } = options;
    if (storage) {
      this.#keeping = new Keeping(url, storage === true ? {} : storage, {
        call: (use) => this.#call(use),
        persistence: (doc, persistence) => this.#byHandle.get(doc)?.persisted(persistence),
        rule: (id) => this.#rules.get(id),
        socket: options.socket ?? openSocket,
        token: async () => (typeof this.#token === "function" ? this.#token() : this.#token),
      });
    }
    load(options.wasm).then(
      (module) => this.#start(module),
      (cause: unknown) => this.#stop(errorOf(cause) ?? new CowriteError("load_failed", { cause })),
    );
  }

  /** How the connection stands. */
  get status(): LinkStatus {
    return this.#status;
  }

  /** Calls `listener` at each event of that name; the answer is a function that ends it. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Opens a document, which need not exist yet. Never throws: an id that is not one, or
   * a document that may not be opened, fails {@link Document.ready}. Opening an id that
   * is open gives the same document, and it stays open until each opener has closed it.
   *
   * @param id 1 to 128 characters of `A-Z a-z 0-9 . _ ~ : -`, first a letter or a digit
   */
  open(id: string, options: OpenOptions = {}): Document {
    const open = this.#byId.get(id);
    // What ended with the connection comes back with it, and what is pending there with it.
    if (open && (!open.error || (this.#engine && open.error.code === this.#status.error?.code))) {
      if (options.presence) open.setPresence(options.presence);
      return open.retained();
    }
    // One that the server has closed makes room for another attempt.
    open?.abandon();
    const { onReview, reviewRule } = { ...this.#options, ...options };
    if (onReview) this.#rules.set(id, ruleOf(reviewRule));
    else this.#rules.delete(id);
    const document = new Document(id, options.presence ?? {}, {
      call: (use) => this.#call(use),
      pendingChanged: () => this.#watchUnload(),
      released: (handle) => this.#release(document, handle),
      onReview,
    });
    this.#byId.set(id, document);
    if (this.#engine) this.#attach(document);
    else if (this.#stopped) this.#refuse(document, this.#stopped);
    return document;
  }

  /**
   * Takes tokens from another source, at once. A connection that holds goes on under the new token; one
   * that had stopped because of its token starts again, its documents with all that is pending. It must
   * be the same user's while work is pending: that is never sent in another user's name.
   */
  setToken(token: TokenSource): void {
    this.#token = token;
    if (this.#engine) this.#call((engine) => engine.refresh_token());
  }

  /** Looks at once whether the connection still lives, instead of at the next sign of life. */
  wake(): void {
    if (this.#engine) this.#call((engine) => engine.wake());
  }

  /**
   * Forgets what this device keeps of this server's documents, whichever user's, unless a tab has them open
   * or they hold work that the server has not accepted; gives how many. For when a user signs out: close the
   * documents, or the client, before. Fails where the browser's storage does; without `storage` there is nothing.
   */
  async clearStorage({ pending = false }: ClearOptions = {}): Promise<number> {
    return (await this.#keeping?.clear(pending)) ?? 0;
  }

  /** Closes the connection and all documents. What was pending stays readable, and is never sent. */
  close(): void {
    this.#stop(new CowriteError("closed"));
  }

  /** {@link close}, for `using client = connect(…)`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #start(module: WasmModule): void {
    if (this.#stopped) return;
    this.#module = module;
    try {
      const instance = Instance.of(module);
      instance.enter(this.#tenant);
      this.#instance = instance;
      this.#engine = new module.WasmClient(
        this.#url,
        Object.assign((event: unknown) => this.#handle(event as EngineEvent), { socket: this.#options.socket ?? openSocket }),
        (callback) => this.#guarded(callback),
      );
      this.#call((engine) => engine.connect());
    } catch (cause) {
      return this.#stop(errorOf(cause) ?? new CowriteError("load_failed", { cause }));
    }
    for (const document of [...this.#byId.values()]) this.#attach(document);
  }

  #attach(document: Document): void {
    this.#opening = document;
    try {
      const state = JSON.stringify(document.presence);
      const handle = this.#call((engine) => (this.#keeping ? engine.open_kept(document.id, state) : engine.open(document.id, state)));
      this.#byHandle.set(handle, document);
      document.attached(handle);
      // Nothing was loaded yet, so nothing was merged.
      const rule = this.#rules.get(document.id);
      if (rule) this.#call((engine) => engine.set_review_rule(handle, ...rule));
    } catch (error) {
      this.#refuse(document, error as CowriteError);
    } finally {
      this.#opening = undefined;
    }
  }

  #refuse(document: Document, error: CowriteError): void {
    this.#forget(document);
    // Later, so that whoever opened it can listen first.
    queueMicrotask(() => document.failed(error));
  }

  #release(document: Document, handle: number | undefined): void {
    this.#forget(document);
    if (handle === undefined || !this.#byHandle.delete(handle)) return;
    this.#call((engine) => engine.close_document(handle));
    this.#keeping?.release(handle);
  }

  #forget(document: Document): void {
    if (this.#byId.get(document.id) === document) this.#byId.delete(document.id);
    this.#watchUnload();
  }

  #handle(event: EngineEvent): void {
    switch (event.type) {
      case "need_token":
        void this.#giveToken();
        break;
      case "link":
        if (this.#keeping) this.#keeping.online = event.state === "online" && this.#module ? { module: this.#module, url: this.#url } : null;
        this.#setStatus({
          state: event.state,
          retryAt: event.retry_in_ms === null ? null : Date.now() + event.retry_in_ms,
          error: event.code === null ? null : new CowriteError(event.code),
        });
        break;
      case "load":
        this.#keeping?.load(event, this.#document(event)?.id ?? "");
        break;
      case "store":
        if (this.#engine) this.#keeping?.store(event, this.#engine);
        break;
      case "panic":
        // The module is still in the call that failed, so the error's stack tells which of its functions did.
        this.#fail(new Error(event.message));
        break;
      default:
        this.#document(event)?.handle(event);
    }
  }

  #document(event: { readonly doc: number }): Document | undefined {
    const known = this.#byHandle.get(event.doc);
    if (known || !this.#opening) return known;
    this.#byHandle.set(event.doc, this.#opening);
    this.#opening.attached(event.doc);
    return this.#opening;
  }

  async #giveToken(): Promise<void> {
    const source = this.#token;
    let token: string | undefined;
    let cause: unknown;
    try {
      token = await (typeof source === "function" ? source() : source);
    } catch (error) {
      report((cause = error));
    }
    if (!this.#engine || source !== this.#token) return;
    // The connection goes on under the old token for now; that there is no fresh one is known only here.
    const { state, error } = this.#status;
    if (state === "online") {
      if (token === undefined) this.#setStatus({ state, retryAt: null, error: new CowriteError("token_failed", { cause }) });
      else if (error) this.#setStatus({ state, retryAt: null, error: null });
    }
    try {
      this.#call((engine) => (token === undefined ? engine.token_failed() : engine.token(token, source === token)));
    } catch (error) {
      report(error);
    }
  }

  #call<Result>(use: (engine: Engine) => Result): Result {
    if (!this.#engine) throw this.#stopped ?? new CowriteError("not_loaded");
    try {
      return use(this.#engine);
    } catch (cause) {
      const error = errorOf(cause);
      if (error) throw error;
      throw this.#fail(cause);
    }
  }

  /** What the module throws when the browser calls it would reach nobody who could tell the application. */
  #guarded(callback: Callback): Callback {
    return (event) => {
      try {
        callback(event);
      } catch (cause) {
        this.#fail(cause);
        report(cause);
      }
    };
  }

  #fail(cause: unknown): CowriteError {
    const error = this.#instance?.fail(cause) ?? new CowriteError("panicked", { cause });
    // It is no tenant any more where it had ended before.
    this.#stop(error);
    return error;
  }

  #stop(error: CowriteError): void {
    if (this.#stopped) return;
    this.#stopped = error;
    // Documents read out what they can while there is still an engine to ask.
    for (const document of [...this.#byId.values()]) document.failed(error);
    const engine = this.#engine;
    if (this.#keeping) this.#keeping.online = null;
    try {
      // What the device does not know yet is stored before all ends.
      if (this.#keeping && error.code === "closed") for (const handle of this.#byHandle.keys()) engine?.close_document(handle);
    } catch {
      // The module has failed already; that was said.
    }
    for (const handle of this.#byHandle.keys()) this.#keeping?.release(handle);
    this.#engine = undefined;
    this.#instance?.leave(this.#tenant);
    this.#byHandle.clear();
    try {
      engine?.close();
    } catch {
      // The module has failed already; that was said.
    }
    if (error.code === "closed") this.#byId.clear();
    this.#watchUnload();
    this.#setStatus({ state: "stopped", retryAt: null, error: error.code === "closed" ? null : error });
  }

  #setStatus(status: LinkStatus): void {
    this.#status = status;
    this.#events.emit("status", status);
  }

  #watchUnload(): void {
    let armed = false;
    for (const { status } of this.#byId.values()) armed ||= status.pending > 0 && status.stored !== status.local;
    this.#unload.armed = armed && this.#options.warnOnUnload !== false;
  }
}
