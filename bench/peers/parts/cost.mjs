// The cost model: how what is counted grows with subscribers, documents, servers, the length of a text and its past.
import { LOAD_CORE, Server, load, programs } from "../subjects.mjs";
import { EAGER } from "./rooms.mjs";
import { Program } from "../program.mjs";
import { addresses, fleet } from "./servers.mjs";
import { growing } from "../report/growth.mjs";
import { resident } from "./connections.mjs";

const LOGS = [["cowrite", "in memory"], ["cowrite-disk", "on disk"], ["cowrite-redis", "in Redis"]];
const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);
/** Microseconds of all processes for one edit. */
const each = ({ cpuEach, edits }) => (sum(cpuEach) * 1000) / edits;

/** One native load of typing on a fresh server. */
async function typing(name, scenario, quick) {
  const server = await Server.start(name);
  try {
    return await load(name, server, { native: true, kind: "typing", warmMs: 500, measuredMs: quick ? 1000 : 1500, ...scenario });
  } finally {
    await server.end();
  }
}

/** What `measure` gives at each size, one after the other. */
async function at(sizes, measure) {
  const measured = [];
  for (const size of sizes) {
    process.stderr.write(`  at ${size.toLocaleString("en")}\n`);
    measured.push(await measure(size));
  }
  return measured;
}

async function subscribers(quick) {
  const sizes = quick ? [5, 10, 20] : [10, 50, 250];
  const told = await at(sizes, (readers) => typing("cowrite", { documents: 1, full: [readers + 1], writers: 5, everyMs: 100 }, quick));
  const moved = await at(sizes, (readers) => typing("cowrite", { documents: 1, full: [readers + 1], writers: 5, everyMs: 100, moves: true }, quick));
  const common = { of: "subscribers", ones: "a subscriber", unit: "µs" };
  return [
    growing({ ...common, id: "edit-subscribers", title: "processor time of an edit, log in memory, by subscribers", digits: 1, value: each }, sizes, told),
    growing({ ...common, id: "edit-bytes", title: "bytes that the server sends for an edit, by subscribers", unit: "bytes", digits: 1, value: ({ bytesOut, edits }) => bytesOut / edits }, sizes, told),
    growing({ ...common, id: "edit-bytes-up", title: "bytes that the server is sent for an edit, by subscribers", unit: "bytes", digits: 1, value: ({ bytesIn, edits }) => bytesIn / edits }, sizes, told),
    growing({ ...common, id: "caret-subscribers", title: "processor time of a caret's move, by subscribers", digits: 1, value: each }, sizes, moved),
    growing({ ...common, id: "caret-bytes", title: "bytes that the server sends for a caret's move, by subscribers", unit: "bytes", digits: 1, value: ({ bytesOut, edits }) => bytesOut / edits }, sizes, moved),
  ];
}

/** A server that has more to do wakes more seldom for each thing. */
async function rate(quick) {
  const documents = quick ? 20 : 200;
  const sizes = quick ? [50, 100, 200] : [250, 1000, 4000];
  const measured = await at(sizes, (rate) => typing("cowrite", { documents, full: [2], writers: 1, everyMs: (documents * 1000) / rate }, quick));
  return [growing({ id: "edit-rate", title: "processor time of an edit with one delivery, log in memory, by edits a second in all", unit: "µs", digits: 1, of: "edits a second", ones: "an edit a second", value: each }, sizes, measured)];
}

/** As many edits a second in all, however many documents they are in: 2,000. */
async function documents(quick) {
  const sizes = quick ? [5, 10, 20] : [24, 72, 216];
  const figures = [];
  for (const [name, log] of LOGS) {
    const measured = await at(sizes, (count) => typing(name, { documents: count, full: [2], writers: 1, everyMs: quick ? count * 4 : count / 2 }, quick));
    const common = { of: "documents", ones: "a document", unit: "µs", digits: 1 };
    figures.push(growing({ ...common, id: `edit-documents-${name}`, title: `server's processor time of an edit with one delivery, log ${log}, by documents, as many edits a second in all`, value: ({ cpuEach: [server], edits }) => (server * 1000) / edits }, sizes, measured));
    if (name === "cowrite-redis") figures.push(growing({ ...common, id: "redis-documents", title: "Redis' processor time of an edit, by documents", value: ({ cpuEach, edits }) => (cpuEach[1] * 1000) / edits }, sizes, measured));
  }
  return figures;
}

/** One client at each server of each document, the first of whom writes. */
async function servers(quick) {
  const sizes = [1, 2, 3];
  const measured = await at(sizes, (count) => fleet(count, [], (servers) =>
    load("cowrite-redis-native", servers[0], { kind: "typing", documents: quick ? 20 : 100, full: [count], writers: 1, everyMs: 100, warmMs: 500, measuredMs: quick ? 1000 : 1500, ...addresses(servers) })));
  const common = { of: "servers", ones: "a server", unit: "µs", digits: 1 };
  return [
    growing({ ...common, id: "edit-servers", title: "all servers' processor time of an edit, by servers that have the document open, with one client each", value: ({ cpuEach, edits }) => (sum(cpuEach.slice(0, -1)) * 1000) / edits }, sizes, measured),
    growing({ ...common, id: "redis-servers", title: "Redis' processor time of an edit, by servers", value: ({ cpuEach, edits }) => (cpuEach.at(-1) * 1000) / edits }, sizes, measured),
  ];
}

async function memory(quick) {
  const counts = quick ? [200, 400, 800] : [1000, 2000, 4000];
  const [, ...sizes] = await resident("cowrite-disk", counts, counts[0] / 5, 500);
  const figures = [growing({ id: "memory-connections", title: "server's resident memory, by idle connections over as many documents", unit: "KiB", digits: 0, of: "connections", ones: "a connection", value: (kib) => kib }, counts, sizes)];
  const units = [1000, 10_000, 50_000];
  const rooms = await at(units, async (length) => {
    const server = await Server.start("cowrite-disk", EAGER);
    try {
      return await load("cowrite-disk", server, { native: true, kind: "rooms", documents: quick ? 250 : 500, units: length });
    } finally {
      await server.end();
    }
  });
  const common = { of: "units", ones: "a unit of its text", unit: "KiB" };
  return [
    ...figures,
    growing({ ...common, id: "memory-open", title: "resident memory of an open document, by the length of its text", value: ({ openKib }) => openKib }, units, rooms),
    growing({ ...common, id: "memory-closed", title: "what of it stays resident when nobody has it open, by the length of its text", value: ({ closedKib }) => closedKib }, units, rooms),
  ];
}

const engine = (words) => new Program([programs.bench, "engine", JSON.stringify({ library: "engine", ...words })], { core: LOAD_CORE }).result(120_000);

async function past(quick) {
  const sizes = quick ? [100, 1000, 10_000] : [1000, 10_000, 100_000];
  const measured = await at(sizes, (edits) => engine({ kind: "age", edits }));
  const missed = measured.at(-1).resumes;
  const common = { of: "past edits", ones: "an edit", unit: "ms", digits: 3 };
  return [
    growing({ ...common, id: "past-cold", title: "opening a text of 100 kB from what is stored, by its past", value: ({ coldMs }) => coldMs }, sizes, measured),
    growing({ ...common, id: "past-open", title: "opening it where a room has it, by its past", value: ({ openMs }) => openMs }, sizes, measured),
    growing({ ...common, id: "past-bytes", title: "bytes that who opens it is given, by its past", unit: "bytes", digits: 0, value: ({ bytes }) => bytes }, sizes, measured),
    growing({ ...common, of: "missed edits", id: "missed", title: "coming back to it, by missed edits", value: ({ ms }) => ms }, missed.map((one) => one.missed), missed),
    growing({ ...common, of: "missed edits", id: "missed-bytes", title: "bytes of that, by missed edits", unit: "bytes", digits: 0, value: ({ bytes }) => bytes }, missed.map((one) => one.missed), missed),
  ];
}

async function length(quick) {
  const sizes = quick ? [1000, 10_000, 100_000] : [10_000, 100_000, 1_000_000];
  const measured = await at(sizes, (units) => engine({ kind: "size", units }));
  const common = { of: "units", ones: "a unit", digits: 3 };
  return [
    growing({ ...common, id: "length-edit", title: "processor time of an edit at places all over, engine and room and log in memory, by the length of the text", unit: "µs", value: ({ editUs }) => editUs }, sizes, measured),
    growing({ ...common, id: "length-open", title: "processor time of opening it at both ends, by the length of the text", unit: "ms", value: ({ openMs }) => openMs }, sizes, measured),
    growing({ ...common, id: "length-bytes", title: "bytes that who opens it is given, by the length of the text", unit: "bytes", digits: 0, value: ({ bytes }) => bytes }, sizes, measured),
  ];
}

/** What the log holds after so many edits of one document, each accepted before the next. */
async function stored(quick) {
  const sizes = quick ? [500, 2000, 8000] : [1000, 4000, 16_000];
  const figures = [];
  for (const [name, log] of LOGS.slice(1)) {
    const server = await Server.start(name, EAGER);
    const held = async () => (name === "cowrite-disk" ? await server.stored() : Number((await server.storeInfo("memory")).used_memory));
    try {
      let from = 0;
      // What a document takes that has no past is none of its edits.
      const grow = async (edits) => {
        await load(name, server, { native: true, kind: "grow", fresh: true, from, edits: edits - from, units: 1000 });
        from = edits;
        return held();
      };
      const measured = await at(sizes, grow);
      figures.push(growing({ id: `stored-${name}`, title: `bytes that ${log === "on disk" ? "files take on disk" : "Redis holds"}, by edits of one letter each, one at a time`, unit: "bytes", digits: 0, of: "edits", ones: "an edit", value: (bytes) => bytes }, sizes, measured));
    } finally {
      await server.end();
    }
  }
  return figures;
}

export const cost = {
  name: "cost",
  title: "the cost model: how each figure grows",
  measure: async ({ quick }) => {
    const figures = [];
    for (const measure of [subscribers, rate, documents, servers, memory, stored, past, length]) figures.push(...await measure(quick));
    return figures;
  },
};
