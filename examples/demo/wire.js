// The inspector: how far each person's edits have come, and every frame between them and the server.
import { describeFrame, topicOf } from "./frame-text.js";

const MOST_ROWS = 120;
const counters = [
  ["local", "edits made here"],
  ["buffer", "edits that wait behind the one operation on its way"],
  ["in flight", "edits that the operation on its way holds"],
  ["accepted", "edits that the server has answered"],
  ["durable", "edits that survive a failure of the server’s machine"],
  ["version", "version of the document that this client stands at"],
];

/** The panel with its lanes: one person at the left, the server, and the second person at the right. */
export class Wire {
  /** Whether new frames are left out. */
  paused = false;
  #section;
  #head;
  #list;
  #panes = [];
  #endings = new Map();
  /** Rows by pane and frame, for what is still under way. */
  #rows = new Map();
  /** When each submit left, by pane and client_seq. */
  #sent = new Map();
  #waiting = [];

  constructor({ section, lanes, frames }) {
    this.#section = section;
    this.#head = lanes;
    this.#list = frames;
  }

  /** Shows or hides the panel. Frames that pass meanwhile are not shown later. */
  show(on) {
    this.#section.hidden = !on;
    this.count();
  }

  /** Shows another person's frames too. */
  join(pane) {
    this.#panes.push(pane);
    const ends = [
      pane.inspector.on("frame", (frame) => this.#pass(pane, frame)),
      pane.inspector.on("settled", (frame) => this.#settle(pane, frame)),
      pane.inspector.on("network", () => this.count()),
    ];
    this.#endings.set(pane, ends);
    this.#layOut();
  }

  /** Shows this person's frames no more. */
  part(pane) {
    for (const end of this.#endings.get(pane) ?? []) end();
    this.#panes = this.#panes.filter((other) => other !== pane);
    this.clear();
    this.#layOut();
  }

  clear() {
    this.#waiting = [];
    this.#rows.clear();
    this.#sent.clear();
    this.#list.replaceChildren();
  }

  /** The counters as they stand. */
  count() {
    if (this.#section.hidden) return;
    for (const [lane, pane] of this.#panes.entries()) {
      const head = this.#head.querySelector(`[data-lane="${lane}"]`);
      head.classList.toggle("cut", !pane.inspector.connected);
      head.querySelector(".lane-name").textContent = pane.name;
      if (!pane.shared) continue;
      const { local, accepted, durable, pending, inFlight, version } = pane.shared.status;
      const values = { local, buffer: pending - inFlight, "in flight": inFlight, accepted, durable: durable ?? "–", version };
      for (const [name] of counters) {
        const cell = head.querySelector(`[data-counter="${name}"]`);
        cell.textContent = values[name];
        cell.parentElement.classList.toggle("busy", (name === "buffer" || name === "in flight") && values[name] > 0);
      }
    }
  }

  #layOut() {
    const lanes = this.#panes.map((pane, lane) => {
      const head = made("div", "lane");
      head.dataset.lane = lane;
      const dot = made("i", "");
      dot.style.background = pane.color;
      const name = made("p", "lane-title");
      name.append(dot, made("span", "lane-name", pane.name));
      const list = made("dl", "counters");
      list.append(...counters.map(([counter, meaning]) => {
        const cell = made("div", "");
        cell.title = meaning;
        const value = made("dd", "", "0");
        value.dataset.counter = counter;
        cell.append(made("dt", "", counter), value);
        return cell;
      }));
      head.append(name, list);
      return head;
    });
    const server = made("p", "server", "Server");
    this.#head.replaceChildren(made("span", "time"), lanes[0] ?? "", server, ...lanes.slice(1));
    this.#section.classList.toggle("two", lanes.length > 1);
    this.count();
  }

  #pass(pane, frame) {
    const seq = `${this.#panes.indexOf(pane)} ${frame.fields.seq}`;
    if (frame.kind.startsWith("Submit")) this.#sent.set(seq, performance.now());
    if (this.#section.hidden || this.paused) return;
    this.#waiting.push([pane, frame]);
    // Many may come at once; they are drawn when the browser draws.
    if (this.#waiting.length === 1) requestAnimationFrame(() => this.#draw());
    else if (this.#waiting.length > MOST_ROWS) this.#waiting.shift();
  }

  #draw() {
    const rows = this.#waiting.splice(0).map(([pane, frame]) => this.#row(pane, frame));
    this.#list.prepend(...rows.reverse());
    while (this.#list.children.length > MOST_ROWS) this.#list.lastElementChild.remove();
  }

  #settle(pane, frame) {
    const lane = this.#panes.indexOf(pane);
    let took = null;
    if (frame.kind === "Ack") {
      const sent = this.#sent.get(`${lane} ${frame.fields.seq}`);
      this.#sent.delete(`${lane} ${frame.fields.seq}`);
      if (sent !== undefined) took = Math.round(performance.now() - sent);
    }
    frame.took = took;
    const row = this.#rows.get(`${lane} ${frame.id}`);
    if (row) this.#mark(row, frame);
    this.#rows.delete(`${lane} ${frame.id}`);
  }

  #mark(row, frame) {
    row.dataset.state = frame.state;
    if (frame.took !== null && frame.took !== undefined) {
      row.dataset.took = frame.took;
      row.querySelector(".took").textContent = `after ${frame.took.toLocaleString("en")} ms`;
    }
    if (frame.state === "lost") row.querySelector(".took").textContent = "lost";
  }

  #row(pane, frame) {
    const lane = this.#panes.indexOf(pane);
    const row = made("li", "frame");
    Object.assign(row.dataset, { lane, direction: frame.direction, kind: frame.kind, topic: topicOf(frame), state: frame.state, bytes: frame.bytes });
    row.style.setProperty("--latency", `${frame.latencyMs}ms`);
    row.style.setProperty("--person", pane.color);
    const details = made("details", "");
    const line = made("summary", "");
    const trip = made("span", "trip");
    const says = describeFrame(frame);
    trip.append(
      made("span", "hidden", frame.direction === "up" ? `${pane.name} to the server:` : `server to ${pane.name}:`),
      made("b", "", frame.kind), made("span", "says", says), made("span", "took"), made("span", "bytes", `${frame.bytes.toLocaleString("en")} B`),
    );
    trip.append(made("i", "track"));
    line.append(made("span", "time", clock(frame.at)), trip);
    const fields = made("pre", "fields");
    details.addEventListener("toggle", () => void (fields.textContent ||= written(frame)));
    details.append(line, fields);
    row.append(details);
    if (frame.state === "travelling") this.#rows.set(`${lane} ${frame.id}`, row);
    else this.#mark(row, frame);
    return row;
  }
}

/** The fields, one a line, long ones cut short. */
function written({ fields, whole }) {
  const lines = Object.entries(whole?.fields ?? fields).map(([name, value]) => `${name}: ${JSON.stringify(value).slice(0, 600)}`);
  return lines.join("\n") || "no fields";
}

function clock(at) {
  const date = new Date(at);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

function made(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}
