// The status line: what has reached the server and what has not, in one sentence that is always true.

/** How long an edit is on its way before the line counts what waits, in milliseconds. */
const PATIENCE_MS = 800;

/** The status line of the document that is shown. */
export class StatusLine {
  #client;
  #line;
  #announcement;
  #shared = null;
  #endings = [];
  #pendingSince = null;
  #timer = 0;
  #announced = "";

  constructor(client, line, announcement) {
    this.#client = client;
    this.#line = line;
    this.#announcement = announcement;
    client.on("status", () => this.#draw());
  }

  /** From now on tells of this document. */
  follow(shared) {
    for (const end of this.#endings) end();
    this.#shared = shared;
    this.#pendingSince = null;
    this.#endings = ["status", "opened", "closed"].map((event) => shared.on(event, () => this.#draw()));
    this.#draw();
  }

  #draw() {
    clearTimeout(this.#timer);
    if (!this.#shared) return;
    const now = Date.now();
    if (this.#shared.status.pending === 0) this.#pendingSince = null;
    else this.#pendingSince ??= now;
    const { tone, text, again } = describe({
      link: this.#client.status,
      status: this.#shared.status,
      error: this.#shared.error,
      loaded: this.#shared.role !== null,
      waitedMs: this.#pendingSince === null ? 0 : now - this.#pendingSince,
      now,
    });
    this.#line.dataset.tone = tone;
    this.#line.lastElementChild.textContent = text;
    this.#announce(tone, text);
    if (again) this.#timer = setTimeout(() => this.#draw(), again);
  }

  /** A screen reader hears of what went wrong and of its end, not of every letter. */
  #announce(tone, text) {
    const said = tone === "bad" ? text.replace(/\d+ s\b/, "a moment") : this.#announced && tone === "good" ? "connected, saved" : "";
    if (!said || said === this.#announced) return;
    this.#announced = said;
    this.#announcement.textContent = said;
  }
}

/**
 * The sentence. `again` is when it should be made anew although nothing happened, in
 * milliseconds; 0 is never.
 */
export function describe({ link, status, error, loaded, waitedMs, now }) {
  const { pending } = status;
  const waiting = pending === 1 ? "1 edit waiting" : `${pending} edits waiting`;
  const and = pending > 0 ? ` · ${waiting}` : "";
  if (error) return { tone: "bad", text: `${error.message} ${error.whatToDo}${and}`, again: 0 };
  if (link.state === "stopped") return { tone: "bad", text: `${link.error?.message ?? "The connection is closed."} ${link.error?.whatToDo ?? ""}${and}`, again: 0 };
  if (link.state === "offline" || status.state === "offline") {
    if (link.retryAt === null) return { tone: "bad", text: `offline${and}`, again: 0 };
    const seconds = Math.ceil((link.retryAt - now) / 1000);
    return seconds > 0
      ? { tone: "bad", text: `offline, retrying in ${seconds} s${and}`, again: 250 }
      : { tone: "bad", text: `offline, retrying${and}`, again: 0 };
  }
  if (link.state === "connecting" || status.state === "connecting" || !loaded) return { tone: "busy", text: `connecting…${and}`, again: 0 };
  if (status.state === "stalled") return { tone: "bad", text: `the server's storage does not answer${and}`, again: 0 };
  if (pending > 0 && waitedMs < PATIENCE_MS) return { tone: "good", text: "saving…", again: PATIENCE_MS - waitedMs };
  if (pending > 0) return { tone: "busy", text: waiting, again: 0 };
  if (status.durable === null) return { tone: "good", text: "received by the server, which keeps it in memory only", again: 0 };
  if (status.durable < status.accepted) return { tone: "good", text: "received by the server, not durable yet", again: 0 };
  return { tone: "good", text: "saved", again: 0 };
}
