// The page: one connection, one document at a time, named by the address's hash.
import { connect } from "/cowrite/index.js";
import { bindTextarea } from "/cowrite/textarea.js";
import { Identity } from "./identity.js";
import { showPeople } from "./people.js";
import { showProposals } from "./proposals.js";
import { RecentDocuments } from "./recent.js";
import { StatusLine } from "./status.js";
import { toast } from "./toast.js";
import { writeText } from "./sample-text.js";

const element = (id) => document.getElementById(id);
const editor = element("editor");
const identity = new Identity(element("name"));
const recent = new RecentDocuments(element("recent"));
// In developer mode a token is a name, and the server believes it.
const client = connect("/v1/socket", { token: () => `dev:${identity.user}` });
const statusLine = new StatusLine(client, element("status"), element("announcement"));

/** The document on the page, with what must end when another takes its place. */
let current;

addEventListener("hashchange", () => show(idInAddress()));
element("new-document").addEventListener("click", () => goTo(newId()));
element("load-text").addEventListener("click", () => {
  const id = newId("long-text");
  goTo(id);
  void current.shared.ready.then(() => current.shared.id === id && current.shared.insert(0, writeText(100_000)));
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
identity.onChange = (name) => current?.shared.setPresence({ name });

show(idInAddress());

// For the browser's console, and for tests.
globalThis.demo = {
  client,
  get document() {
    return current.shared;
  },
};

function show(id) {
  if (current?.shared.id === id) return;
  current?.leave();
  showSide(false);
  const shared = client.open(id, { presence: { name: identity.name } });
  const binding = bindTextarea(editor, shared, { cursors: true, onError: (error) => toast(`${error.message} ${error.whatToDo}`) });
  const refresh = () => {
    showPeople(element("people"), shared.members);
    element("read-only").hidden = shared.role === null || !shared.readOnly || shared.error !== null;
  };
  const endings = [
    shared.on("opened", () => (refresh(), count(), proposals())),
    shared.on("presence", refresh),
    shared.on("change", () => count()),
    shared.on("rejected", ({ error }) => toast(`An edit was refused and taken back. ${error.message} ${error.whatToDo}`)),
    shared.on("proposal", () => proposals()),
    shared.on("settled", () => proposals()),
    shared.on("merged", ({ replaced, of }) => replaced * 2 > of && toast("Much has changed while you were away. Please look at what became of your edits.")),
    shared.on("closed", refresh),
  ];
  const count = atLeisure(() => {
    if (current?.shared !== shared) return;
    const title = firstLine(shared.text) || id;
    element("title").textContent = title;
    document.title = `${title} – Cowrite`;
    element("count").textContent = `${shared.length.toLocaleString("en")} characters`;
    recent.opened(id, title);
  });
  const proposals = () => showProposals(element("proposals"), shared);
  current = {
    shared,
    leave() {
      binding.destroy();
      for (const end of endings) end();
      // What still waits for the server is waited for; closing would give it up.
      shared.whenAccepted().catch(() => {}).finally(() => shared.close());
    },
  };
  statusLine.follow(shared);
  element("title").textContent = id;
  recent.opened(id, "");
  refresh();
  proposals();
  void shared.ready.then(() => current.shared === shared && editor.focus({ preventScroll: true }), () => {});
}

function goTo(id) {
  location.hash = id;
  show(id);
}

function idInAddress() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id) return id;
  const fallback = recent.last ?? "welcome";
  history.replaceState(null, "", `#${fallback}`);
  return fallback;
}

function newId(prefix = "note") {
  const random = crypto.getRandomValues(new Uint8Array(5));
  return `${prefix}-${Array.from(random, (byte) => (byte % 36).toString(36)).join("")}`;
}

function firstLine(text) {
  return text.slice(0, 400).trimStart().split("\n", 1)[0].slice(0, 60).trim();
}

function showSide(open) {
  element("side").classList.toggle("open", open);
  element("toggle-side").setAttribute("aria-expanded", String(open));
}

/** Runs a task once the page has time, however often it is asked for. */
function atLeisure(task) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      task();
    }, 200);
  };
}
