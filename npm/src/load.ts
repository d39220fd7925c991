import type { WasmModule } from "./engine.js";
import { provideWebSocket } from "./node-socket.js";

/**
 * Where the WebAssembly module comes from: its bytes, compiled module, address or
 * response; or the exports of `cowrite/wasm`, already initialised.
 */
export type WasmSource =
  | URL | string | BufferSource | WebAssembly.Module | Response
  | Promise<URL | string | BufferSource | WebAssembly.Module | Response>
  | WasmModule;

/** This package's version; the build says it. */
declare const COWRITE_VERSION: string;

/** Where the instance is kept: bundles that each carry a copy of this version share it. */
const instance = Symbol.for("cowrite " + COWRITE_VERSION);
const page = globalThis as { [instance]?: Promise<WasmModule> | undefined };

/**
 * The module, initialised once a page: later calls get the same instance, whatever
 * source they name, until one has failed.
 */
export function load(source: WasmSource | undefined): Promise<WasmModule> {
  if (source && "WasmClient" in (source as object)) return Promise.resolve(source as WasmModule);
  return (page[instance] ??= initialise(source as Exclude<WasmSource, WasmModule> | undefined).catch((error: unknown) => {
    page[instance] = undefined;
    throw error;
  }));
}

async function initialise(source: Exclude<WasmSource, WasmModule> | undefined): Promise<WasmModule> {
  provideWebSocket();
  const glue = await import("./wasm/cowrite.js");
  await glue.default({ module_or_path: source ?? beside() });
  return glue;
}

/**
 * The file beside this one. Bundlers know this very form of `new URL` and bring the
 * file along. Node cannot fetch files, so there it is read.
 */
function beside(): URL | BufferSource {
  const url = new URL("./wasm/cowrite_bg.wasm", import.meta.url);
  const node = (globalThis as { process?: { getBuiltinModule?(name: string): { readFileSync(url: URL): Uint8Array<ArrayBuffer> } } }).process;
  return url.protocol === "file:" && node?.getBuiltinModule ? node.getBuiltinModule("node:fs").readFileSync(url) : url;
}
