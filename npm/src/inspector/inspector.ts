import { Emitter } from "../emitter.js";
import { openSocket, type SocketFactory } from "../socket.js";
import type { Frame } from "./frame.js";
import { InspectedSocket, type SocketHost } from "./inspected-socket.js";

/** A frame that was seen under way. */
export interface InspectedFrame extends Frame {
  /** Counts the frames of this inspector from 1. */
  readonly id: number;
  /** Counts its messages from 1: frames of one number travelled together. */
  readonly message: number;
  /** When it left its sender, or reached this page from the server, as `Date.now()` counts. */
  readonly at: number;
  /** How long it is held up in this page, in milliseconds. */
  readonly latencyMs: number;
  /** Where it is. A frame up has arrived when the real socket has it. */
  readonly state: "travelling" | "arrived" | "lost";
}

/** Settings of an {@link Inspector}. */
export interface InspectorOptions {
  /** What opens the real sockets; by default `new WebSocket`. */
  readonly socket?: SocketFactory;
  /** How many frames {@link Inspector.frames} keeps; 200 by default. */
  readonly keep?: number;
}

/** The events of an {@link Inspector}. */
export interface InspectorEvents {
  /** A frame has left its sender. Called before the client acts on one that came. */
  frame: InspectedFrame;
  /** A frame has arrived, or was lost with the network. */
  settled: InspectedFrame;
  /** A socket is open, or ended, or the network was changed. */
  network: Inspector;
}

/**
 * Shows what one client and its server say to each other, and plays a network that is slow or
 * gone. For development: reading every frame costs time, and a snapshot is read whole.
 *
 * ```js
 * const inspector = new Inspector();
 * const client = connect(url, { token, socket: inspector.socket });
 * inspector.on("frame", ({ direction, kind, bytes, fields }) => console.log(direction, kind, bytes, fields));
 * inspector.latencyMs = 500;
 * inspector.offline = true;
 * ```
 */
export class Inspector {
  /** What `connect` takes as its `socket`. One inspector is for one client. */
  readonly socket: SocketFactory;
  readonly #events = new Emitter<InspectorEvents>();
  readonly #keep: number;
  readonly #sockets = new Set<InspectedSocket>();
  #frames: InspectedFrame[] = [];
  #count = 0;
  #messages = 0;
  #connected = false;
  #offline = false;
  #latencyMs = 0;

  constructor({ socket = openSocket, keep = 200 }: InspectorOptions = {}) {
    this.#keep = keep;
    const host: SocketHost = {
      latencyMs: () => this.#latencyMs,
      left: (frames) => this.#left(frames),
      changed: (of, open) => this.#changed(of, open),
    };
    this.socket = (url, protocol) => {
      const made = new InspectedSocket(host, this.#offline ? null : () => socket(url, protocol));
      this.#sockets.add(made);
      return made;
    };
  }

  /** The last frames, oldest first. */
  get frames(): readonly InspectedFrame[] {
    return this.#frames;
  }

  /** Whether a socket is open. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Whether the network is played to be gone. */
  get offline(): boolean {
    return this.#offline;
  }

  /**
   * Going off ends the connection and loses what is under way; attempts to connect fail. A client that waits
   * before its next attempt does not notice that the network is back before `client.wake()` is called.
   */
  set offline(offline: boolean) {
    this.#offline = offline;
    if (offline) for (const socket of [...this.#sockets]) socket.lose();
    this.#events.emit("network", this);
  }

  /** How long a message takes each way, in milliseconds, beyond what the real network takes. */
  get latencyMs(): number {
    return this.#latencyMs;
  }

  /** What is under way keeps its time, and nothing overtakes it. */
  set latencyMs(latencyMs: number) {
    this.#latencyMs = Math.max(0, latencyMs);
    this.#events.emit("network", this);
  }

  /** Calls `listener` at each event of that name; the answer is a function that ends it. */
  on<Name extends keyof InspectorEvents>(name: Name, listener: (event: InspectorEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  #left(frames: readonly Frame[]): (outcome: "arrived" | "lost") => void {
    const message = ++this.#messages;
    const [at, latencyMs] = [Date.now(), this.#latencyMs];
    const seen = frames.map((frame) => ({ ...frame, id: ++this.#count, message, at, latencyMs, state: "travelling" as InspectedFrame["state"] }));
    this.#frames = [...this.#frames, ...seen].slice(-this.#keep);
    for (const frame of seen) this.#events.emit("frame", frame);
    return (outcome) => {
      for (const frame of seen) {
        frame.state = outcome;
        this.#events.emit("settled", frame);
      }
    };
  }

  #changed(socket: InspectedSocket, open: boolean): void {
    if (!open) this.#sockets.delete(socket);
    this.#connected = open;
    this.#events.emit("network", this);
  }
}
