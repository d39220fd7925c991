// One person at one document: a client of its own, its network, an editor and a status line.
import { connect } from "cowrite";
import { Inspector } from "cowrite/inspector";
import { memberColor } from "cowrite/textarea";
import { kindOf, kinds, welcomeText } from "./kinds.js";
import { bindNetwork } from "./network.js";
import { showProposals } from "./proposals.js";
import { StatusLine } from "./status.js";
import { toast } from "./toast.js";

/** A pane of the page. `first` is the one whose document the page's title and list of people are about. */
export class Pane {
  /** The connection, and who watches it. */
  client;
  inspector = new Inspector();
  /** The document that is shown. */
  shared = null;
  /** Called when something of the document has changed that is shown elsewhere on the page. */
  onChange = () => {};
  #element;
  #parts;
  #first;
  #name;
  #status;
  /** What must end when another document takes its place. */
  #endings = [];
  #editor = Promise.resolve(null);

  constructor({ user, name, first }) {
    this.#first = first;
    this.#name = name;
    this.#element = document.getElementById("pane").content.firstElementChild.cloneNode(true);
    this.#parts = Object.fromEntries([...this.#element.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    // The first has names that scripts and tests find it by.
    if (first) for (const [id, part] of Object.entries(this.#parts)) part.id = id;
    this.#element.setAttribute("aria-label", first ? "You" : "Second person");
    // In developer mode a token is a name, and the server believes it.
    this.client = connect("/v1/socket", { token: () => `dev:${user}`, socket: this.inspector.socket });
    this.#status = new StatusLine(this.client, this.#parts.status, this.#parts.announcement);
    bindNetwork(this.#element, this.inspector, () => this.client.wake());
    this.#parts.dot.style.background = this.color = memberColor({ user, state: {} });
    this.name = name;
  }

  get element() {
    return this.#element;
  }

  get name() {
    return this.#name;
  }

  set name(name) {
    this.#name = name;
    this.#parts.person.textContent = this.#first ? `${name} (you)` : name;
    this.shared?.setPresence({ name });
  }

  /** Shows a document in place of the one before. */
  show(id) {
    this.leave();
    const shared = (this.shared = this.client.open(id, { presence: { name: this.#name } }));
    const refresh = () => {
      this.#parts["read-only"].hidden = shared.role === null || !shared.readOnly || shared.error !== null;
      this.onChange("people");
    };
    const proposals = () => showProposals(this.#parts.proposals, shared);
    const count = atLeisure(() => {
      if (this.shared !== shared) return;
      this.#parts.count.textContent = `${shared.length.toLocaleString("en")} characters`;
      this.onChange("text");
    });
    this.#endings = [
      shared.on("opened", () => (refresh(), count(), proposals())),
      shared.on("presence", refresh),
      shared.on("change", count),
      shared.on("status", () => this.onChange("status")),
      shared.on("rejected", ({ error }) => toast(`An edit was refused and taken back. ${error.message} ${error.whatToDo}`)),
      shared.on("proposal", proposals),
      shared.on("settled", proposals),
      shared.on("merged", ({ replaced, of }) => replaced * 2 > of && toast("Much has changed while you were away. Please look at what became of your edits.")),
      shared.on("closed", refresh),
    ];
    this.#status.follow(shared);
    this.#parts.count.textContent = "";
    refresh();
    proposals();
    this.#editor = this.#mount(shared);
    void shared.ready.then(() => this.#welcome(shared), () => {});
  }

  /** Ends what is shown. What still waits for the server is waited for; closing at once would give it up. */
  leave() {
    for (const end of this.#endings.splice(0)) end();
    void this.#editor.then((editor) => editor?.destroy());
    const left = this.shared;
    this.shared = null;
    return left?.whenAccepted().catch(() => {}).finally(() => left.close());
  }

  /** Ends the pane and its connection. */
  async end() {
    this.inspector.offline = false;
    this.client.wake();
    this.#element.remove();
    await this.leave();
    this.client.close();
  }

  async #mount(shared) {
    const before = this.#editor;
    const host = this.#parts.paper;
    try {
      const [{ mount }] = await Promise.all([kinds[kindOf(shared.id)].editor(), before]);
      if (this.shared !== shared) return null;
      host.dataset.kind = kindOf(shared.id);
      const editor = mount(host, shared, { id: this.#first ? "editor" : null, onError: (error) => toast(`${error.message} ${error.whatToDo}`) });
      if (this.#first) void shared.ready.then(() => this.shared === shared && editor.focus(), () => {});
      return editor;
    } catch (error) {
      console.error(error);
      toast("This editor could not be loaded. `cargo xtask demo` builds it.");
      return null;
    }
  }

  /** Whoever comes first to a document that everybody meets in finds something to try. */
  #welcome(shared) {
    const text = this.#first && welcomeText(shared.id);
    if (text && shared.status.version === 0 && shared.length === 0 && !shared.readOnly) shared.withoutUndo(() => shared.apply(text));
  }
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
