// Writers that never rest: each types its next letter when the last is acknowledged.
import { cpuMs } from "../program.mjs";
import { several, sleep, until } from "./wait.mjs";

export async function saturation(open, { url, pid, morePids, documents, warmMs, measuredMs }) {
  const writers = await several(documents, 16, (index) => open(url, `d${index}`, { user: `u${index}` }));
  const typed = new Array(documents).fill(0);
  let stop = false;
  const ends = writers.map(async (writer, index) => {
    while (!stop) {
      writer.insert(writer.length(), "x");
      typed[index] += 1;
      await writer.accepted();
    }
  });
  const all = () => typed.reduce((sum, count) => sum + count, 0);
  await sleep(warmMs);
  const spent = async () => [await cpuMs([pid]), await cpuMs(morePids)];
  const [[cpu, more], edits, begun] = [await spent(), all(), performance.now()];
  await sleep(measuredMs);
  const [[cpuThen, moreThen], editsThen, took] = [await spent(), all(), performance.now() - begun];
  const result = { cpuMs: cpuThen - cpu, moreCpuMs: moreThen - more, edits: editsThen - edits, tookMs: took };
  stop = true;
  await Promise.all(ends);
  result.allEdits = all();
  for (const [index, writer] of writers.entries()) {
    const wanted = "x".repeat(typed[index]);
    if (writer.text() !== wanted) throw new Error(`d${index} holds ${writer.length()} letters, not ${wanted.length}`);
    if (writer.keeps === false) continue;
    const late = await open(url, `d${index}`, { user: `late${index}` });
    await until(`d${index} is whole for who comes late`, () => late.length() === wanted.length, 10_000);
    if (late.text() !== wanted) throw new Error(`d${index}: who comes late has another text`);
    late.close();
  }
  return result;
}
