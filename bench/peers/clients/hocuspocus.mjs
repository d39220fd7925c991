// Hocuspocus's own provider, which counts what the server has not confirmed yet.
import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import { Doc } from "yjs";
import { BenchSocket } from "./socket.mjs";
import { shared } from "./yjs.mjs";

export async function open(url, document, listeners) {
  const doc = new Doc();
  const websocketProvider = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: BenchSocket });
  const provider = new HocuspocusProvider({ websocketProvider, name: document, document: doc });
  provider.attach();
  await new Promise((resolve) => provider.on("synced", resolve));
  return {
    ...shared(doc, provider.awareness, listeners),
    accepted: () => new Promise((resolve) => {
      if (!provider.hasUnsyncedChanges) return resolve();
      const changed = () => {
        if (provider.hasUnsyncedChanges) return;
        provider.off("unsyncedChanges", changed);
        resolve();
      };
      provider.on("unsyncedChanges", changed);
    }),
    close: () => {
      provider.destroy();
      websocketProvider.destroy();
    },
    socket: () => websocketProvider.webSocket,
    part: () => websocketProvider.disconnect(),
    meet: () => void websocketProvider.connect(),
  };
}
