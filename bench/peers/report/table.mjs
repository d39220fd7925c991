// Figures as text.

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
      const ratio = row.ratio === undefined ? "" : `× ${row.ratio.toFixed(2)}`;
      console.log(`    ${row.title.padEnd(width)}  ${number(row.median).padStart(12)}  ${ratio.padStart(9)}  ${spread.padEnd(24)}  ${row.note ?? ""}`.trimEnd());
    }
  }
}
