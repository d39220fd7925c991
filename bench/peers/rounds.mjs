// Measures several subjects alternately, so that what else the machine does meets all of them.
import { spread } from "./report/sample.mjs";

/**
 * Calls `measure(name)` for each subject in every round; the order turns by one each round. Gives one row a
 * figure and subject: the median of the rounds, the least and the most, and the ratio to the first subject.
 * A subject that fails keeps a row that says so.
 */
export async function rounds({ subjects, rounds: count, measure, figures }) {
  const results = new Map(subjects.map(({ name }) => [name, []]));
  const failed = new Map();
  for (let round = 0; round < count; round += 1) {
    for (let turn = 0; turn < subjects.length; turn += 1) {
      const { name, title } = subjects[(turn + round) % subjects.length];
      if (failed.has(name)) continue;
      process.stderr.write(`  round ${round + 1} of ${count}: ${title}\n`);
      try {
        results.get(name).push(await measure(name));
      } catch (error) {
        console.error(`  ${title} failed: ${error.message}`);
        const lines = error.message.split("\n");
        failed.set(name, lines.find((line) => /^\w*Error: |panicked/.test(line)) ?? lines[0]);
      }
    }
  }
  return figures.map(({ value, only, ...figure }) => {
    const rows = subjects.filter(({ name }) => !only || only(name)).map(({ name, title, note, limit }) => {
      const row = { name, title, note, limit };
      if (failed.has(name)) return { ...row, failed: failed.get(name) };
      const values = results.get(name).map(value).filter((number) => number !== undefined);
      return values.length === 0 ? null : { ...row, ...spread(values) };
    }).filter((row) => row !== null);
    const ours = rows[0]?.median;
    for (const row of rows) if (ours > 0 && row.median !== undefined) row.ratio = row.median / ours;
    return { ...figure, rows };
  });
}
