// Every figure of a run in one table.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { draw } from "./charts.mjs";
import { isOurs, judged, place, without } from "./goals.mjs";
import { folder } from "./store.mjs";
import { times } from "./table.mjs";

const GOALS = ["Goal", "Figure", "Cowrite", "Peers", "Limit", "Wanted", "Met"];
const HEAD = ["Figure", "Cowrite", "Cowrite otherwise", "Peers (× Cowrite)", "Limit (× Cowrite)", "Goal", "Met"];

/** The parts that earlier runs have left, for whoever wants their summary without measuring again. */
export async function stored(names) {
  const found = [];
  for (const name of names) {
    const text = await readFile(path.join(folder, `${name}.json`), "utf8").catch(() => null);
    if (text) found.push(JSON.parse(text));
  }
  return found;
}

/** What each figure of these parts comes to, as data. */
export function summarize(parts) {
  // What is called "the same" stands below what it is the same as only in the tables of the parts.
  let subject = "";
  return parts.flatMap(({ part, figures }) => figures.map((figure) => {
    const again = /^the same|of that$/.test(figure.title);
    if (!again) subject = figure.title;
    const title = again ? `${subject}: ${figure.title}` : figure.title;
    // A figure of the limit alone has none of ours.
    const [ours, ...rest] = figure.rows[0]?.limit ? [undefined, ...figure.rows] : figure.rows;
    const brief = ({ name, title, median, low, high, ratio, failed, note }) => ({ name, title, median, low, high, ratio, failed, note });
    return {
      part, figure: figure.id, title, unit: figure.unit, better: figure.better, digits: figure.digits ?? 2, growth: figure.growth,
      ours: ours && brief(ours),
      others: rest.filter((row) => isOurs(row) && !row.limit).map(brief),
      peers: rest.filter((row) => !isOurs(row) && !row.limit).map(brief),
      limits: rest.filter((row) => row.limit).map(brief),
      goals: judged(part, figure),
    };
  }));
}

/** Writes `summary.json`, `summary.md` and its pictures; gives the page's text. */
export async function summary(parts) {
  await mkdir(folder, { recursive: true });
  const figures = summarize(parts);
  const [first] = parts;
  const { machine } = first;
  const quick = parts.some((part) => part.quick);
  const text = page(parts, figures);
  const seconds = parts.reduce((sum, part) => sum + part.seconds, 0);
  await writeFile(path.join(folder, "summary.json"), `${JSON.stringify({ machine, quick, seconds, parts: parts.map(({ part, seconds, machine }) => ({ part, seconds, machine })), figures }, null, 2)}\n`);
  await writeFile(path.join(folder, "summary.md"), text);
  const wanted = parts.flatMap(({ part, figures }) => figures.filter((figure) => judged(part, figure).length > 0).map((figure) => ({ ...figure, title: `${part}: ${figure.title}`, goal: `Goal ${judged(part, figure)[0].number}: ${wish(figure.rows[0], judged(part, figure))}` })));
  if (wanted.length > 0) await draw({ part: "summary", title: "What has a goal", machine, quick, figures: wanted });
  return text;
}

function page(parts, figures) {
  const [{ machine }] = parts;
  const goals = figures.flatMap((figure) => figure.goals);
  const count = (met) => goals.filter((goal) => goal.met === met).length;
  const commits = [...new Set(parts.map((part) => part.machine.commit))];
  const total = parts.reduce((sum, part) => sum + part.seconds, 0);
  const loads = parts.map((part) => part.machine.loadBefore);
  return [
    `${machine.date.slice(0, 16).replace("T", " ")} UTC, commit ${commits.join(", ")}: ${machine.processor}, ${machine.cores} cores, ${machine.memoryGib} GiB, Linux ${machine.kernel}, Node.js ${machine.node}, ${machine.rust}; ` +
      `load average before the parts ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}.${parts.some(({ quick }) => quick) ? " **A quick run: smaller loads, once.**" : ""}`,
    "",
    "Each number is the median of its rounds, with the least and the most in brackets where there were several. × is how many times the first column a row is. " +
      "A goal says which row it is judged by, unless that is the first.",
    "",
    ...(goals.length === 0 ? [] : ["## Goals", "", table(GOALS, sought(figures)), ""]),
    `${goals.length} goals: ${count(true)} met, ${count(false)} not, ${count(undefined)} not judged.${without(parts).length > 0 ? ` Not in this run: ${without(parts).join(", ")}.` : ""}`,
    "",
    "## Every figure",
    "",
    table(HEAD, figures.map(line)),
    "",
    `Seconds: ${parts.map(({ part, seconds }) => `${part} ${seconds}`).join(", ")}; ${total} (${(total / 60).toFixed(1)} minutes) together.`,
    "",
  ].join("\n");
}

/** The goals alone, in the order of their numbers: one row for what is judged. */
function sought(figures) {
  const rows = figures.flatMap((figure) => figure.goals.map((goal) => ({ figure, goal })));
  rows.sort((a, b) => place(a.goal.number) - place(b.goal.number));
  return rows.map(({ figure: { part, title, unit, digits, ours, others, peers, limits }, goal }) => {
    const value = (row) => (row === undefined ? "–" : row.failed ? "failed" : row.median.toFixed(digits));
    const named = (row) => `${short(row.title)} ${value(row)}`;
    return [
      goal.number, `${part}: ${title}${unit ? `, ${unit}` : ""}`, `${short(goal.title)} **${value([ours, ...others].find((row) => row?.name === goal.row))}**`,
      peers.map(named).join("; "), limits.map(named).join("; "), goal.words, verdict(goal),
    ];
  });
}

const verdict = ({ met }) => (met === undefined ? "–" : met ? "yes" : "**no**");

function line({ part, title, unit, better, digits, growth, ours, others, peers, limits, goals }) {
  const number = ({ median, low, high, failed }) => (failed ? "failed" : `${median.toFixed(digits)}${low < high ? ` (${low.toFixed(digits)}–${high.toFixed(digits)})` : ""}`);
  const beside = (row) => `${short(row.title)} ${number(row)}${row.failed || row.ratio === undefined ? "" : ` (${times(row.ratio)})`}`;
  return [
    `${part}: ${title}${unit ? `, ${unit}` : ""}${better === "more" ? " (more is better)" : ""}`,
    ours ? `${number(ours)}${isOurs(ours) ? "" : ` (${ours.title})`}` : "",
    others.map((row) => `${short(row.title)} ${number(row)}`).join("; "),
    growth ?? peers.map(beside).join("; "),
    limits.map(beside).join("; "),
    wish(ours, goals),
    goals.map(verdict).join("; "),
  ];
}

/** Goals in words, each with the row that it is judged by unless that is the first. */
const wish = (ours, goals) => goals.map(({ row, title, words }) => (row === ours?.name ? words : `${short(title)} ${words}`)).join("; ");

/** The rows of our own by what they differ in. */
const short = (title) => title.replace(/^Cowrite, /, "");

/** Rows of text as a table of Markdown. */
export function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map((cell) => String(cell).replaceAll("|", "\\|")));
  const row = (words) => `| ${words.join(" | ")} |`;
  return [row(cells[0]), `|${"---|".repeat(head.length)}`, ...cells.slice(1).map(row)].join("\n");
}
