/**
 * Vue 3: a shared document as refs, in `setup` or any effect scope.
 *
 * ```js
 * const notes = useDocument(client, "notes", { presence: { name: "Ada" } });
 * const text = useText(notes);
 * const names = useOthers(notes, (others) => others.map(({ name }) => name));
 * ```
 *
 * Everything ends with the scope. A ref changes only when what it selects does.
 * @packageDocumentation
 */
import { onScopeDispose, shallowRef, type ShallowRef } from "vue";
import type { Client, OpenOptions } from "./client.js";
import type { Document } from "./document.js";
import { connectionOf } from "./observed/connection.js";
import { membersOf, othersOf, statusOf, textOf, type DocumentStatus } from "./observed/document.js";
import type { Observed } from "./observed/observed.js";
import { sameShallow, selecting, type Select } from "./observed/select.js";
import { Shelf } from "./observed/shelf.js";
import { undoOf, type Undo } from "./observed/undo.js";
import type { LinkStatus, Member } from "./state.js";

export type { DocumentStatus, Select, Undo };

/** Opens a document until the scope ends, and then for as long as its work is pending. */
export function useDocument(client: Client, id: string, { presence }: OpenOptions = {}): Document {
  onScopeDispose(Shelf.of(client).use(id, presence));
  return Shelf.of(client).look(id);
}

/** The text, or what `select` chooses from it. Costs a copy of the text after each change. */
export const useText: Use<Document, string> = (document, select) => useObserved(textOf(document), select);
/** State, watermarks, role and error, or what `select` chooses from them. */
export const useStatus: Use<Document, DocumentStatus> = (document, select) => useObserved(statusOf(document), select);
/** Everybody who has the document open, this client included, or what `select` chooses from them. */
export const usePresence: Use<Document, readonly Member[]> = (document, select) => useObserved(membersOf(document), select);
/** As {@link usePresence}, without this client. */
export const useOthers: Use<Document, readonly Member[]> = (document, select) => useObserved(othersOf(document), select);
/** Undo and redo, which stay the same functions, and whether there is something for them; or what `select` chooses from that. */
export const useUndo: Use<Document, Undo> = (document, select) => useObserved(undoOf(document), select);
/** How the connection stands, or what `select` chooses from that. */
export const useConnection: Use<Client, LinkStatus> = (client, select) => useObserved(connectionOf(client), select);

/** Makes a ref of what a document or client has, or of what `select` chooses from it. */
export type Use<Of, Value> = <Selection = Value>(of: Of, select?: Select<Value, Selection>) => Readonly<ShallowRef<Selection>>;

function useObserved<Value, Selection>(observed: Observed<Value>, select?: Select<Value, Selection>): Readonly<ShallowRef<Selection>> {
  const chosen = selecting(select ?? ((value) => value as unknown as Selection), sameShallow);
  const ref = shallowRef(chosen(observed.get()));
  onScopeDispose(observed.subscribe(() => (ref.value = chosen(observed.get()))));
  return ref;
}
