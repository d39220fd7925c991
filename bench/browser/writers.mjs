// Clients in Node.js: whoever fills the documents, types from afar, and looks at the end what everybody got.
import { connect } from "../../npm/dist/index.js";
import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import { Doc, XmlElement, XmlFragment, XmlText } from "yjs";

const DEADLINE_MS = 60_000;

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
