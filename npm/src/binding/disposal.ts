import { report } from "../emitter.js";

/** What has to be undone at the end, such as listeners and decorations. */
export class Disposal {
  #steps: (() => void)[] = [];
  #done = false;

  /** Whether the end has come. */
  get done(): boolean {
    return this.#done;
  }

  /** Has `step` called at the end; at once, where that has come already. */
  add(...steps: (() => void)[]): void {
    if (this.#done) steps.forEach(attempt);
    else this.#steps.push(...steps);
  }

  /** Listens to a DOM event until the end. */
  listen(target: EventTarget, type: string, listener: (event: Event) => void): void {
    target.addEventListener(type, listener);
    this.add(() => target.removeEventListener(type, listener));
  }

  /** Takes the steps, last first, each once; one that fails is reported and stops none of the others. */
  dispose(): void {
    this.#done = true;
    for (const step of this.#steps.splice(0).reverse()) attempt(step);
  }
}

function attempt(step: () => void): void {
  try {
    step();
  } catch (error) {
    report(error);
  }
}
