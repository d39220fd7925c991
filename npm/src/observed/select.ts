/** Chooses from a value what somebody wants to know of it. */
export type Select<Value, Selection> = (value: Value) => Selection;

/** Whether two selections are the same to who selects. */
export type IsEqual<Selection> = (a: Selection, b: Selection) => boolean;

/** Whether two values are the same, or lists or plain objects of the same things. */
export function sameShallow(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && Object.is(a[key], b[key]));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}

/** A selection that keeps its identity as long as it is equal to the one before; `kept` is one to begin with. */
export function selecting<Value, Selection>(
  select: Select<Value, Selection>, isEqual: IsEqual<Selection>, kept?: { readonly selection: Selection } | undefined,
): (value: Value) => Selection {
  let last: { value?: Value; selection: Selection } | undefined = kept;
  return (value) => {
    if (last && "value" in last && Object.is(last.value, value)) return last.selection;
    const selection = select(value);
    last = { value, selection: last && isEqual(last.selection, selection) ? last.selection : selection };
    return last.selection;
  };
}
