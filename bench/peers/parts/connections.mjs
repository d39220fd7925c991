// What very many idle connections cost our own server, held by a load in Rust.
import { LOAD_CORE, Server, programs, subjects } from "../subjects.mjs";
import { Program, mostFiles, residentKib } from "../program.mjs";
import { open } from "../clients/cowrite.mjs";
import { rounds } from "../rounds.mjs";
import { SECRET } from "../token.mjs";

/** Files of a server that are no connections: 128 by its own count, and those of its log. */
const OTHER_FILES = 200;

/**
 * Grows to each of these counts by a program of its own; gives the resident memory before and at each, in KiB. All
 * documents are open from the first count on, so that what the others add are connections.
 */
export async function resident(name, counts, documents, restMs) {
  const most = counts.at(-1);
  // Nobody is asked for a sign of life, so that only connections are measured and no talk.
  const server = await Server.start(name, ["--connections", String(most + 50), "--strangers", String(most), "--ping-ms", "900000", "--silence-ms", "1800000"]);
  const holders = [];
  try {
    const sizes = [(await residentKib(server.pid)).now];
    let from = 0;
    for (const count of counts) {
      const words = JSON.stringify({ kind: "hold", client: "cowrite", url: server.url, pid: server.pid, from, connections: count - from, documents });
      const holder = new Program([programs.bench, "load", words], { core: LOAD_CORE, env: { COWRITE_JWT_SECRET: SECRET } });
      holders.push({ holder, document: `d${from % documents}` });
      await holder.says("holding", 120_000);
      from = count;
      await new Promise((resolve) => setTimeout(resolve, restMs));
      sizes.push((await residentKib(server.pid)).now);
    }
    await check(server, holders, most);
    return sizes;
  } finally {
    for (const { holder } of holders) await holder.end();
    await server.end();
  }
}

/** All must be there, and some of each program hear what is written. */
async function check(server, holders, most) {
  for (const what of ["cowrite_connections", "cowrite_subscriptions"]) {
    const count = await server.metric(what);
    if (count !== most) throw new Error(`${what} is ${count}, not ${most}`);
  }
  for (const [index, { holder, document }] of holders.entries()) {
    const writer = await open(server.url, document, { user: `writer${index}` });
    writer.insert(0, "still here");
    await holder.says("heard");
    writer.close();
  }
}

export const connections = {
  name: "connections",
  title: "idle connections with one document open each, up to 20,000 over 1,000 documents",
  measure: async ({ quick }) => {
    const files = await mostFiles();
    const most = Math.min(20_000, files - OTHER_FILES);
    const counts = quick ? [400, 1000, 2000] : [2000, 5000, most];
    const [some, half, all] = counts.map((count) => count.toLocaleString("en"));
    const note = most < 20_000 && !quick ? `native load, nobody asked for a sign of life; not 20,000: this system lets a process have ${files.toLocaleString("en")} files open` : "native load, nobody asked for a sign of life";
    const slope = (sizes, from, to) => (sizes[to] - sizes[from]) / (counts[to - 1] - counts[from - 1]);
    const figure = (id, title, value) => ({ id, title, unit: "KiB", better: "less", digits: 1, value });
    return rounds({
      subjects: ["cowrite", "cowrite-disk", "cowrite-redis"].map((name) => ({ name, ...subjects[name], note })),
      rounds: 1,
      figures: [
        figure("to-half", `resident memory of a connection, from ${some} to ${half}`, (sizes) => slope(sizes, 1, 2)),
        figure("to-all", `the same, from ${half} to ${all}`, (sizes) => slope(sizes, 2, 3)),
        figure("whole-half", `over all ${half} connections`, (sizes) => (sizes[2] - sizes[0]) / counts[1]),
        figure("whole-all", `over all ${all} connections`, (sizes) => (sizes[3] - sizes[0]) / counts[2]),
      ],
      measure: (name) => resident(name, counts, quick ? 200 : 1000, quick ? 500 : 1000),
    });
  },
};
