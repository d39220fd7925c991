// The documents that this browser has opened, the last one first.

import { kindOf, kinds } from "./kinds.js";

const KEY = "cowrite.recent";
const MOST_KEPT = 30;

/** The list at the side. */
export class RecentDocuments {
  #list;
  #entries = read();
  #shown = null;

  constructor(list) {
    this.#list = list;
    // Another window may have opened others.
    addEventListener("storage", (event) => event.key === KEY && ((this.#entries = read()), this.#draw()));
    this.#draw();
  }

  /** Id of the document that was opened last. */
  get last() {
    return this.#entries[0]?.id;
  }

  /** Id of the document of that kind that was opened last. */
  lastOf(kind) {
    return this.#entries.find(({ id }) => kindOf(id) === kind)?.id;
  }

  /** A document is shown now; `title` is empty as long as its text is not there. */
  opened(id, title) {
    this.#shown = id;
    const known = this.#entries.find((entry) => entry.id === id);
    if (known && (known.title === title || title === "") && this.#entries[0] === known) return this.#draw();
    this.#entries = [{ id, title: title || known?.title || id }, ...this.#entries.filter((entry) => entry !== known)].slice(0, MOST_KEPT);
    localStorage.setItem(KEY, JSON.stringify(this.#entries));
    this.#draw();
  }

  #draw() {
    this.#list.replaceChildren(...this.#entries.map(({ id, title }) => {
      const link = document.createElement("a");
      link.href = `#${encodeURIComponent(id)}`;
      link.textContent = title;
      const small = document.createElement("small");
      small.textContent = id === title ? kinds[kindOf(id)].label : `${kinds[kindOf(id)].label} · ${id.slice(kinds[kindOf(id)].prefix.length)}`;
      link.append(small);
      if (id === this.#shown) link.setAttribute("aria-current", "page");
      const item = document.createElement("li");
      item.append(link);
      return item;
    }));
  }
}

function read() {
  try {
    const entries = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(entries) ? entries.filter((entry) => typeof entry?.id === "string" && typeof entry.title === "string") : [];
  } catch {
    return [];
  }
}
