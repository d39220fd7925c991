// The part of the generated glue that this package uses. The built package carries
// the glue's own, complete types in this place.
import type { WasmModule } from "../engine.js";

/** Initialises the module; see wasm-bindgen's `--target web`. */
export default function init(options?: { module_or_path?: unknown }): Promise<unknown>;
export const WasmClient: WasmModule["WasmClient"];
