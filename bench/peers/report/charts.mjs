// Figures as pictures: bars, drawn as SVG, once for light pages and once for dark ones.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { folder } from "./store.mjs";
import { times } from "./table.mjs";

const THEMES = {
  light: { back: "#ffffff", ink: "#1f2328", faint: "#656d76", ours: "#0e7490", peer: "#9aa4af", limit: "#d4a72c", spread: "#1f2328" },
  dark: { back: "#0d1117", ink: "#e6edf3", faint: "#8d96a0", ours: "#22b8cf", peer: "#57606a", limit: "#bb8009", spread: "#e6edf3" },
};
const ROW = 26;
const LABELS = 270;
const BARS = 380;
const NUMBERS = 170;
const WIDTH = LABELS + BARS + NUMBERS;
const FONT = "font-family=\"system-ui, sans-serif\"";

/** Draws `PART.light.svg` and `PART.dark.svg`: a group of bars for each figure. */
export async function draw(measured) {
  await mkdir(folder, { recursive: true });
  for (const [name, theme] of Object.entries(THEMES)) await writeFile(path.join(folder, `${measured.part}.${name}.svg`), chart(measured, theme));
}

function chart({ title, figures, machine, quick }, theme) {
  let y = 34;
  const body = [text(16, 24, title, theme.ink, 15, "font-weight=\"600\""), ...legend(theme)];
  for (const figure of figures) {
    const rows = figure.rows.filter(({ median }) => median !== undefined);
    const failed = figure.rows.filter((row) => row.failed).map((row) => row.title);
    if (rows.length === 0) continue;
    y += 22;
    body.push(text(16, y, `${figure.title} (${figure.unit}; ${figure.better} is better)`, theme.ink, 13));
    for (const line of wrapped(figure.goal ?? "")) body.push(text(16, (y += 16), line, theme.faint, 12));
    y += 8;
    const most = Math.max(...rows.map(({ high }) => high)) || 1;
    // A row that is hundreds of times the others would leave them without a bar.
    const least = Math.min(...rows.map(({ low }) => low));
    const logarithmic = least > 0 && most / least > 60;
    const place = (value) => (logarithmic ? Math.max(2, (Math.log(value / (least / 2)) / Math.log(most / (least / 2))) * BARS) : (value / most) * BARS);
    for (const row of rows) {
      const middle = y + ROW / 2;
      const colour = row.limit ? theme.limit : row.name.startsWith("cowrite") ? theme.ours : theme.peer;
      body.push(text(LABELS - 8, middle + 4, row.title, theme.ink, 12, "text-anchor=\"end\""));
      body.push(`<rect x="${LABELS}" y="${y + 4}" width="${Math.max(1, place(row.median)).toFixed(1)}" height="${ROW - 8}" rx="2" fill="${colour}"/>`);
      if (row.values.length > 1) {
        const [from, to] = [LABELS + place(row.low), LABELS + place(row.high)].map((x) => x.toFixed(1));
        body.push(`<path d="M${from} ${middle}H${to}M${from} ${middle - 4}v8M${to} ${middle - 4}v8" stroke="${theme.spread}" stroke-opacity="0.55" fill="none"/>`);
      }
      body.push(text(LABELS + BARS + 10, middle + 4, `${row.median.toFixed(figure.digits ?? 2)}${row.ratio === undefined ? "" : `  (${times(row.ratio)})`}`, theme.faint, 12));
      y += ROW;
    }
    if (logarithmic) body.push(text(LABELS, (y += 14), "logarithmic", theme.faint, 10));
    if (failed.length > 0) body.push(text(LABELS, (y += 14), `failed: ${failed.join(", ")}`, theme.faint, 10));
  }
  const said = `${machine.date.slice(0, 10)} · ${machine.processor}, ${machine.cores} cores, load ${machine.loadBefore.toFixed(1)} · ${machine.commit ?? ""}${quick ? " · quick" : ""} · × is to the first row; lines: least and most of the rounds`;
  body.push(text(16, (y += 26), said, theme.faint, 10));
  const height = y + 14;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">\n<rect width="100%" height="100%" fill="${theme.back}"/>\n${body.join("\n")}\n</svg>\n`;
}

/** Whose bars are which, in the upper right corner. */
function legend(theme) {
  return [["Cowrite", theme.ours], ["peers", theme.peer], ["the limit", theme.limit]].flatMap(([words, colour], index) => {
    const x = WIDTH - 250 + index * 85;
    return [`<rect x="${x}" y="14" width="11" height="11" rx="2" fill="${colour}"/>`, text(x + 16, 24, words, theme.faint, 12)];
  });
}

/** Lines of about so many letters as fit into the picture. */
function wrapped(words, most = 115) {
  const lines = [];
  for (const word of words.split(" ").filter((one) => one)) {
    if (lines.length > 0 && lines.at(-1).length + word.length < most) lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return lines;
}

function text(x, y, words, colour, size, more = "") {
  return `<text x="${x}" y="${y}" fill="${colour}" font-size="${size}" ${FONT} ${more}>${escaped(words)}</text>`;
}

function escaped(words) {
  return String(words).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
}
