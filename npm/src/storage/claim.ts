import type { Database, Place } from "./database.js";

/** A place of this tab alone, until it is given back or the tab is gone, however it goes. */
export interface Claim {
  readonly place: Place;
  release(): void;
}

/** So long a new page waits for the place of the one before it, which may just be going. */
const PATIENCE_MS = 300;
const MOST_SLOTS = 64;

/** Claims a place: one in which there is work and whose tab is gone, or, and always if it is to be `empty`, a new one. */
export async function claim(name: string, database: Database, whose: Omit<Place, "slot">, empty = false): Promise<Claim> {
  const held = await database.slots(whose);
  for (const slot of empty ? [] : held) {
    const won = await take(name, { ...whose, slot }, 0);
    if (won) return won;
  }
  if (held.length > 0 && !empty) {
    const won = await Promise.race(held.map((slot) => take(name, { ...whose, slot }, PATIENCE_MS)));
    if (won) return won;
  }
  for (let slot = 0; slot < MOST_SLOTS; slot += 1) {
    const won = held.includes(slot) ? null : await take(name, { ...whose, slot }, 0);
    if (won) return won;
  }
  throw new Error("too many tabs");
}

/** Claims the places in which there is work and whose tabs are gone, one by one, for who takes them over. */
export async function* orphans(name: string, database: Database, own: Place): AsyncGenerator<Claim> {
  for (const slot of await database.slots(own)) {
    const won = slot === own.slot ? null : await take(name, { ...own, slot }, 0);
    if (won) yield won;
  }
}

/** Does something at a place that no tab has; `null` where one has it. */
export async function claimed<Result>(name: string, place: Place, act: () => Promise<Result>): Promise<Result | null> {
  const won = await take(name, place, 0);
  return won && act().finally(won.release);
}

/** Claims one place, if nobody has it or gives it up in time. */
function take(name: string, place: Place, patienceMs: number): Promise<Claim | null> {
  const lock = JSON.stringify(["cowrite", name, place.server, place.document, place.user, place.slot]);
  return new Promise((resolve, reject) => {
    const options: LockOptions = patienceMs > 0 ? { signal: AbortSignal.timeout(patienceMs) } : { ifAvailable: true };
    navigator.locks
      .request(lock, options, (granted) => granted && new Promise<void>((release) => resolve({ place, release })))
      .then(() => resolve(null))
      .catch((error: unknown) => {
        if (patienceMs > 0) resolve(null);
        else reject(error);
      });
  });
}
