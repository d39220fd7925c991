import type { EngineEvent, WasmModule } from "../engine.js";
import { Instance } from "../instance.js";
import type { SocketFactory } from "../socket.js";
import type { Keeper, Orphan } from "./keeper.js";

/** What a connection for work of a tab that is gone is made with. */
export interface AdoptionSettings {
  readonly module: WasmModule;
  readonly url: string;
  readonly document: string;
  /** Which of its merges are asked about, if any: those are left for a page to ask. */
  readonly rule: readonly [waitedMs: number, deletedPercent: number] | undefined;
  readonly socket: SocketFactory;
  token(): Promise<string>;
}

/** As long as such work may take to be settled, in milliseconds; then another page may try. */
const SETTLES_WITHIN_MS = 60_000;

/**
 * Sends the work of tabs that are gone, each by a client of its own, which is the one that made it:
 * so nothing of it is sent twice. What needs a person's decision is left for a page to show.
 */
export async function adopt(keeper: Keeper, settings: AdoptionSettings): Promise<void> {
  for await (const orphan of keeper.orphans()) {
    try {
      await settle(orphan, settings);
    } finally {
      orphan.release();
    }
  }
}

async function settle(orphan: Orphan, { module, url, document, rule, socket, token }: AdoptionSettings): Promise<void> {
  let over = (_settled: boolean): void => {};
  const settled = new Promise<boolean>((resolve) => void (over = resolve));
  let pending: number | undefined;
  const waits = () => (JSON.parse(engine.proposals(doc)) as unknown[]).length > 0;
  let loaded = false;
  let writes: Promise<unknown> = Promise.resolve();
  const hear = (event: EngineEvent) => {
    if (event.type === "load") {
      // Asked a second time, it is for another user's work.
      if (loaded || engine.loaded(event.doc, orphan.parts.base, orphan.parts.work, orphan.parts.ageMs) !== "") over(false);
      loaded = true;
    } else if (event.type === "store") {
      const [base, work] = [engine.take_base(), engine.take_work()];
      if (!work) return;
      writes = writes.then(() => orphan.store({ base, work, pending: event.pending })).then((ending) => engine.stored(event.doc, event.ticket, ending), () => over(false));
    } else if (event.type === "need_token") {
      token().then((value) => engine.token(value, false), () => engine.token_failed()).catch(() => over(false));
    } else if (event.type === "review" || event.type === "panic" || (event.type === "link" && event.state === "stopped") || (event.type === "closed" && !event.retry)) {
      over(false);
    } else if (event.type === "status") {
      ({ pending } = event.status);
      if (event.status.state !== "online") return;
      if (pending === 0) over(true);
      else if (waits()) over(false);
    }
  };
  const engine = new module.WasmClient(url, Object.assign((event: unknown) => hear(event as EngineEvent), { socket }), (callback) => (event) => {
    try {
      callback(event);
    } catch (cause) {
      // It is the end of the instance for all who live in it, and the work stays stored.
      Instance.of(module).fail(cause);
      over(false);
    }
  });
  const doc = engine.open_kept(document, "");
  if (rule) engine.set_review_rule(doc, ...rule);
  const timer = setTimeout(() => over(false), SETTLES_WITHIN_MS);
  try {
    engine.status(doc);
    if (pending === 0) over(true);
    else if (waits()) over(false);
    else engine.connect();
    if (await settled) await orphan.settled();
  } finally {
    clearTimeout(timer);
    engine.close();
    await writes.catch(() => {});
  }
}
