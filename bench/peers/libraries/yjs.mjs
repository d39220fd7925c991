// Yjs, with somebody who takes its updates, as every provider does.
import { Doc, applyUpdate, encodeStateAsUpdate, encodeStateVector } from "yjs";

export function create() {
  return new Edited(new Doc());
}

export function read(bytes) {
  const edited = create();
  applyUpdate(edited.doc, bytes);
  return edited;
}

export function branches(base) {
  const left = new Edited(new Doc());
  left.splice(0, 0, base);
  const right = new Edited(new Doc());
  applyUpdate(right.doc, encodeStateAsUpdate(left.doc));
  return [left, right];
}

/** What either lacks, by its state vector. */
export function join(left, right) {
  const toRight = encodeStateAsUpdate(left.doc, encodeStateVector(right.doc));
  const toLeft = encodeStateAsUpdate(right.doc, encodeStateVector(left.doc));
  applyUpdate(right.doc, toRight);
  applyUpdate(left.doc, toLeft);
  return toLeft.length + toRight.length;
}

class Edited {
  sent = 0;

  constructor(doc) {
    this.doc = doc;
    this.shared = doc.getText("content");
    doc.on("update", (update) => (this.sent += update.length));
  }

  splice(at, deleted, inserted) {
    if (deleted > 0 && inserted) return this.doc.transact(() => this.#splice(at, deleted, inserted));
    this.#splice(at, deleted, inserted);
  }

  #splice(at, deleted, inserted) {
    if (deleted > 0) this.shared.delete(at, deleted);
    if (inserted) this.shared.insert(at, inserted);
  }

  text() {
    return this.shared.toString();
  }

  store() {
    return encodeStateAsUpdate(this.doc);
  }

  bytes() {
    return this.store().length;
  }
}
