// The part of the generated glue that this package uses. The built package carries
// the glue's own, complete types in this place.
import type { Callback, Host } from "../engine.js";

/** Initialises the module; see wasm-bindgen's `--target web`. */
export default function init(options?: { module_or_path?: unknown }): Promise<unknown>;
/** The same at once, from bytes or a compiled module. */
export function initSync(options: { module: BufferSource | WebAssembly.Module }): unknown;

/** What the module exports: a method for each kind of arguments. A number that is left out is 0. */
export class Calls {
  constructor(url: string, host: Host, guard: (callback: Callback) => Callback);
  act(what: number, doc?: number, a?: number, b?: number): number;
  write(what: number, doc: number, a: number, b: number, text: string, more?: string): number;
  read(what: number, doc: number): string;
  carets(doc: number): Uint32Array;
  loaded(doc: number, base: Uint8Array | undefined, work: Uint8Array | undefined, ageMs: number): string;
  take(base: boolean): Uint8Array | undefined;
  set_review_rule(doc: number, waitedMs: number, deletedPercent: number): void;
  free(): void;
}
