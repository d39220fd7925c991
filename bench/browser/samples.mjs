// Times as they are shown.

/** A percentile of numbers, by the nearest rank; `of` is between 0 and 1. */
export function percentile(samples, of) {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(of * sorted.length) - 1))];
}

/** Milliseconds, rounded to a microsecond. */
export const round = (milliseconds) => Math.round(milliseconds * 1_000) / 1_000;

/** p50, p99 and largest of some milliseconds, and how many there were. */
export function summary(samples) {
  return { n: samples.length, p50: round(percentile(samples, 0.5)), p99: round(percentile(samples, 0.99)), max: round(Math.max(...samples)) };
}

/** Rows of text as a table of Markdown. */
export function table(head, rows) {
  const all = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(all[0]), rule, ...all.slice(1).map(line)].join("\n");
}
