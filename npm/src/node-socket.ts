import { CowriteError } from "./error.js";

/** What is used of Node.js, whose types a page does not have. */
interface NodeProcess {
  getBuiltinModule?(name: "node:module"): { createRequire(from: string): (name: string) => unknown };
}

/** A socket of the package `ws`. */
type NodeSocket = new (url: string, protocols?: string | string[]) => { on(event: "error", listener: () => void): void };

/**
 * Node.js has sockets of its own from version 22 on; before, those of the package `ws` take the
 * global name, if the application has installed it.
 * @throws CowriteError `no_websocket` where there are none
 */
export function provideWebSocket(): void {
  if (typeof WebSocket !== "undefined") return;
  const { process } = globalThis as { process?: NodeProcess };
  let Socket: NodeSocket;
  try {
    // Found at run time, so that no bundler looks for a package that a page never needs.
    Socket = process!.getBuiltinModule!("node:module").createRequire(import.meta.url)("ws") as NodeSocket;
  } catch (cause) {
    throw new CowriteError("no_websocket", { cause });
  }
  const Heard = class extends Socket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols);
      // One that is closed while it connects tells an error, which would end the process if nobody heard it.
      this.on("error", () => {});
    }
  };
  Object.assign(globalThis, { WebSocket: Heard });
}
