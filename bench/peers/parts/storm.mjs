// All connections break at once.
import { BREAK } from "../load/storm.mjs";
import { READY } from "../load/opens.mjs";
import { percentile } from "../report/sample.mjs";
import { rounds } from "../rounds.mjs";
import { Server, load, loader, subjects } from "../subjects.mjs";

const NOTES = {
  cowrite: "comes back by its own jitter",
  "cowrite-disk": "comes back by its own jitter",
  "cowrite-redis": "comes back by its own jitter",
  sharedb: "leaves coming back to the application: at once here",
  hocuspocus: "comes back by its provider's jitter",
  "y-websocket": "comes back by its provider's pauses, without jitter",
};
/** Who has the documents still when its server is started again, or is given them by the clients. */
const OUTLIVE = ["cowrite-disk", "cowrite-redis", "hocuspocus", "y-websocket"];
/** So often somebody opens a document who was not there before. */
const OPENS_EVERY_MS = 20;
/** So often Redis is asked how much it has done. */
const SAMPLE_MS = 200;

/** One storm over a server, by a load that breaks its connections or by the server's end. */
async function once(name, restart, connections) {
  const server = await Server.start(name, ["--strangers", "6000"]);
  const others = loader(name, server, { kind: "opens", documents: connections / 5, everyMs: OPENS_EVERY_MS });
  try {
    await others.says(READY);
    let upAt = 0;
    let commands;
    const result = await load(name, server, { kind: "storm", connections, restart }, 150_000, async (program) => {
      await program.says(BREAK, 100_000);
      if (restart) {
        await server.restart();
        upAt = Date.now();
      }
      others.signal("SIGUSR2");
      if (server.storePort) commands = await counted(server, program.exit);
    });
    others.signal("SIGTERM");
    const { times } = await others.result(30_000);
    const until = result.begunAt + result.last;
    const during = times.filter(([at]) => at >= Math.max(upAt, result.begunAt) && at <= until).map(([, ms]) => ms);
    return { ...result, opens: during.length, openP50: percentile(during, 0.5), openP99: percentile(during, 0.99), commands };
  } finally {
    await others.end();
    await server.end();
  }
}

/** Commands that Redis takes until `end`, without those that ask it for this: all, and a second where they are most. */
async function counted(server, end) {
  let over = false;
  void end.then(() => (over = true));
  const read = async () => [performance.now(), Number((await server.storeInfo("stats")).total_commands_processed)];
  const first = await read();
  let [last, most, asked] = [first, 0, 0];
  while (!over) {
    await Promise.race([end, new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))]);
    const next = await read();
    asked += 1;
    if (next[0] - last[0] >= SAMPLE_MS / 2) most = Math.max(most, ((next[1] - last[1] - 1) * 1000) / (next[0] - last[0]));
    last = next;
  }
  return { all: last[1] - first[1] - asked, most };
}

function storms(names, restart, connections, figures) {
  return rounds({
    subjects: names.map((name) => ({ name, ...subjects[name], note: NOTES[name] })),
    rounds: 1,
    figures,
    measure: (name) => once(name, restart, connections),
  });
}

export const storm = {
  name: "storm",
  title: "every connection breaks at once, and one of five clients of each document writes meanwhile",
  measure: async ({ quick }) => {
    const connections = quick ? 300 : 2000;
    const count = (clients) => `${clients.toLocaleString("en")} clients`;
    const figures = (when) => [
      { id: `${when}-last`, title: `${count(connections)}, ${when}: until the last is in step again`, unit: "s", better: "less", value: ({ last }) => last / 1000 },
      { id: `${when}-half`, title: `${count(connections)}, ${when}: until half of them are`, unit: "s", better: "less", value: ({ p50 }) => p50 / 1000 },
      { id: `${when}-open-p50`, title: `${count(connections)}, ${when}: until somebody new has a document open meanwhile, p50`, unit: "ms", better: "less", digits: 1, value: ({ openP50 }) => openP50 },
      { id: `${when}-open-p99`, title: `${count(connections)}, ${when}: until somebody new has a document open meanwhile, p99`, unit: "ms", better: "less", digits: 1, value: ({ openP99 }) => openP99 },
    ];
    const redis = (when, clients) => [
      { id: `${when}-redis`, title: "Redis' processor time by client", unit: "ms", digits: 3, value: ({ moreCpuMs }) => moreCpuMs / clients },
      { id: `${when}-commands`, title: "commands that Redis counts, those of scripts with them, by client", unit: "commands", digits: 2, value: ({ commands }) => commands?.all / clients },
      { id: `${when}-rate`, title: "such commands a second, where they are most", unit: "commands", digits: 0, value: ({ commands }) => commands?.most },
    ].map((figure) => ({ ...figure, title: `${count(connections)}, ${when}: ${figure.title}`, better: "less", only: (name) => name === "cowrite-redis" }));
    const cut = await storms(Object.keys(NOTES), false, connections, [
      ...figures("cut off"),
      { id: "cpu", title: `${count(connections)}, cut off: server's processor time by client`, unit: "ms", better: "less", digits: 3, value: ({ cpuMs }) => cpuMs / connections },
      ...redis("cut off", connections),
    ]);
    // What Redis does for each must not grow with how many they are.
    const few = await storms(["cowrite-redis"], false, connections / 4, redis("cut off", connections / 4));
    for (const { id, rows } of few) {
      const [row, figure] = [rows[0], cut.find((one) => one.id === id)];
      const beside = figure.rows[0]?.median;
      if (row) figure.rows.push({ ...row, name: "cowrite-redis-few", title: `${row.title}, ${count(connections / 4)}`, ratio: beside > 0 && row.median !== undefined ? row.median / beside : undefined });
    }
    const restarted = "the server killed and started again";
    return [...cut, ...await storms(OUTLIVE, true, connections, [...figures(restarted), ...redis(restarted, connections)])];
  },
};
