// The cost model turned into machines: the tables of docs/sizing.md.
import { table } from "./summary.mjs";

/** What the examples assume: people, what they do, and the machines. The page names each, and what each does. */
export const ASSUMED = [
  { name: "typing", value: 0.05, words: "share of the connected who type at this moment" },
  { name: "letters", value: 3, words: "edits a second of one who types (a letter each)" },
  { name: "carets", value: 0.05, words: "share of the connected who move a caret without typing" },
  { name: "moves", value: 2, words: "moves a second of one of them" },
  { name: "people", value: 5, words: "people who have the same document open" },
  { name: "units", value: 10_000, words: "UTF-16 code units of a document" },
  { name: "hours", value: 8, words: "hours of a day at this load" },
  { name: "cores", value: 8, words: "cores of a machine" },
  { name: "memory", value: 32, words: "GiB of memory of a machine" },
  { name: "used", value: 0.5, words: "share of a machine's cores and memory that is planned for; the rest is for peaks and for a machine that fails" },
  { name: "connections", value: 50_000, words: "connections that a machine may have (`--connections`, and open files above it)" },
];
const USERS = [1e4, 1e6, 1e7];

/** What one of each thing costs, by the lines of the cost model: name, where it is from, unit. */
const COSTS = [
  { name: "edit", words: "accepting an edit, log in memory, at a server that is busy", unit: "µs", of: (fits) => fits["edit-rate"].points.at(-1)[1] - fits["edit-subscribers"].each, from: "`edit-rate`, the highest, less a delivery" },
  { name: "delivery", words: "sending an edit to one subscriber", unit: "µs", of: (fits) => fits["edit-subscribers"].each, from: "`edit-subscribers`, a subscriber" },
  { name: "log_disk", words: "the same edit in the log on disk, more than in memory", unit: "µs", of: (fits) => more(fits, "cowrite-disk"), from: "`edit-documents`, the most documents" },
  { name: "log_redis", words: "the same edit in the log in Redis, more than in memory", unit: "µs", of: (fits) => more(fits, "cowrite-redis"), from: "`edit-documents`, the most documents" },
  { name: "redis", words: "an edit in Redis itself", unit: "µs", of: (fits) => fits["redis-documents"].points.at(-1)[1], from: "`redis-documents`, the most documents" },
  { name: "server", words: "an edit at each server more that has the document open, with a delivery", unit: "µs", of: (fits) => fits["edit-servers"].each, from: "`edit-servers`, a server" },
  { name: "caret", words: "a caret's move, to one subscriber", unit: "µs", of: (fits) => fits["caret-subscribers"].each, from: "`caret-subscribers`, a subscriber" },
  { name: "connection", words: "memory of a connection", unit: "KiB", of: (fits) => fits["memory-connections"].each, from: "`memory-connections`, a connection" },
  { name: "document", words: "memory of an open document, without its text", unit: "KiB", of: (fits) => fits["memory-open"].fixed, from: "`memory-open`, at none" },
  { name: "unit", words: "memory of a unit of its text", unit: "KiB", of: (fits) => fits["memory-open"].each, from: "`memory-open`, a unit" },
  { name: "down", words: "bytes of an edit, to one subscriber", unit: "bytes", of: (fits) => fits["edit-bytes"].each, from: "`edit-bytes`, a subscriber" },
  { name: "up", words: "bytes of an edit, from its author", unit: "bytes", of: (fits) => fits["edit-bytes-up"].fixed, from: "`edit-bytes-up`, at none" },
  { name: "stored_disk", words: "bytes of an edit on disk", unit: "bytes", of: (fits) => fits["stored-cowrite-disk"].each, from: "`stored-cowrite-disk`, an edit" },
  { name: "stored_redis", words: "bytes of an edit in Redis", unit: "bytes", of: (fits) => fits["stored-cowrite-redis"].each, from: "`stored-cowrite-redis`, an edit" },
];

/** Processor time of an edit with such a log, more than with the one in memory. */
function more(fits, name) {
  const last = (id) => fits[id].points.at(-1)[1];
  return Math.max(0, last(`edit-documents-${name}`) - last("edit-documents-cowrite"));
}

/** Machines for so many people, by these costs and assumptions; `log` is `disk` or `redis`. */
export function machines(users, costs, assumed, log) {
  const { typing, letters, carets, moves, people, units, hours, cores, memory, used, connections } = assumed;
  const edits = users * typing * letters;
  const deliveries = edits * (people - 1);
  const told = users * carets * moves * (people - 1);
  const documents = users / people;
  let count = 1;
  // Each machine more may have each document open once more, which may need a machine more.
  for (;;) {
    const open = log === "redis" ? Math.min(people, count) : 1;
    const busy = (edits * (costs.edit + costs[`log_${log}`]) + deliveries * costs.delivery + told * costs.caret + (log === "redis" ? edits * (open - 1) * costs.server : 0)) / 1e6;
    const held = (users * costs.connection + documents * open * (costs.document + units * costs.unit)) / 2 ** 20;
    const by = { cores: busy / (cores * used), memory: held / (memory * used), connections: users / connections };
    const needed = Math.max(1, Math.ceil(Math.max(...Object.values(by))));
    if (needed <= count || count >= 1e6) {
      const reason = Object.entries(by).sort(([, a], [, b]) => b - a)[0][0];
      const network = (edits * costs.up + deliveries * costs.down) / 1e6;
      return {
        users, edits, deliveries, documents, busy, held, machines: count, reason, network,
        redisCores: log === "redis" ? (edits * costs.redis) / 1e6 : undefined,
        storedGib: (edits * 3600 * hours * costs[`stored_${log}`]) / 2 ** 30,
      };
    }
    count = needed;
  }
}

/** Tables for docs/sizing.md by the name of their place. */
export function sizing({ figures, machine, quick }) {
  const fits = Object.fromEntries(figures.filter(({ fit }) => fit).map(({ id, fit }) => [id, fit]));
  const costs = Object.fromEntries(COSTS.map(({ name, of }) => [name, Math.max(0, of(fits))]));
  const assumed = Object.fromEntries(ASSUMED.map(({ name, value }) => [name, value]));
  const number = (value) => (value === undefined ? "" : value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3));
  const said = `${machine.date.slice(0, 10)}, commit ${machine.commit}, ${machine.processor}, server on one core${quick ? "; **a quick run**" : ""}.`;
  const costTable = table(["Cost", "What it is", "Measured", "Unit", "From (figure of the part `cost`)"], COSTS.map(({ name, words, unit, from }) => [`\`${name}\``, words, number(costs[name]), unit, from]));
  const growths = table(["Figure", "At", "Values", "Grows as", "Line"], figures.filter(({ fit }) => fit).map(({ id, title, unit, growth, fit }) => [
    `\`${id}\`: ${title}, ${unit}`,
    `${fit.points.map(([size]) => size.toLocaleString("en")).join(" / ")} ${fit.of}`,
    fit.points.map(([, value]) => number(value)).join(" / "),
    fit.exponent === null ? "–" : `size^${fit.exponent.toFixed(2)}`,
    growth.split("; ").at(-1),
  ]));
  const head = ["", ...USERS.map((users) => `${users.toLocaleString("en")} users`)];
  const examples = ["disk", "redis"].map((log) => {
    const all = USERS.map((users) => machines(users, costs, assumed, log));
    const row = (words, of) => [words, ...all.map((one) => of(one))];
    return `${log === "disk" ? "Each document at one server, log on disk:" : "Any document at any server, log in Redis:"}\n\n${table(head, [
      row("edits a second", ({ edits }) => number(edits)),
      row("deliveries a second", ({ deliveries }) => number(deliveries)),
      row("open documents", ({ documents }) => number(documents)),
      row("cores busy in servers", ({ busy }) => number(busy)),
      row("memory of servers, GiB", ({ held }) => number(held)),
      row("messages, MB a second", ({ network }) => number(network)),
      ...(log === "redis" ? [row("cores busy in Redis, which are as many masters and more", ({ redisCores }) => number(redisCores))] : []),
      row(log === "redis" ? "a day's edits, GiB in Redis" : "a day's edits, GiB on disk", ({ storedGib }) => number(storedGib)),
      row("**machines**, and what decides", ({ machines: count, reason }) => `**${count.toLocaleString("en")}** (${count > 1 ? reason : "enough"})`),
    ])}`;
  });
  return [["costs", `${said}\n\n${costTable}`], ["growth", growths], ["examples", examples.join("\n\n")], ["inputs", table(["Input", "Here", "What it is"], ASSUMED.map(({ name, value, words }) => [`\`${name}\``, value.toLocaleString("en"), words]))]];
}
