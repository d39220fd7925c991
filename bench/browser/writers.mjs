// Clients in Node.js: whoever fills the documents, types from afar, and looks at the end what everybody got.
import { connect } from "../../npm/dist/index.js";
import { createEncoder, toUint8Array, writeVarUint, writeVarUint8Array } from "lib0/encoding";
import { WebSocket } from "ws";
import { Awareness, encodeAwarenessUpdate } from "y-protocols/awareness";
import { WebsocketProvider } from "y-websocket";
import { Doc, XmlElement, XmlFragment, XmlText } from "yjs";

const DEADLINE_MS = 60_000;
/** The number of such messages in y-websocket. */
const AWARENESS = 1;

/** Waits for a condition; fails after the deadline, naming what was waited for. */
export async function until(what, condition) {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${DEADLINE_MS} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A second client of Cowrite. */
export class OurWriter {
  static async open(environment, room, name = "typist") {
    const writer = new OurWriter();
    writer.client = connect(environment.ours, { token: `dev:${name}` });
    writer.shared = writer.client.open(room, { presence: { name } });
    await writer.shared.ready;
    return writer;
  }

  async fill(text) {
    this.shared.insert(0, text);
    await this.shared.whenAccepted();
  }

  insert(place, letter) {
    this.shared.insert(Math.floor(place * this.shared.length), letter);
  }

  text() {
    return this.shared.text;
  }

  close() {
    this.client.close();
  }
}

/** A second client of Yjs. */
export class TheirWriter {
  static async open(environment, room, isXml) {
    const writer = new TheirWriter();
    writer.doc = new Doc();
    writer.isXml = isXml;
    writer.type = isXml ? writer.doc.get("content", XmlFragment) : writer.doc.getText("content");
    writer.provider = new WebsocketProvider(environment.theirs, room, writer.doc, { WebSocketPolyfill: WebSocket, disableBc: true });
    await new Promise((resolve) => writer.provider.on("sync", (synced) => synced && resolve()));
    return writer;
  }

  async fill(text) {
    this.doc.transact(() => {
      if (!this.isXml) return this.type.insert(0, text);
      this.type.insert(0, text.replace(/\n$/, "").split("\n").map((line) => {
        const block = new XmlElement("paragraph");
        if (line) block.insert(0, [new XmlText(line)]);
        return block;
      }));
    });
  }

  insert(place, letter) {
    if (!this.isXml) return this.type.insert(Math.floor(place * this.type.length), letter);
    const line = this.type.get(Math.floor(place * this.type.length)).get(0);
    line?.insert(Math.floor(place * line.length), letter);
  }

  text() {
    return this.isXml ? this.type.toArray().map((block) => `${block.toArray().map(String).join("")}\n`).join("") : this.type.toString();
  }

  close() {
    this.provider.destroy();
    this.doc.destroy();
  }
}

/**
 * A member of a room of Yjs. All of them share a connection: each would be sent what each other does in a
 * message of its own, which this process could not read. The page is sent the very same.
 */
export class TheirPerson {
  constructor({ provider }, name) {
    this.provider = provider;
    this.awareness = new Awareness(new Doc());
    this.awareness.setLocalStateField("user", { name, color: "#3060c0", colorLight: "#3060c044" });
  }

  show(field, value) {
    this.awareness.setLocalStateField(field, value);
    const message = createEncoder();
    writeVarUint(message, AWARENESS);
    writeVarUint8Array(message, encodeAwarenessUpdate(this.awareness, [this.awareness.clientID]));
    this.provider.ws.send(toUint8Array(message));
  }
}
