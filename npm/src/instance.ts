import { CowriteError } from "./error.js";
import type { WasmModule } from "./engine.js";

/** Who lives in an instance of the module. */
export interface Tenant {
  /** The instance has failed. It is asked for what is still to be read, and for nothing else. */
  evicted(error: CowriteError): void;
}

const instances = new WeakMap<WasmModule, Instance>();

/**
 * One instance of the WebAssembly module, for all clients that live in it. What is thrown
 * out of it, other than its error codes, is its end: a panic, a trap or a memory that
 * cannot grow leaves it in the middle of something, whoever had called it.
 */
export class Instance {
  readonly #tenants = new Set<Tenant>();
  #failure: CowriteError | undefined;

  /** The instance behind a module. */
  static of(module: WasmModule): Instance {
    let found = instances.get(module);
    if (!found) instances.set(module, (found = new Instance()));
    return found;
  }

  /**
   * Takes somebody in.
   * @throws CowriteError `panicked` where it has failed before
   */
  enter(tenant: Tenant): void {
    if (this.#failure) throw this.#failure;
    this.#tenants.add(tenant);
  }

  /** Lets somebody go. */
  leave(tenant: Tenant): void {
    this.#tenants.delete(tenant);
  }

  /** It has failed; answers the error that all who live in it have been told. */
  fail(cause: unknown): CowriteError {
    this.#failure ??= new CowriteError("panicked", { cause });
    const tenants = [...this.#tenants];
    this.#tenants.clear();
    for (const tenant of tenants) tenant.evicted(this.#failure);
    return this.#failure;
  }
}
