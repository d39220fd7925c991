// What the project wants of which figure. A goal belongs to one row of one figure of one part.

/** At most, or at least, so much. */
const most = (value) => ({ words: `≤ ${value}`, met: (row) => row.median <= value });
const least = (value) => ({ words: `≥ ${value}`, met: (row) => row.median >= value });
/** At most so many times another row, which is the limit or the same client's. */
const times = (factor, other, words = other) => ({
  words: `≤ ${factor === 1 ? "" : `${factor} × `}${words}`,
  met: (row, rows) => compared(row, rows, ({ name }) => name === other, factor),
});
/** At most such a share of every peer's; what is measured of ours or as a limit is none. */
const peers = (factor = 1, names = undefined) => ({
  words: `${factor === 1 ? "below" : `≤ ${factor} ×`} ${names ? names.join(" and ") : "every peer"}`,
  met: (row, rows) => compared(row, rows, (other) => (names ? names.includes(other.title) : !other.limit && !isOurs(other)), factor),
});

/** `undefined` where nobody was measured to compare with. */
function compared(row, rows, of, factor) {
  const others = rows.filter((other) => other.median !== undefined && of(other));
  return others.length === 0 ? undefined : others.every((other) => row.median <= factor * other.median);
}

export const isOurs = ({ name }) => name.startsWith("cowrite");

const traces = ["sveltecomponent", "rustcode", "automerge-paper"];
const all = (...list) => list;

/** Number, part, figure, row and what is wanted, all of it. */
const goals = [
  ...["p50", "p99"].flatMap((figure) => all(
    ["1", "latency", figure, "cowrite", times(1.3, "relay", "the bare relay"), peers()],
    ["1", "latency", figure, "cowrite-disk", times(2, "relay", "the bare relay"), peers()],
    ["1", "latency", figure, "cowrite-redis", times(2, "relay", "the bare relay"), peers()],
  )),
  ["2", "documents", "p99", "cowrite-disk", peers(0.5)],
  ["2", "documents", "cpu", "cowrite-disk", most(22)],
  ["2", "documents", "peak", "cowrite-disk", most(20)],
  ["3", "hot", "p99", "cowrite-disk", most(3)],
  ["3", "hot", "cpu", "cowrite-disk", times(1, "relay", "the bare relay")],
  ["3b", "carets", "cpu", "cowrite-disk", most(8)],
  ["3b", "carets", "p99", "cowrite-disk", most(3)],
  ["3c", "thousand", "p99", "cowrite-disk", most(25)],
  ["4", "throughput", "cpu", "cowrite", least(90)],
  ["4", "throughput", "cpu", "cowrite-native", least(90)],
  ["4", "throughput", "cpu", "cowrite-disk", least(60)],
  ["4", "throughput", "cpu", "cowrite-disk-native", least(60)],
  ["4", "throughput", "both", "cowrite-redis", least(45)],
  ["4", "throughput", "both", "cowrite-redis-native", least(45)],
  ["5", "idle", "connection", "cowrite-disk", most(8)],
  ["5", "connections", "to-half", "cowrite-disk", most(8)],
  ["5", "connections", "to-all", "cowrite-disk", most(8)],
  ["6", "wire", "letter-up", "cowrite", most(10)],
  ["6", "wire", "letter-back", "cowrite", most(5)],
  ["6", "wire", "letter-down", "cowrite", most(12)],
  ["6", "wire", "move-up", "cowrite", most(10)],
  ["6", "wire", "move-down", "cowrite", most(12)],
  ["6", "wire", "with-caret", "cowrite", most(0)],
  ["7", "size", "gzip", "cowrite", most(32)],
  ["7", "size", "storage", "cowrite", most(6)],
  ["8", "age", "1000000-cold", "cowrite-engine", most(5)],
  ["8", "age", "1000000-open", "cowrite-engine", most(5)],
  ["8", "age", "1000000-bytes", "cowrite-engine", most(101)],
  ["9", "age", "1000000-resume-100000", "cowrite-engine", most(10)],
  ...[10, 1_000, 100_000].map((missed) => ["9", "age", `1000000-resume-net-${missed}`, "cowrite-engine", most(2)]),
  ["10", "merge", "100000-merge", "cowrite-engine", most(20), peers()],
  ...traces.flatMap((trace) => all(
    ["11", "traces", `${trace}-time`, "cowrite-engine", times(2, "text", "our text alone"), peers(1, ["Yjs", "Loro, npm package"])],
    ["11", "traces", `${trace}-memory`, "cowrite-engine", times(3, "text", "our text alone")],
  )),
  ["12", "stored", "blocks", "cowrite-disk", most(4)],
  ...["cut off", "the server killed and started again"].flatMap((when) => ["cowrite-disk", "cowrite-redis"].flatMap((name) => all(
    ["13", "storm", `${when}-last`, name, most(6)],
    ["13", "storm", `${when}-open-p99`, name, most(50)],
  ))),
  ["13", "storm", "cut off-commands", "cowrite-redis", times(1.1, "cowrite-redis-few", "that of a quarter of the clients")],
  ["14", "servers", "p99", "cowrite-redis-native", most(15)],
  ["15", "keystrokes", "run-p99", "cowrite", most(1), times(1, "yjs", "Yjs")],
];

/** Every goal of a figure: the row that it is of, in words, and whether it is met (`undefined`: nothing to compare with). */
export function judged(part, figure) {
  return goals.filter(([, of, id]) => of === part && id === figure.id).map(([number, , , name, ...wanted]) => {
    const row = figure.rows.find((one) => one.name === name);
    const verdicts = row?.median === undefined ? [undefined] : wanted.map((one) => one.met(row, figure.rows));
    const met = verdicts.includes(false) ? false : verdicts.includes(undefined) ? undefined : true;
    return { number, row: name, title: row?.title ?? name, words: wanted.map((one) => one.words).join(", "), met };
  });
}

/** Where a goal stands in the list of all. */
export const place = (number) => goals.findIndex((goal) => goal[0] === number);

/** The goals of these parts that no figure of the run is there for, such as those of sizes that a quick run leaves out. */
export function without(parts) {
  const measured = new Map(parts.map(({ part, figures }) => [part, new Set(figures.map(({ id }) => id))]));
  return [...new Set(goals.filter(([, part, id]) => measured.has(part) && !measured.get(part).has(id)).map(([, part, id]) => `${part} ${id}`))];
}
