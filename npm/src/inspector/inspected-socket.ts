import type { Socket, SocketEvent } from "../socket.js";
import { FrameReader, type Direction, type Frame } from "./frame.js";
import { Pipe } from "./pipe.js";

/** What a socket needs of its inspector. */
export interface SocketHost {
  latencyMs(): number;
  /** Frames leave, all in one message; the answer is told what became of them. */
  left(frames: readonly Frame[]): (outcome: "arrived" | "lost") => void;
  /** The socket is open, or at its end. */
  changed(socket: InspectedSocket, open: boolean): void;
}

/** A socket that is watched, and behind which the network can be slow or gone. */
export class InspectedSocket implements Socket {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readonly #host: SocketHost;
  readonly #reader = new FrameReader();
  readonly #up = new Pipe();
  readonly #down = new Pipe();
  #real: Socket | null;

  /** Where `open` is absent the network is gone, and the attempt fails soon. */
  constructor(host: SocketHost, open: (() => Socket) | null) {
    this.#host = host;
    const real = (this.#real = open?.() ?? null);
    if (!real) {
      setTimeout(() => this.#end());
      return;
    }
    // The greeting of a socket goes there and back.
    real.onopen = (event) => this.#down.carry(2 * host.latencyMs(), 0, () => (host.changed(this, true), this.onopen?.(event)), () => {});
    real.onmessage = (event) => this.#came(event);
    real.onclose = real.onerror = () => this.#down.carry(host.latencyMs(), 0, () => this.#end(), () => {});
  }

  get binaryType(): string {
    return this.#real?.binaryType ?? "arraybuffer";
  }

  set binaryType(type: string) {
    if (this.#real) this.#real.binaryType = type;
  }

  get bufferedAmount(): number {
    return (this.#real?.bufferedAmount ?? 0) + this.#up.bytes;
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    const real = this.#real;
    if (!real) return;
    // It is valid until this returns.
    const copy = message.slice();
    this.#carry("up", this.#up, copy, () => real.send(copy));
  }

  close(): void {
    const real = this.#leave();
    // What was sent before arrives before the end does.
    if (real) this.#up.carry(this.#host.latencyMs(), 0, () => real.close(), () => real.close());
    this.#host.changed(this, false);
  }

  /** The network is gone: what is under way is lost, and the client hears that the socket has ended. */
  lose(): void {
    this.#up.cut();
    this.#leave()?.close();
    this.#end();
  }

  #came(event: SocketEvent): void {
    // A text is no message of ours; the client ends the connection over it.
    const message = event.data instanceof ArrayBuffer ? new Uint8Array(event.data) : new Uint8Array();
    this.#carry("down", this.#down, message, () => this.onmessage?.(event));
  }

  #carry(direction: Direction, pipe: Pipe, message: Uint8Array, deliver: () => void): void {
    const settle = this.#host.left(this.#reader.read(direction, message));
    const arrive = () => {
      deliver();
      settle("arrived");
    };
    pipe.carry(this.#host.latencyMs(), message.length, arrive, () => settle("lost"));
  }

  /** Hears no more of the real socket. */
  #leave(): Socket | null {
    const real = this.#real;
    this.#real = null;
    if (real) real.onopen = real.onmessage = real.onclose = real.onerror = null;
    this.#down.cut();
    return real;
  }

  #end(): void {
    this.#leave();
    this.#up.cut();
    this.#host.changed(this, false);
    this.onclose?.({ type: "close" });
  }
}

