import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import type { Document } from "../document.js";
import { connectionOf, unconnected } from "../observed/connection.js";
import { absent, membersOf, othersOf, statusOf, textOf, type DocumentStatus } from "../observed/document.js";
import type { Observed } from "../observed/observed.js";
import { sameShallow, selecting, type IsEqual, type Select } from "../observed/select.js";
import { noUndo, undoOf, type Undo } from "../observed/undo.js";
import type { LinkStatus, Member } from "../state.js";
import { useClient } from "./provider.js";

const nobody: readonly Member[] = [];
const whole = <Value>(value: Value): Value => value;

/** The text of a document, or what `select` chooses from it. Costs a copy of the text after each change. */
export function useText(document: Document | null): string;
export function useText<Selection>(document: Document | null, select: Select<string, Selection>, isEqual?: IsEqual<Selection>): Selection;
export function useText(document: Document | null, select: Select<string, unknown> = whole, isEqual?: IsEqual<unknown>): unknown {
  return useSelected(document && textOf(document), "", select, isEqual);
}

/**
 * State, watermarks, role and error of a document, or what `select` chooses from them. Watermarks move with
 * every edit, so choose what is shown: `useStatus(document, ({ state }) => state)`.
 */
export function useStatus(document: Document | null): DocumentStatus;
export function useStatus<Selection>(document: Document | null, select: Select<DocumentStatus, Selection>, isEqual?: IsEqual<Selection>): Selection;
export function useStatus(document: Document | null, select: Select<DocumentStatus, unknown> = whole, isEqual?: IsEqual<unknown>): unknown {
  return useSelected(document && statusOf(document), absent, select, isEqual);
}

/**
 * Everybody who has the document open, this client included, or what `select` chooses from them. A member
 * that has not changed stays the same object.
 */
export function usePresence(document: Document | null): readonly Member[];
export function usePresence<Selection>(document: Document | null, select: Select<readonly Member[], Selection>, isEqual?: IsEqual<Selection>): Selection;
export function usePresence(document: Document | null, select: Select<readonly Member[], unknown> = whole, isEqual?: IsEqual<unknown>): unknown {
  return useSelected(document && membersOf(document), nobody, select, isEqual);
}

/** As {@link usePresence}, without this client. */
export function useOthers(document: Document | null): readonly Member[];
export function useOthers<Selection>(document: Document | null, select: Select<readonly Member[], Selection>, isEqual?: IsEqual<Selection>): Selection;
export function useOthers(document: Document | null, select: Select<readonly Member[], unknown> = whole, isEqual?: IsEqual<unknown>): unknown {
  return useSelected(document && othersOf(document), nobody, select, isEqual);
}

/**
 * Undo and redo of a document, or what `select` chooses from them. A component renders again only when there
 * begins or ceases to be something to take back; the functions stay the same for a document:
 *
 * ```jsx
 * const { undo, redo, canUndo, canRedo } = useUndo(notes);
 * return <><button disabled={!canUndo} onClick={undo}>Undo</button><button disabled={!canRedo} onClick={redo}>Redo</button></>;
 * ```
 */
export function useUndo(document: Document | null): Undo;
export function useUndo<Selection>(document: Document | null, select: Select<Undo, Selection>, isEqual?: IsEqual<Selection>): Selection;
export function useUndo(document: Document | null, select: Select<Undo, unknown> = whole, isEqual?: IsEqual<unknown>): unknown {
  return useSelected(document && undoOf(document), noUndo, select, isEqual);
}

/** How the connection of the provider around stands, or what `select` chooses from that. */
export function useConnection(): LinkStatus;
export function useConnection<Selection>(select: Select<LinkStatus, Selection>, isEqual?: IsEqual<Selection>): Selection;
export function useConnection(select: Select<LinkStatus, unknown> = whole, isEqual?: IsEqual<unknown>): unknown {
  const client = useClient();
  return useSelected(client && connectionOf(client), unconnected, select, isEqual);
}

/** What `select` chooses, the same object as long as it is equal: by default, if it has the same things in it. */
function useSelected<Value, Selection>(
  observed: Observed<Value> | null, empty: Value, select: Select<Value, Selection>, isEqual: IsEqual<Selection> = sameShallow,
): Selection {
  const last = useRef<{ readonly selection: Selection } | undefined>(undefined);
  const [get, getEmpty] = useMemo(() => {
    const chosen = selecting(select, isEqual, last.current);
    const first = selecting(select, isEqual);
    return [() => chosen(observed ? observed.get() : empty), () => first(empty)] as const;
  }, [observed, empty, select, isEqual]);
  const selection = useSyncExternalStore(observed?.subscribe ?? unmoved, get, getEmpty);
  useEffect(() => {
    last.current = { selection };
  }, [selection]);
  return selection;
}

const unmoved = () => () => {};
