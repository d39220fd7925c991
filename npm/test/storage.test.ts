import assert from "node:assert/strict";
import { test } from "node:test";
import type { About, Database, Place } from "../src/storage/database.js";
import { prune, type Pruning } from "../src/storage/pruning.js";

const DAY = 86_400_000;

/** What `prune` needs of a database, in memory; a lock is held for each document that is open. */
class FakeDatabase {
  readonly places: Place[];
  lastUser = true;
  readonly #abouts: Map<string, About | null>;

  constructor(abouts: Record<string, About | null>) {
    this.#abouts = new Map(Object.entries(abouts));
    this.places = Object.keys(abouts).map((document) => ({ server: "s", document, user: "ada", slot: 0 }));
  }
  get left(): string[] {
    return [...this.#abouts.keys()];
  }
  async records() {
    return this.places.map((place) => ({ place, about: this.#abouts.get(place.document) ?? null }));
  }
  async about({ document }: Place) {
    return this.#abouts.get(document) ?? null;
  }
  async remove({ document }: Place) {
    this.#abouts.delete(document);
  }
  async forgetUser() {
    this.lastUser = false;
  }
  /** Somebody works at it since it was looked at. */
  change(document: string, about: About): void {
    this.#abouts.set(document, about);
  }
}

const about = (days: number, pending = false): About => ({ written: Date.now() - days * DAY, used: Date.now() - days * DAY, pending });

/** Prunes while these documents are open in some tab; `meanwhile` happens when a place was claimed. */
async function pruned(database: FakeDatabase, pruning: Partial<Pruning>, { open = [] as string[], meanwhile = () => {} } = {}): Promise<number> {
  const locks = {
    request: async (name: string, _options: unknown, act: (lock: object | null) => unknown) => {
      const document = (JSON.parse(name) as string[])[3]!;
      if (open.includes(document)) return act(null);
      meanwhile();
      return act({});
    },
  };
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  return prune("cowrite", database as unknown as Database, "s", { unusedMs: 90 * DAY, most: 10, pending: false, ...pruning });
}

test("what nobody has used for long is forgotten, and nothing that is pending, open or not understood", async () => {
  const database = new FakeDatabase({ new: about(1), old: about(91), pending: about(91, true), open: about(91), unknown: null });
  assert.equal(await pruned(database, {}, { open: ["open"] }), 1);
  assert.deepEqual(database.left, ["new", "pending", "open", "unknown"]);
  assert.ok(database.lastUser);
});

test("of too many documents those that were used longest ago are forgotten", async () => {
  const database = new FakeDatabase({ four: about(4), one: about(1), pending: about(3, true), two: about(2), five: about(5) });
  assert.equal(await pruned(database, { most: 2 }), 2);
  assert.deepEqual(database.left, ["one", "pending", "two"]);
});

test("a document that got pending work since it was looked at is kept", async () => {
  const database = new FakeDatabase({ notes: about(91) });
  assert.equal(await pruned(database, {}, { meanwhile: () => database.change("notes", about(0, true)) }), 0);
  assert.deepEqual(database.left, ["notes"]);
});

test("all can be forgotten, and who was here with it", async () => {
  const database = new FakeDatabase({ one: about(0), pending: about(0, true), unknown: null });
  assert.equal(await pruned(database, { unusedMs: 0, most: 0 }), 1);
  assert.equal(await pruned(database, { unusedMs: 0, most: 0, pending: true }), 3);
  assert.deepEqual([database.left, database.lastUser], [[], false]);
});
