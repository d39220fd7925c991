import { componentLength, type Attributes, type Component, type Delta } from "../delta.js";

/** Walks a delta piece by piece, splitting components where asked. Behind its end everything is retained. */
export class DeltaIterator {
  readonly #delta: Delta;
  #index = 0;
  #offset = 0;

  constructor(delta: Delta) {
    this.#delta = delta;
  }

  /** Whether the delta says something still. */
  get more(): boolean {
    return this.#index < this.#delta.length;
  }

  /** The component at hand, whole; `undefined` behind the end. */
  get current(): Component | undefined {
    return this.#delta[this.#index];
  }

  /** How much is left of the component at hand; infinite behind the end. */
  get left(): number {
    const component = this.current;
    return component ? componentLength(component) - this.#offset : Infinity;
  }

  /** Takes `length` units, at most {@link left}, or all that is left. */
  take(length: number = this.left): Component {
    const component = this.current;
    if (!component) return { retain: length };
    const from = this.#offset;
    if (length < this.left) this.#offset += length;
    else {
      this.#index += 1;
      this.#offset = 0;
    }
    if ("delete" in component) return { delete: length };
    const attributes = component.attributes ? { attributes: component.attributes } : {};
    if ("retain" in component) return { retain: length, ...attributes };
    return { insert: typeof component.insert === "string" ? component.insert.slice(from, from + length) : component.insert, ...attributes };
  }
}

/** Collects components in normal form: neighbours merged, an insert before a delete, no plain retain at the end. */
export class DeltaBuilder {
  readonly #delta: Component[] = [];

  /** Adds a component behind the others. */
  push(component: Component): this {
    if (componentLength(component) === 0) return this;
    if ("attributes" in component && component.attributes && Object.keys(component.attributes).length === 0) {
      const { attributes: _, ...plain } = component;
      return this.push(plain);
    }
    const last = this.#delta.at(-1);
    if ("insert" in component && last && "delete" in last) {
      // At one place the insert goes first.
      this.#delta.pop();
      return this.push(component).push(last);
    }
    const merged = last && join(last, component);
    if (merged) this.#delta[this.#delta.length - 1] = merged;
    else this.#delta.push(component);
    return this;
  }

  retain(length: number, attributes?: Attributes | null): this {
    return this.push({ retain: length, ...(attributes && Object.keys(attributes).length > 0 ? { attributes } : {}) });
  }

  insert(insert: string | Readonly<Record<string, unknown>>, attributes?: Attributes | null): this {
    return this.push({ insert, ...(attributes && Object.keys(attributes).length > 0 ? { attributes } : {}) });
  }

  delete(length: number): this {
    return this.push({ delete: length });
  }

  /** The delta, in normal form. */
  finish(): Delta {
    const last = this.#delta.at(-1);
    if (last && "retain" in last && !last.attributes) this.#delta.pop();
    return this.#delta;
  }
}

function join(a: Component, b: Component): Component | null {
  if ("delete" in a && "delete" in b) return { delete: a.delete + b.delete };
  if ("delete" in a || "delete" in b || !sameJson(a.attributes ?? {}, b.attributes ?? {})) return null;
  if ("retain" in a && "retain" in b) return { ...a, retain: a.retain + b.retain };
  if ("insert" in a && "insert" in b && typeof a.insert === "string" && typeof b.insert === "string") return { ...a, insert: a.insert + b.insert };
  return null;
}

/** Whether two values are the same JSON, whatever the order of keys. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length
    && keys.every((key) => Object.hasOwn(b, key) && sameJson((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}
