/**
 * Svelte 4 and 5: a shared document as stores.
 *
 * ```svelte
 * const notes = useDocument(client, "notes", { presence: { name: "Ada" } });
 * const text = textOf(notes);
 * const names = othersOf(notes, (others) => others.map(({ name }) => name));
 * …
 * <p>{$names.join()}: {$text}</p>
 * ```
 *
 * A store tells its subscribers only when what it selects has changed.
 * @packageDocumentation
 */
import { onDestroy } from "svelte";
import type { Client, OpenOptions } from "./client.js";
import type { Document } from "./document.js";
import { connectionOf as connection } from "./observed/connection.js";
import { membersOf, othersOf as others, statusOf as status, textOf as text, type DocumentStatus } from "./observed/document.js";
import type { Observed } from "./observed/observed.js";
import { sameShallow, selecting, type Select } from "./observed/select.js";
import { Shelf } from "./observed/shelf.js";
import { undoOf as undo, type Undo } from "./observed/undo.js";
import type { LinkStatus, Member } from "./state.js";

export type { DocumentStatus, Select, Undo };

/** A store that can be read: Svelte's own contract. */
export interface Store<Value> {
  /** Calls `run` now and at each change; the answer is a function that ends it. */
  subscribe(run: (value: Value) => void): () => void;
}

/** Opens a document until the component is destroyed, and then for as long as its work is pending. */
export function useDocument(client: Client, id: string, { presence }: OpenOptions = {}): Document {
  onDestroy(Shelf.of(client).use(id, presence));
  return Shelf.of(client).look(id);
}

/** The text, or what `select` chooses from it. Costs a copy of the text after each change. */
export const textOf: StoreOf<Document, string> = (document, select) => store(text(document), select);
/** State, watermarks, role and error, or what `select` chooses from them. */
export const statusOf: StoreOf<Document, DocumentStatus> = (document, select) => store(status(document), select);
/** Everybody who has the document open, this client included, or what `select` chooses from them. */
export const presenceOf: StoreOf<Document, readonly Member[]> = (document, select) => store(membersOf(document), select);
/** As {@link presenceOf}, without this client. */
export const othersOf: StoreOf<Document, readonly Member[]> = (document, select) => store(others(document), select);
/** Undo and redo, which stay the same functions, and whether there is something for them; or what `select` chooses from that. */
export const undoOf: StoreOf<Document, Undo> = (document, select) => store(undo(document), select);
/** How the connection stands, or what `select` chooses from that. */
export const connectionOf: StoreOf<Client, LinkStatus> = (client, select) => store(connection(client), select);

/** Makes a store of what a document or client has, or of what `select` chooses from it. */
export type StoreOf<Of, Value> = <Selection = Value>(of: Of, select?: Select<Value, Selection>) => Store<Selection>;

function store<Value, Selection>(observed: Observed<Value>, select?: Select<Value, Selection>): Store<Selection> {
  return {
    subscribe(run) {
      const chosen = selecting(select ?? ((value) => value as unknown as Selection), sameShallow);
      let last = chosen(observed.get());
      const end = observed.subscribe(() => {
        const next = chosen(observed.get());
        if (!Object.is(next, last)) run((last = next));
      });
      run((last = chosen(observed.get())));
      return end;
    },
  };
}
