// Figures as text.

/** How many times another: three digits or so, whatever the size. */
export function times(ratio) {
  if (ratio === undefined) return "";
  return `× ${ratio >= 0.1 || ratio === 0 ? ratio.toFixed(2) : ratio.toPrecision(2)}`;
}

/** Prints every figure of a part: a line for each subject. */
export function print({ figures }) {
  for (const { title, unit, digits = 2, better, rows } of figures) {
    console.log(`\n  ${title} (${unit}; ${better} is better)`);
    const width = Math.max(...rows.map((row) => row.title.length));
    for (const row of rows) {
      if (row.failed) {
        console.log(`    ${row.title.padEnd(width)}  failed: ${row.failed}`);
        continue;
      }
      const number = (value) => value.toFixed(digits);
      const spread = row.values.length > 1 ? `${number(row.low)} to ${number(row.high)}` : "";
      console.log(`    ${row.title.padEnd(width)}  ${number(row.median).padStart(12)}  ${times(row.ratio).padStart(9)}  ${spread.padEnd(24)}  ${row.note ?? ""}`.trimEnd());
    }
  }
}
