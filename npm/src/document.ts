/// <reference lib="esnext.disposable" preserve="true" />
import type { Attributes, Delta, QuillDelta } from "./delta.js";
import type { DocumentEvents } from "./document-events.js";
import { Emitter, report } from "./emitter.js";
import { CowriteError } from "./error.js";
import type { DocumentEvent, Engine } from "./engine.js";
import { Members } from "./members.js";
import { decide, type EngineReview, type OnReview } from "./review.js";
import type { Member, Persistence, PresenceState, Proposal, Role, Status, UndoState } from "./state.js";
import { RememberedText } from "./remembered.js";
import { WatermarkWaiters } from "./watermark.js";

/** @internal What a document needs of its client. */
export interface DocumentHost {
  call<Result>(use: (engine: Engine) => Result): Result;
  pendingChanged(): void;
  released(handle: number | undefined): void;
  /** Decides about merges, where the application wants to. */
  readonly onReview: OnReview | undefined;
}

/** What is readable of a document that is not loaded yet, or that the engine does not have any more. */
interface Remains {
  readonly text: string | null;
  readonly delta: Delta | null;
  readonly pending: Delta | null;
}

/**
 * One open document. Edits apply at once and travel by themselves; every offset and
 * length is in UTF-16 code units. A method that cannot do its work throws a
 * {@link CowriteError} and has changed nothing.
 */
export class Document {
  /** The document's id. */
  readonly id: string;
  readonly #host: DocumentHost;
  readonly #events = new Emitter<DocumentEvents>();
  readonly #accepted = new WatermarkWaiters();
  readonly #durable = new WatermarkWaiters();
  #ready!: Promise<void>;
  #settleReady!: { resolve: () => void; reject: (error: CowriteError) => void };
  #openers = 1;
  /** How many merges were asked about. */
  #questions = 0;
  #handle: number | undefined;
  #presence: PresenceState;
  #role: Role | null = null;
  #user: string | null = null;
  #error: CowriteError | null = null;
  #text: string | undefined = "";
  readonly #remembered = new RememberedText(() => this.text);
  /** Whether those who wait are about to be woken. */
  #waking = false;
  readonly #members = new Members();
  #remains: Remains | undefined = { text: "", delta: [], pending: [] };
  #undo: UndoState = { canUndo: false, canRedo: false };
  #persistence: Persistence = { state: "memory", reason: "off" };
  #status: Status = { state: "connecting", local: 0, accepted: 0, durable: null, pending: 0, stored: null, reviewing: false, inFlight: 0, version: 0 };

  /** @internal */
  constructor(id: string, presence: PresenceState, host: DocumentHost) {
    this.id = id;
    this.#presence = presence;
    this.#host = host;
    this.#await();
  }

  /** Settles when the document is loaded; fails with a {@link CowriteError} when it cannot be. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** The text, with own edits in it. An embed is U+FFFC. Costs a copy after each change, then nothing. */
  get text(): string {
    return (this.#text ??= this.#read((engine, doc) => engine.text(doc), "text"));
  }

  /** Length of the text in UTF-16 code units. */
  get length(): number {
    return this.#remains ? this.text.length : this.#call((engine, doc) => engine.length(doc));
  }

  /** The whole content with its attributes, as a delta of inserts. */
  get delta(): Delta {
    return this.#read((engine, doc) => JSON.parse(engine.contents(doc)) as Delta, "delta");
  }

  /** State and watermarks. */
  get status(): Status {
    return this.#status;
  }

  /** Whether edits outlive the page, which is asked for by `storage` in `ConnectOptions`. */
  get persistence(): Persistence {
    return this.#persistence;
  }

  /** What this user may do here; `null` until the document is loaded. */
  get role(): Role | null {
    return this.#role;
  }

  /** The user whom the server takes this client for; `null` until the document is loaded. */
  get user(): string | null {
    return this.#user;
  }

  /** Whether edits are refused: not loaded, not allowed, or closed. */
  get readOnly(): boolean {
    return !!this.#error || (this.#role !== "editor" && this.#role !== "owner");
  }

  /** Why the document closed; `null` while it is open. */
  get error(): CowriteError | null {
    return this.#error;
  }

  /** Own work that the server has not accepted, as a delta on the accepted text. Readable after closing too. */
  get pending(): Delta {
    return this.#read((engine, doc) => JSON.parse(engine.pending(doc)) as Delta, "pending");
  }

  /** Whether {@link undo} would find something. */
  get canUndo(): boolean {
    return this.#undo.canUndo;
  }

  /** Whether {@link redo} would find something. */
  get canRedo(): boolean {
    return this.#undo.canRedo;
  }

  /** Everybody who has the document open, this client included. Empty before it is loaded and after it closed. */
  get members(): readonly Member[] {
    return this.#remains ? [] : this.#call((engine, doc) => this.#members.read(engine.carets(doc), () => engine.members(doc)));
  }

  /** Work that was set aside, oldest first. */
  get proposals(): readonly Proposal[] {
    return this.#remains ? [] : (JSON.parse(this.#call((engine, doc) => engine.proposals(doc))) as Proposal[]);
  }

  /** What the other members see of this one. */
  get presence(): PresenceState {
    return this.#presence;
  }

  /** Calls `listener` at each event of that name; the answer is a function that ends it. */
  on<Name extends keyof DocumentEvents>(name: Name, listener: (event: DocumentEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Inserts text. Inside formatted text nothing is inherited: give the attributes.
   * @throws CowriteError `not_loaded`, `read_only`, `out_of_range`, `splits_pair`, `too_large`, `closed`
   */
  insert(offset: number, text: string, attributes?: Attributes): void {
    // On its way into the module a lone surrogate would silently become U+FFFD.
    if (/\p{Surrogate}/u.test(text)) throw new CowriteError("splits_pair");
    this.#call((engine, doc) => engine.insert(doc, unit(offset), text, attributes && JSON.stringify(attributes)));
  }

  /** Deletes text. @throws CowriteError `not_loaded`, `read_only`, `out_of_range`, `splits_pair`, `closed` */
  delete(offset: number, length: number): void {
    this.#call((engine, doc) => engine.delete(doc, unit(offset), unit(length)));
  }

  /** Sets attributes; `null` takes one away. @throws CowriteError as {@link delete} does */
  format(offset: number, length: number, attributes: Attributes): void {
    this.#call((engine, doc) => engine.format(doc, unit(offset), unit(length), JSON.stringify(attributes)));
  }

  /** Applies a delta as one edit. @throws CowriteError `bad_delta`, and as {@link insert} does */
  apply(delta: Delta | QuillDelta): void {
    this.#call((engine, doc) => engine.apply(doc, JSON.stringify("ops" in delta ? delta.ops : delta)));
  }

  /**
   * Takes back the last group of edits made here, and nothing that others did: what was
   * typed, deleted or formatted without a pause of half a second. It is an edit like any
   * other, told as a `change` of origin `undo` that says where the selection belongs.
   * Returns whether there was something to undo.
   * @throws CowriteError as {@link delete} does, and `too_large`
   */
  undo(): boolean {
    return this.#call((engine, doc) => engine.undo(doc, false));
  }

  /** Does again what {@link undo} took back last, until something else is edited. As {@link undo} otherwise. */
  redo(): boolean {
    return this.#call((engine, doc) => engine.undo(doc, true));
  }

  /** The next edit is undone apart from those before it, however soon it comes. */
  stopCapturing(): void {
    this.#call((engine, doc) => engine.stop_capturing(doc));
  }

  /** Calls `edit`; what it edits before it returns cannot be undone, since its user did not do it. */
  withoutUndo<Result>(edit: () => Result): Result {
    const engine = this.#call((engine) => engine);
    const before = engine.record(false);
    try {
      return edit();
    } finally {
      engine.record(before);
    }
  }

  /**
   * Settles when the server has accepted every edit made here so far; fails when it refuses
   * one of them or the document closes first. Waits through losses of the connection.
   */
  whenAccepted(): Promise<void> {
    return this.#when("accepted", this.#accepted);
  }

  /**
   * Settles when every edit made here so far is durable: it survives what the server's
   * durability class names. Fails at once with `no_durability` where the class is none.
   */
  async whenDurable(): Promise<void> {
    await this.ready;
    if (this.#status.durable === null) throw new CowriteError("no_durability");
    return this.#when("durable", this.#durable);
  }

  /** Shows the others a caret at `head`, or a selection from `anchor` to `head`. It moves along with edits. */
  setCursor(anchor: number, head: number = anchor): void {
    this.#call((engine, doc) => engine.set_cursor(doc, unit(anchor), unit(head)));
  }

  /** Shows the others no caret. */
  clearCursor(): void {
    this.#call((engine, doc) => engine.clear_cursor(doc));
  }

  /** Replaces what the other members see of this one; at most 2 KiB as JSON. */
  setPresence(state: PresenceState): void {
    this.#presence = state;
    const handle = this.#error ? undefined : this.#handle;
    if (handle !== undefined) this.#host.call((engine) => engine.set_presence(handle, JSON.stringify(state)));
  }

  /** Makes a proposal an edit of the document. The first of several clients wins; the others see what is left. */
  acceptProposal(id: number): void {
    this.#call((engine, doc) => engine.accept_proposal(doc, id));
  }

  /** Throws a proposal away for good. */
  discardProposal(id: number): void {
    this.#call((engine, doc) => engine.discard_proposal(doc, id));
  }

  /**
   * Closes the document, once each opener has. Work that is still pending is not sent any
   * more, so wait for {@link whenAccepted} first; it stays readable as {@link pending}.
   */
  close(): void {
    if (this.#openers > 0 && --this.#openers === 0) this.abandon();
  }

  /** {@link close}, for `using document = client.open(…)`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal Closes the document whoever has it open. */
  abandon(): void {
    this.#openers = 0;
    this.failed(new CowriteError("closed"));
    this.#host.released(this.#handle);
  }

  /** @internal One opener more. */
  retained(): this {
    this.#openers += 1;
    return this;
  }

  /** @internal The engine knows the document by this handle. */
  attached(handle: number): void {
    this.#handle = handle;
  }

  /** @internal The device keeps it, or not. */
  persisted(persistence: Persistence): void {
    const { state, reason } = this.#persistence;
    if (state === persistence.state && reason === persistence.reason) return;
    this.#persistence = persistence;
    this.#events.emit("persistence", persistence);
  }

  /** @internal Nothing comes any more: keeps what can be read, and says so. */
  failed(error: CowriteError): void {
    if (!this.#remains) {
      const attempt = <Value>(read: () => Value): Value | null => {
        try {
          return read();
        } catch {
          return null;
        }
      };
      this.#remains = { text: attempt(() => this.text) ?? this.#remembered.text, delta: attempt(() => this.delta), pending: attempt(() => this.pending) };
    }
    this.#close(error);
  }

  /** @internal */
  handle(event: DocumentEvent): void {
    switch (event.type) {
      case "opened":
        this.#role = event.role;
        this.#user = event.user;
        if (event.first) {
          this.#remains = this.#text = undefined;
          // The class of durability is known by now, so the watermarks are read before anybody can ask.
          this.#call((engine, doc) => engine.status(doc));
          this.#settleReady.resolve();
        }
        this.#events.emit("opened", { role: event.role, first: event.first });
        break;
      case "change":
        // The first load is told as a change of the empty text, before `opened`.
        if (this.#role === null) this.#remains = undefined;
        this.#text = undefined;
        this.#remembered.changed(event.delta);
        this.#events.emit("change", { delta: event.delta, origin: event.origin, user: event.user, selection: event.selection ?? null });
        break;
      case "status":
        if (this.#error && event.status.state !== "closed") {
          // The connection had ended for good, and was begun anew.
          this.#error = null;
          if (this.#role === null) this.#await();
        }
        this.#setStatus(event.status);
        this.#setUndo(event.undo);
        break;
      case "presence":
        if (this.#events.has("presence")) this.#events.emit("presence", this.members);
        break;
      case "rejected": {
        const error = new CowriteError(event.code);
        this.#accepted.refused(event.from, event.to, error);
        this.#durable.refused(event.from, event.to, error);
        this.#events.emit("rejected", { from: event.from, to: event.to, error, delta: event.delta });
        break;
      }
      case "proposal": {
        const { kind } = event;
        if (kind === "unknown_outcome" || kind === "not_allowed" || kind === "declined") {
          // Nobody knows of the first edit that waits that it was accepted, so of none of them.
          const [first, error] = [this.#status.accepted + 1, new CowriteError(kind === "not_allowed" ? "read_only" : kind)];
          this.#accepted.refused(first, first, error);
          this.#durable.refused(first, first, error);
        }
        const proposal = this.proposals.find(({ id }) => id === event.id);
        if (proposal) this.#events.emit("proposal", proposal);
        break;
      }
      case "proposal_settled":
        this.#events.emit("settled", { id: event.id, error: event.code === null ? null : new CowriteError(event.code) });
        break;
      case "merged":
        this.#events.emit("merged", { replaced: event.replaced, of: event.of });
        break;
      case "review":
        void this.#review((this.#questions += 1));
        break;
      case "diverged":
        this.#events.emit("diverged", null);
        break;
      case "closed":
        // What is retried opens again by itself; until then the state tells.
        if (!event.retry) this.#close(new CowriteError(event.code));
    }
  }

  async #review(question: number): Promise<void> {
    const answer = (send: boolean, change?: string) => {
      // Whoever closed the document is asked again when it is opened, and another question has another answer.
      if (!this.#remains && question === this.#questions) this.#call((engine, doc) => engine.answer_review(doc, send, change));
    };
    try {
      const contents = JSON.parse(this.#call((engine, doc) => engine.review(doc))) as EngineReview | null;
      if (!contents || !this.#host.onReview) return answer(true);
      const { send, change } = await decide(this.id, contents, this.#host.onReview);
      answer(send, change);
    } catch (error) {
      report(error);
      try {
        answer(true);
      } catch (failed) {
        report(failed);
      }
    }
  }

  #await(): void {
    this.#ready = new Promise((resolve, reject) => void (this.#settleReady = { resolve, reject }));
    // Whoever does not wait for it hears of the failure by the event.
    this.#ready.catch(() => {});
  }

  #close(error: CowriteError): void {
    if (this.#error) return;
    this.#error = error;
    this.#setStatus({ ...this.#status, state: "closed" });
    this.#setUndo({ canUndo: false, canRedo: false });
    this.#settleReady.reject(error);
    this.#accepted.failed(error);
    this.#durable.failed(error);
    this.#events.emit("closed", error);
  }

  #setStatus(status: Status): void {
    this.#status = this.#error ? { ...status, state: "closed" } : status;
    this.#host.pendingChanged();
    this.#wake();
    this.#events.emit("status", this.#status);
  }

  /** Wakes who waits, after the events of the same call, among which may be the refusal of one of these edits. */
  #wake(): void {
    if (this.#waking || (this.#accepted.empty && this.#durable.empty)) return;
    this.#waking = true;
    queueMicrotask(() => {
      this.#waking = false;
      this.#accepted.reached(this.#reached("accepted"));
      this.#durable.reached(this.#reached("durable"));
    });
  }

  #setUndo(state: UndoState): void {
    const { canUndo, canRedo } = this.#undo;
    if (state.canUndo === canUndo && state.canRedo === canRedo) return;
    this.#undo = state;
    this.#events.emit("undo", state);
  }

  /** A refused edit moves no watermark, so with nothing pending everything is accepted. */
  #reached(watermark: "accepted" | "durable"): number {
    const { pending, local, accepted, durable } = this.#status;
    if (pending === 0 && (watermark === "accepted" || durable === accepted)) return local;
    return this.#status[watermark] ?? 0;
  }

  #when(watermark: "accepted" | "durable", waiters: WatermarkWaiters): Promise<void> {
    const reached = this.#reached(watermark);
    if (reached >= this.#status.local) return Promise.resolve();
    return this.#error ? Promise.reject(this.#error) : waiters.wait(reached, this.#status.local);
  }

  #read<Key extends keyof Remains>(read: (engine: Engine, doc: number) => NonNullable<Remains[Key]>, key: Key): NonNullable<Remains[Key]> {
    // An engine that failed may have taken the text along; an empty one instead would be a lie.
    return (this.#remains && this.#remains[key]) ?? this.#call(read);
  }

  #call<Result>(use: (engine: Engine, doc: number) => Result): Result {
    if (this.#remains) throw this.#error ?? new CowriteError("not_loaded");
    return this.#host.call((engine) => use(engine, this.#handle!));
  }
}

/** A length or offset as the module takes it: beyond 32 bits it would come out as another one. */
function unit(number: number): number {
  if (number >>> 0 !== number) throw new CowriteError("out_of_range");
  return number;
}
