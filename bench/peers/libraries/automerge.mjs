// Automerge, one change an edit.
import * as Automerge from "@automerge/automerge";

export function create() {
  return new Edited(Automerge.from({ text: "" }));
}

export function branches(base) {
  const doc = Automerge.from({ text: base });
  return [new Edited(Automerge.clone(doc)), new Edited(Automerge.clone(doc))];
}

/** What either has made since they parted. */
export function join(left, right) {
  const toRight = Automerge.saveSince(left.doc, left.parted);
  const toLeft = Automerge.saveSince(right.doc, right.parted);
  right.doc = Automerge.loadIncremental(right.doc, toRight);
  left.doc = Automerge.loadIncremental(left.doc, toLeft);
  return toLeft.length + toRight.length;
}

class Edited {
  constructor(doc) {
    this.doc = doc;
    this.parted = Automerge.getHeads(doc);
  }

  splice(at, deleted, inserted) {
    this.doc = Automerge.change(this.doc, (doc) => Automerge.splice(doc, ["text"], at, deleted, inserted));
  }

  text() {
    return this.doc.text;
  }

  bytes() {
    return Automerge.save(this.doc).length;
  }
}
