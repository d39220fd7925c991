import { mapOffset, replacementOf, type Delta } from "../src/delta.js";
import type { Callback, EngineEvent, EngineMember } from "../src/engine.js";
import type { Cursor, Origin, Proposal, Role, Status } from "../src/state.js";

/**
 * A stand-in for the WebAssembly module: documents of plain text, no network. A test
 * plays the server by `open…`, `remote`, `acceptAll` and the like.
 */
export class WasmClient {
  /** Every engine made, newest last. */
  static readonly made: WasmClient[] = [];

  readonly url: string;
  readonly calls: string[] = [];
  readonly documents = new Map<number, FakeDocument>();
  /** What `open` and edits throw, if anything. */
  failure: unknown = null;
  /** Whether a document is loaded as soon as it is opened. */
  opensAtOnce: boolean = true;
  readonly #host: (event: EngineEvent) => void;
  #events: EngineEvent[] = [];
  #online = false;
  #depth = 0;
  #recording = true;

  /** Puts around a callback what the client wants around it. */
  readonly guard: (callback: Callback) => Callback;

  constructor(url: string, host: (event: EngineEvent) => void, guard: (callback: Callback) => Callback) {
    this.guard = guard;
    this.url = url;
    this.#host = host;
    WasmClient.made.push(this);
  }

  /** The document of that id; a test's way in. */
  document(id: string): FakeDocument {
    const found = [...this.documents.values()].find((document) => document.id === id);
    if (!found) throw new Error(`the document ${id} is not open`);
    return found;
  }

  /** Tells events when the outermost call ends, as the real engine does. */
  during<Result>(call: () => Result): Result {
    this.#depth += 1;
    try {
      return call();
    } finally {
      this.#depth -= 1;
      while (this.#depth === 0 && this.#events.length > 0) this.#host(structuredClone(this.#events.shift()!));
    }
  }

  tell(event: EngineEvent): void {
    this.during(() => this.#events.push(event));
  }

  /** Dies as the real module does: only what is pending can be read any more. */
  die(message: string): void {
    this.failure = "panicked";
    this.tell({ type: "panic", message });
  }

  connect(): void {
    this.calls.push("connect");
    this.tell({ type: "need_token" });
  }
  token(value: string, fixed: boolean): void {
    this.calls.push(`${fixed ? "fixed" : "token"} ${value}`);
    if (!this.#online) this.tell({ type: "link", state: "online", retry_in_ms: null, code: null });
    this.#online = true;
  }
  refresh_token(): void {
    this.calls.push("refresh_token");
    for (const document of this.#online ? [] : this.documents.values()) document.revived();
    this.tell({ type: "need_token" });
  }
  /** The server ends the connection for good. */
  stop(code: string): void {
    this.#online = false;
    for (const document of this.documents.values()) document.closed(code);
    this.tell({ type: "link", state: "stopped", retry_in_ms: null, code });
  }
  token_failed(): void {
    this.calls.push("token_failed");
    if (!this.#online) this.tell({ type: "link", state: "offline", retry_in_ms: 4_000, code: "token_failed" });
  }
  wake(): void {
    this.calls.push("wake");
  }
  close(): void {
    this.calls.push("close");
  }
  open(id: string, state: string): number {
    if (this.failure) throw this.failure;
    return this.during(() => {
      const handle = this.documents.size + 1;
      const document = new FakeDocument(this, handle, id, JSON.parse(state));
      this.documents.set(handle, document);
      document.tellStatus();
      if (this.opensAtOnce) document.opened();
      return handle;
    });
  }
  close_document(doc: number): void {
    this.calls.push(`close_document ${doc}`);
  }
  text(doc: number): string {
    return this.#at(doc).text;
  }
  length(doc: number): number {
    return this.#at(doc).text.length;
  }
  contents(doc: number): string {
    return JSON.stringify([{ insert: this.#at(doc).text }]);
  }
  insert(doc: number, offset: number, text: string, attributes?: string): void {
    this.#edit(doc, [{ retain: offset }, { insert: text, ...(attributes ? { attributes: JSON.parse(attributes) } : {}) }]);
  }
  delete(doc: number, offset: number, length: number): void {
    this.#edit(doc, [{ retain: offset }, { delete: length }]);
  }
  format(doc: number, offset: number, length: number, attributes: string): void {
    this.#edit(doc, [{ retain: offset }, { retain: length, attributes: JSON.parse(attributes) }]);
  }
  apply(doc: number, delta: string): void {
    this.#edit(doc, JSON.parse(delta));
  }
  undo(doc: number, redo: boolean): boolean {
    const document = this.#at(doc);
    const { history } = document;
    const delta = (redo ? history.redo : history.undo).pop();
    if (!delta) return false;
    this.during(() => {
      (redo ? history.undo : history.redo).push(inverseOf(delta, document.text));
      const at = replacementOf(delta, document.text)!;
      const head = at.start + at.insert.length;
      document.change(delta, "undo", null, { anchor: head, head });
      document.edited();
    });
    return true;
  }
  stop_capturing(doc: number): void {
    this.#at(doc).history.stops += 1;
  }
  record(on: boolean): boolean {
    const before = this.#recording;
    this.#recording = on;
    return before;
  }
  set_cursor(doc: number, anchor: number, head: number): void {
    this.#at(doc).cursors.push([anchor, head]);
  }
  clear_cursor(doc: number): void {
    this.#at(doc).cursors.push(null);
  }
  set_presence(doc: number, state: string): void {
    this.#at(doc).presence = JSON.parse(state);
  }
  members(doc: number): string {
    return JSON.stringify(this.#at(doc).members.map(({ cursor: _, ...member }) => member));
  }
  carets(doc: number): Uint32Array {
    const carets = this.#at(doc).members.flatMap(({ number, cursor }) => (cursor ? [number, cursor.anchor, cursor.head] : []));
    return Uint32Array.from([this.#at(doc).revision, ...carets]);
  }
  status(doc: number): void {
    this.#host(this.#at(doc).standing);
  }
  pending(doc: number): string {
    return JSON.stringify(this.documents.get(doc)!.pending);
  }
  proposals(doc: number): string {
    return JSON.stringify(this.#at(doc).proposals);
  }
  accept_proposal(doc: number, id: number): void {
    this.calls.push(`accept_proposal ${doc} ${id}`);
  }
  discard_proposal(doc: number, id: number): void {
    this.calls.push(`discard_proposal ${doc} ${id}`);
  }

  #at(doc: number): FakeDocument {
    if (this.failure) throw this.failure;
    return this.documents.get(doc)!;
  }

  #edit(doc: number, delta: Delta): void {
    const document = this.#at(doc);
    this.during(() => {
      if (this.#recording) document.history = { ...document.history, undo: [...document.history.undo, inverseOf(delta, document.text)], redo: [] };
      document.change(delta, "local", "me");
      document.pending = delta;
      document.edited();
    });
  }
}

/** A member with its caret, which the engine gives apart. */
export type FakeMember = EngineMember & { readonly cursor: Cursor | null };

/** One document of the stand-in. */
export class FakeDocument {
  text: string = "";
  role: Role = "editor";
  status: Status = { state: "online", local: 0, accepted: 0, durable: 0, pending: 0, stored: null, reviewing: false, inFlight: 0, version: 0 };
  /** The deltas that undo, and redo, would apply; `stop` counts calls of `stop_capturing`. */
  history: { undo: Delta[]; redo: Delta[]; stops: number } = { undo: [], redo: [], stops: 0 };
  pending: Delta = [];
  proposals: Proposal[] = [];
  /** Another number whenever the members are others, carets aside. */
  revision: number = 0;
  #members: FakeMember[] = [];
  /** Every cursor that was set, `null` where it was cleared. */
  readonly cursors: ([anchor: number, head: number] | null)[] = [];
  presence: unknown;
  readonly id: string;
  readonly doc: number;
  readonly #engine: WasmClient;

  constructor(engine: WasmClient, doc: number, id: string, presence: unknown) {
    this.#engine = engine;
    this.doc = doc;
    this.id = id;
    this.presence = presence;
  }

  get members(): FakeMember[] {
    return this.#members;
  }
  set members(members: FakeMember[]) {
    const listed = (members: FakeMember[]) => JSON.stringify(members.map(({ cursor: _, ...member }) => member));
    if (listed(members) !== listed(this.#members)) this.revision += 1;
    this.#members = members;
  }

  opened(first = true): void {
    this.#engine.tell({ type: "opened", doc: this.doc, role: this.role, number: 1, user: "me", first });
  }

  /** Others' edits, which come by one message. */
  remote(...deltas: Delta[]): void {
    this.#engine.during(() => deltas.forEach((delta) => this.change(delta, "remote", "other")));
  }

  /** One edit more was made here. */
  edited(): void {
    const { status } = this;
    this.status = { ...status, local: status.local + 1, pending: status.pending + 1, inFlight: status.inFlight || 1 };
    this.tellStatus();
  }

  change(delta: Delta, origin: Origin, user: string | null, selection?: Cursor): void {
    const change = replacementOf(delta, this.text);
    if (change && change.end > this.text.length) throw "out_of_range";
    if (change) this.text = this.text.slice(0, change.start) + change.insert + this.text.slice(change.end);
    this.members = this.members.map((member) => member.cursor
      ? { ...member, cursor: { anchor: mapOffset(delta, member.cursor.anchor, "before"), head: mapOffset(delta, member.cursor.head, "before") } }
      : member);
    this.#engine.tell({ type: "change", doc: this.doc, origin, user, delta, ...(selection && { selection }) });
  }

  acceptAll(): void {
    const { local, durable } = this.status;
    this.pending = [];
    this.status = { ...this.status, accepted: local, durable: durable === null ? null : local, pending: 0, inFlight: 0 };
    this.tellStatus();
  }

  /** Refuses the edits `from..=to`; those before are accepted. */
  reject(from: number, to: number, code: string): void {
    this.#engine.during(() => {
      this.status = { ...this.status, accepted: from - 1, pending: this.status.local - to, inFlight: 0 };
      this.tellStatus();
      this.#engine.tell({ type: "rejected", doc: this.doc, from, to, code, delta: this.pending });
    });
  }

  closed(code: string): void {
    this.#engine.during(() => {
      this.#engine.tell({ type: "closed", doc: this.doc, code, retry: false });
      this.status = { ...this.status, state: "closed" };
      this.tellStatus();
    });
  }

  /** The connection that had ended for good is tried again. */
  revived(): void {
    this.status = { ...this.status, state: "connecting" };
    this.tellStatus();
  }

  /** The user may only read from here on: what was pending is set aside. */
  withheld(): void {
    this.#engine.during(() => {
      this.role = "viewer";
      this.proposals = [{ id: 1, kind: "not_allowed", delta: this.pending }];
      this.opened(false);
      this.#engine.tell({ type: "proposal", doc: this.doc, id: 1, kind: "not_allowed" });
      this.status = { ...this.status, accepted: this.status.local };
      this.tellStatus();
    });
  }

  tellPresence(): void {
    this.#engine.tell({ type: "presence", doc: this.doc });
  }

  tellStatus(): void {
    this.#engine.tell(this.standing);
  }

  /** How it stands now, as an event. */
  get standing(): EngineEvent {
    const { undo, redo } = this.history;
    return { type: "status", doc: this.doc, status: this.status, undo: { canUndo: undo.length > 0, canRedo: redo.length > 0 } };
  }
}

function inverseOf(delta: Delta, text: string): Delta {
  const change = replacementOf(delta, text);
  if (!change) return [];
  const back: Delta = [{ retain: change.start }, { insert: text.slice(change.start, change.end) }, { delete: change.insert.length }];
  return back.filter((part) => !!Object.values(part)[0]);
}

/** Stands in for the glue's own initialisation. */
export default async function init(): Promise<void> {}
