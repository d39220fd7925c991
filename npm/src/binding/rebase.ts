import { componentLength, type Attributes, type Component, type Delta } from "../delta.js";

/**
 * Two changes of the same content, each as it is after the other: `mine` then the second
 * of the answer leads to the same as `theirs` then the first. Where both insert at one
 * place, theirs stands first; where both set an attribute, mine counts. Linear.
 */
export function rebase(mine: Delta, theirs: Delta): [mine: Delta, theirs: Delta] {
  return [carry(mine, theirs, true), carry(theirs, mine, false)];
}

/** The change with each insert before the deletes that it stands among, and without empty components. */
export function normalized(delta: Delta): Delta {
  const into: Component[] = [];
  for (const component of delta) push(into, component);
  return into;
}

function carry(delta: Delta, over: Delta, isMine: boolean): Delta {
  const into: Component[] = [];
  const ours = new Reader(normalized(delta));
  const others = new Reader(normalized(over));
  while (ours.head) {
    const [head, other] = [ours.head, others.head];
    if ("insert" in head && (!isMine || !other || !("insert" in other))) push(into, ours.take());
    else if (!other) push(into, ours.take());
    else if ("insert" in other) push(into, { retain: componentLength(others.take()) });
    else {
      const length = Math.min(componentLength(head), componentLength(other));
      const [kept, beside] = [ours.take(length), others.take(length)];
      // What the other has deleted is not there any more.
      if ("delete" in beside) continue;
      push(into, "retain" in kept && !isMine ? without(kept, beside.attributes) : kept);
    }
  }
  while (into.length > 0 && isPlainRetain(into.at(-1)!)) into.pop();
  return into;
}

/** A retain that leaves alone what the other side sets. */
function without(component: { readonly retain: number; readonly attributes?: Attributes }, set: Attributes | undefined): Component {
  if (!component.attributes || !set) return component;
  const left = Object.fromEntries(Object.entries(component.attributes).filter(([name]) => !(name in set)));
  return Object.keys(left).length > 0 ? { retain: component.retain, attributes: left } : { retain: component.retain };
}

function isPlainRetain(component: Component): boolean {
  return "retain" in component && !component.attributes;
}

function push(into: Component[], component: Component): void {
  if (componentLength(component) === 0) return;
  const last = into.at(-1);
  if (last && "delete" in last) {
    if ("delete" in component) return void (into[into.length - 1] = { delete: last.delete + component.delete });
    if ("insert" in component) {
      // One order for both ways to say the same, or ties would be broken in two ways.
      into.pop();
      push(into, component);
      return void into.push(last);
    }
  } else if (last && isPlainRetain(last) && isPlainRetain(component)) {
    return void (into[into.length - 1] = { retain: componentLength(last) + componentLength(component) });
  }
  into.push(component);
}

/** Reads a delta in pieces. */
class Reader {
  /** What is left of the component that is read; `undefined` behind the last. */
  head: Component | undefined;
  readonly #delta: Delta;
  #next = 1;

  constructor(delta: Delta) {
    this.#delta = delta;
    this.head = delta[0];
  }

  /** The whole head, or as much of its length. An insert is never parted. */
  take(length?: number): Component {
    const head = this.head!;
    const rest = length === undefined || "insert" in head ? 0 : componentLength(head) - length;
    if (rest > 0) {
      this.head = "delete" in head ? { delete: rest } : { ...head, retain: rest };
      return "delete" in head ? { delete: length! } : { ...head, retain: length! };
    }
    this.head = this.#delta[this.#next];
    this.#next += 1;
    return head;
  }
}
