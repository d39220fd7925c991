// Loro, one commit an edit.
import { LoroDoc } from "loro-crdt";

export function create() {
  return new Edited(new LoroDoc());
}

export function read(bytes) {
  const edited = create();
  edited.doc.import(bytes);
  return edited;
}

export function branches(base) {
  const left = create();
  left.splice(0, 0, base);
  const right = create();
  right.doc.import(left.doc.export({ mode: "snapshot" }));
  return [left, right];
}

/** What either lacks, by its version. */
export function join(left, right) {
  const toRight = left.doc.export({ mode: "update", from: right.doc.oplogVersion() });
  const toLeft = right.doc.export({ mode: "update", from: left.doc.oplogVersion() });
  right.doc.import(toRight);
  left.doc.import(toLeft);
  return toLeft.length + toRight.length;
}

class Edited {
  constructor(doc) {
    this.doc = doc;
    this.shared = doc.getText("content");
  }

  splice(at, deleted, inserted) {
    if (deleted > 0) this.shared.delete(at, deleted);
    if (inserted) this.shared.insert(at, inserted);
    this.doc.commit();
  }

  text() {
    return this.shared.toString();
  }

  store() {
    return this.doc.export({ mode: "snapshot" });
  }

  bytes() {
    return this.store().length;
  }
}
