import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delta } from "../src/delta.js";
import { RememberedText } from "../src/remembered.js";
import { randomOf } from "./random.js";
import { settled } from "./settled.js";

/** A text that is edited, and remembered; `reads` counts how often it was read whole. */
class Edited {
  text = "";
  reads = 0;
  readonly remembered = new RememberedText(() => ((this.reads += 1), this.text));

  replace(start: number, deleted: number, insert: string): void {
    this.text = this.text.slice(0, start) + insert + this.text.slice(start + deleted);
    const delta = [{ retain: start }, { insert }, { delete: deleted }] as Delta;
    this.remembered.changed(delta.filter((component) => !!Object.values(component)[0]));
  }
}

test("a text is remembered whatever changes, near the last change or elsewhere", async () => {
  const { seed, below } = randomOf();
  for (let round = 0; round < 200; round += 1) {
    const edited = new Edited();
    let at = 0;
    for (let edit = below(60); edit > 0; edit -= 1) {
      at = below(3) ? Math.min(edited.text.length, Math.max(0, at + below(5) - 2)) : below(edited.text.length + 1);
      if (below(20) === 0 && edited.text.length > 2) {
        // At two places at once.
        edited.text = `<${edited.text.slice(0, -1)}>`;
        edited.remembered.changed([{ insert: "<" }, { retain: edited.text.length - 2 }, { insert: ">" }, { delete: 1 }]);
      } else edited.replace(at, Math.min(below(4), edited.text.length - at), "abcdefgh".repeat(1 + below(20)).slice(0, below(2) ? 1 : below(160)));
    }
    assert.equal(edited.remembered.text, edited.text, `SEED=${seed}`);
  }
});

test("what is typed at one place is one change, and a text is read only after many", async () => {
  const edited = new Edited();
  for (let letter = 0; letter < 20_000; letter += 1) edited.replace(letter, 0, "x");
  edited.replace(19_999, 1, "");
  await settled();
  assert.equal(edited.reads, 0);
  for (let change = 0; change < 1_000; change += 1) edited.replace((change % 2) * 10_000, 0, "y");
  await settled();
  assert.equal(edited.reads, 1);
  assert.equal(edited.remembered.text, edited.text);
});
