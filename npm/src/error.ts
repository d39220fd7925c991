import { errorTable } from "./error-table.js";

/**
 * The one error of this package. `code` is stable and for programs; `message` and
 * `whatToDo` are English sentences for people and may change.
 */
export class CowriteError extends Error {
  /** What happened, such as `"read_only"`; docs/errors.md has all of them. */
  readonly code: string;
  /** Whether the same may work later without anything being changed. */
  readonly retryable: boolean;
  /** What the application, its user or the operator can do about it. */
  readonly whatToDo: string;

  constructor(code: string, options?: ErrorOptions) {
    const [message, whatToDo, retryable] = errorTable[code] ?? ["Unknown error: " + code + ".", "Update this package.", 0];
    super(message, options);
    this.name = "CowriteError";
    this.code = code;
    this.whatToDo = whatToDo;
    this.retryable = !!retryable;
  }
}

/**
 * The error behind something that was thrown: the engine throws its codes as strings.
 * `null` where it was none of ours, so that the module itself must have failed.
 */
export function errorOf(thrown: unknown): CowriteError | null {
  if (thrown instanceof CowriteError) return thrown;
  if (typeof thrown === "string") return new CowriteError(thrown);
  return thrown instanceof Error && thrown.message in errorTable ? new CowriteError(thrown.message, { cause: thrown }) : null;
}
