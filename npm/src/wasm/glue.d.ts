// The part of the generated glue that this package uses. The built package carries
// the glue's own, complete types in this place.
import type { Callback } from "../engine.js";
import type { SocketFactory } from "../socket.js";

/** Initialises the module; see wasm-bindgen's `--target web`. */
export default function init(options?: { module_or_path?: unknown }): Promise<unknown>;
/** The same at once, from bytes or a compiled module. */
export function initSync(options: { module: BufferSource | WebAssembly.Module }): unknown;

/** What the module asks of JavaScript. An event is JSON, but for the two that come with each keystroke. */
export type Told = ((event: string) => void) & {
  readonly socket: SocketFactory;
  /** One place of plain text was edited here. */
  edited(doc: number, at: number, deleted: number, inserted: string): void;
  /** State, watermarks (-1 for none), and as `flags`: 1 under review, 2 there is something to undo, 4 to redo. */
  status(
    doc: number, state: number, flags: number,
    local: number, accepted: number, durable: number, pending: number, stored: number, inFlight: number, version: number,
  ): void;
};

/** What the module exports: a method for each kind of arguments. A number that is left out is 0. */
export class Calls {
  constructor(url: string, host: Told, guard: (callback: Callback) => Callback);
  act(what: number, doc?: number, a?: number, b?: number): number;
  write(what: number, doc: number, a: number, b: number, text: string, more?: string): number;
  read(what: number, doc: number): string;
  carets(doc: number): Uint32Array;
  loaded(doc: number, base: Uint8Array | undefined, work: Uint8Array | undefined, ageMs: number): string;
  take(base: boolean): Uint8Array | undefined;
  set_review_rule(doc: number, waitedMs: number, deletedPercent: number): void;
  free(): void;
}
