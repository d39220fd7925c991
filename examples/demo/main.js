// The page: a document named by the address's hash, one or two people at it, and what they say to the server.
import { Identity } from "./identity.js";
import { kindOf, kinds, welcomeOf } from "./kinds.js";
import { Pane } from "./pane.js";
import { showPeople } from "./people.js";
import { RecentDocuments } from "./recent.js";
import { writeText } from "./sample-text.js";
import { toast } from "./toast.js";
import { Wire } from "./wire.js";

const element = (id) => document.getElementById(id);
const identity = new Identity(element("name"));
const recent = new RecentDocuments(element("recent"));
const wire = new Wire({ section: element("inspector"), lanes: element("lanes"), frames: element("frames") });
const first = new Pane({ user: identity.user, name: identity.name, first: true });
/** The second person, while there is one. */
let second = null;

element("panes").append(first.element);
wire.join(first);
first.onChange = (what) => {
  const { shared } = first;
  if (what === "status") wire.count();
  if (what === "people") showPeople(element("people"), shared.members);
  if (what === "text") {
    const title = titleOf(shared.text) || shared.id;
    element("title").textContent = title;
    document.title = `${title} – Cowrite`;
    recent.opened(shared.id, title);
  }
};

addEventListener("hashchange", () => show(idInAddress()));
element("new-document").addEventListener("click", () => goTo(newId(kinds[kindOf(first.shared.id)].prefix, "note")));
element("load-text").addEventListener("click", () => {
  goTo(newId("", "long-text"));
  const { shared } = first;
  void shared.ready.then(() => first.shared === shared && shared.insert(0, writeText(100_000)));
});
element("share").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    toast("The link is copied. Whoever opens it writes along.");
  } catch {
    toast(location.href);
  }
});
element("toggle-side").addEventListener("click", () => showSide(!element("side").classList.contains("open")));
identity.onChange = (name) => {
  first.name = name;
  wire.count();
};

for (const [kind, { label }] of Object.entries(kinds)) {
  const link = document.createElement("a");
  link.dataset.kind = kind;
  link.textContent = label;
  element("kinds").append(link);
}

remembered("cowrite.second", element("toggle-second"), innerWidth >= 1_200, showSecond);
remembered("cowrite.inspector", element("toggle-inspector"), innerWidth >= 760 && innerHeight >= 700, (on) => wire.show(on));
element("pause").addEventListener("click", (event) => {
  wire.paused = !wire.paused;
  event.target.setAttribute("aria-pressed", String(wire.paused));
});
element("clear").addEventListener("click", () => wire.clear());
element("show-presence").addEventListener("change", ({ target }) => element("inspector").classList.toggle("no-presence", !target.checked));

show(idInAddress());

// For the browser's console, and for tests.
globalThis.demo = {
  get client() {
    return first.client;
  },
  get document() {
    return first.shared;
  },
  get panes() {
    return second ? [first, second] : [first];
  },
};

function show(id) {
  if (first.shared?.id === id) return;
  showSide(false);
  element("title").textContent = id;
  first.show(id);
  second?.show(id);
  recent.opened(id, "");
  for (const link of element("kinds").children) {
    const { kind } = link.dataset;
    const here = kind === kindOf(id);
    link.href = `#${here ? id : recent.lastOf(kind) ?? welcomeOf(kind)}`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function showSecond(on) {
  element("panes").classList.toggle("two", on);
  if (on && !second) {
    second = new Pane({ user: `${identity.user}-2`, name: identity.second, first: false });
    second.onChange = (what) => what === "status" && wire.count();
    element("panes").append(second.element);
    wire.join(second);
    if (first.shared) second.show(first.shared.id);
  } else if (!on && second) {
    wire.part(second);
    void second.end();
    second = null;
  }
}

/** A button that stays pressed, and is found so the next time. */
function remembered(key, button, otherwise, act) {
  const set = (on) => {
    button.setAttribute("aria-pressed", String(on));
    act(on);
  };
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    localStorage.setItem(key, on ? "on" : "off");
    set(on);
  });
  set(localStorage.getItem(key) ? localStorage.getItem(key) === "on" : otherwise);
}

function goTo(id) {
  location.hash = id;
  show(id);
}

function idInAddress() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id) return id;
  const fallback = recent.last ?? welcomeOf("plain");
  history.replaceState(null, "", `#${fallback}`);
  return fallback;
}

function newId(prefix, name) {
  const random = crypto.getRandomValues(new Uint8Array(5));
  return `${prefix}${name}-${Array.from(random, (byte) => (byte % 36).toString(36)).join("")}`;
}

/** The first words, without the marks of a comment. */
function titleOf(text) {
  return text.slice(0, 400).replace(/^[\s/#*]+/, "").split("\n", 1)[0].slice(0, 60).trim();
}

function showSide(open) {
  element("side").classList.toggle("open", open);
  element("toggle-side").setAttribute("aria-expanded", String(open));
}
