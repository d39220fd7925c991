// The time that is spent in bindings and what stands behind them, told apart from the editor's own.
let spent = 0;
let depth = 0;

/** The function, its time counted. What it calls is part of it. */
export function timed(work) {
  if (typeof work !== "function") return work;
  return function (...words) {
    if (depth > 0) return work.apply(this, words);
    depth += 1;
    const before = performance.now();
    try {
      return traced("own", () => work.apply(this, words));
    } finally {
      spent += performance.now() - before;
      depth -= 1;
    }
  };
}

const traces = document.createElement("i");
let inside;
traces.addEventListener("own", () => inside());

/** Shows in the browser's trace, if there is one, when something happens, and how much of the processor it takes. */
export function traced(name, work) {
  if (!globalThis.isTraced) return work?.();
  let result;
  inside = () => (result = work());
  traces.dispatchEvent(new Event(name));
  return result;
}

/** Milliseconds since the last call. */
export function taken() {
  const time = spent;
  spent = 0;
  return time;
}

/** Has everything that listens to an object by these methods counted. */
export function timeListeners(object, methods, position = 0) {
  for (const name of methods) {
    const listen = object[name].bind(object);
    object[name] = (...words) => listen(...words.map((word, index) => (index === position ? timed(word) : word)));
  }
  return object;
}

const queue = globalThis.queueMicrotask.bind(globalThis);
globalThis.queueMicrotask = (work) => queue(timed(work));
