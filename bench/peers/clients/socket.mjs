// The socket of every client here: that of `ws`, which can stop handing messages on and only count them.
import { WebSocket } from "ws";

/** A client whose socket only counts costs this process next to nothing, so that a thousand fit into it. */
export class BenchSocket extends WebSocket {
  /** Whether messages are counted and dropped. */
  deaf = false;
  heard = 0;
  /** Bytes of all messages that came, and of all that went. */
  bytes = 0;
  said = 0;

  constructor(url, protocols) {
    super(url, protocols, { perMessageDeflate: false });
    this.on("error", () => {});
  }

  emit(event, ...words) {
    if (event === "message") {
      this.heard += 1;
      this.bytes += words[0].length ?? words[0].byteLength;
      if (this.deaf) return true;
    }
    return super.emit(event, ...words);
  }

  send(message, ...words) {
    this.said += message.length ?? message.byteLength;
    super.send(message, ...words);
  }
}
