import { claimed } from "./claim.js";
import type { About, Database, Place } from "./database.js";

/** What is forgotten of a server's documents. */
export interface Pruning {
  /** Documents that nobody has opened for this long, in milliseconds. */
  readonly unusedMs: number;
  /** Of more documents than this, those that were opened longest ago. */
  readonly most: number;
  /** Also what holds work that the server has not accepted. Never by itself. */
  readonly pending: boolean;
}

/**
 * Forgets what is kept of documents that no tab has open; gives how many. A record of which nothing is
 * known, as of a newer version of this package, is left alone unless pending work is to go as well.
 */
export async function prune(name: string, database: Database, server: string, { unusedMs, most, pending }: Pruning): Promise<number> {
  const records = await database.records(server);
  records.sort((one, other) => usedAt(other.about) - usedAt(one.about));
  const latest = Date.now() - unusedMs;
  let forgotten = 0;
  for (const [rank, { place, about }] of records.entries()) {
    const old = rank >= most || usedAt(about) <= latest;
    if (!old || !isSpare(about, pending)) continue;
    // Whoever opens it meanwhile has the place first, or finds it empty.
    const done = await claimed(name, place, async () => {
      const spare = isSpare(await database.about(place), pending);
      if (spare) await database.remove(place);
      return spare;
    });
    if (done) forgotten += 1;
  }
  if (forgotten === records.length) await database.forgetUser(server);
  return forgotten;
}

function isSpare(about: About | null, pending: boolean): boolean {
  return pending || about?.pending === false;
}

function usedAt(about: About | null): number {
  return about?.used ?? 0;
}

/** A record that is kept, and what is known of it. */
export interface KeptRecord {
  readonly place: Place;
  readonly about: About | null;
}
