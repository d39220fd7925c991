// Engines, libraries and the algebra, without a network but where ours has no other way in.
import path from "node:path";
import { rounds } from "../rounds.mjs";
import { Program, freePort } from "../program.mjs";
import { LOAD_CORE, Server, here, programs, root } from "../subjects.mjs";
import { mint } from "../token.mjs";

/** Nothing that is measured here takes longer, unless it never ends. */
const PATIENCE_MS = 240_000;

const ours = { name: "cowrite", title: "Cowrite, npm package in Node.js", server: true };
/** WebAssembly in another host, or without the engine. Chromium has one round: most of it is the browser's start. */
const CHROMIUM = "in Chromium; one round";
const inChromium = { ...ours, name: "cowrite-chromium", library: "cowrite", title: "Cowrite, npm package in Chromium", chromium: true, slow: true };
const wasm = { name: "cowrite-wasm", library: "module", title: "Cowrite, wasm in Node.js", javascript: true };
const wasmInChromium = { ...wasm, name: "cowrite-wasm-chromium", title: "Cowrite, wasm in Chromium", chromium: true, slow: true, note: CHROMIUM };
const yjsInChromium = { name: "yjs-chromium", library: "yjs", title: "Yjs in Chromium", chromium: true, slow: true, note: CHROMIUM };
const javascript = [
  { name: "yjs", title: "Yjs" },
  { name: "loro", title: "Loro, npm package" },
  { name: "automerge", title: "Automerge, npm package", slow: true, note: "one change an edit; one round" },
];
/** Measured by our program in Rust. */
const native = (library, title, more = {}) => ({ name: library, library, title, ...more });

const replayed = [
  { ...ours, note: "connected; what the server says is read after every 100 edits" },
  { ...ours, name: "cowrite-offline", title: `${ours.title}, offline`, apart: true, note: "edits gather in the engine" },
  native("engine", "Cowrite, native, offline", { name: "cowrite-engine", note: "engine: edits gather in it, and can be undone" }),
  native("sequencer", "Cowrite, native, through the sequencer", { name: "cowrite-sequencer", note: "engine, frames, room, log in memory; each edit accepted; bytes: its packed operations" }),
  native("document", "Cowrite, native, apply only", { name: "cowrite-document" }),
  { ...wasm, title: `${wasm.title}, apply only`, note: "a call from JavaScript for each edit" },
  { ...wasmInChromium, title: `${wasmInChromium.title}, apply only` },
  { ...inChromium, name: "cowrite-chromium-offline", title: `${inChromium.title}, offline`, apart: true, note: CHROMIUM },
  ...javascript,
  yjsInChromium,
  native("yrs", "yrs"),
  native("diamond-types", "diamond-types"),
  native("text", "our text alone", { limit: true, note: "no operations: the limit" }),
  native("jumprope", "jumprope alone", { limit: true, note: "no operations: the limit" }),
];

/** Runs one library once in a process of its own: in Chromium, in Node.js, or natively. */
export async function runLibrary(subject, request) {
  const { name, library = name, apart, chromium } = subject;
  // A page says where it is from, and our server lets in only those that it knows.
  const port = chromium ? await freePort() : undefined;
  const server = subject.server ? await Server.start("cowrite", chromium ? ["--allowed-origins", `http://127.0.0.1:${port}`] : []) : undefined;
  try {
    const words = { library: subject.server ? "cowrite" : library, url: server?.url, apart, ...request };
    const program = chromium
      ? [process.execPath, path.join(here, "../browser/engine.mjs"), JSON.stringify({ ...words, port, module: programs.module, tokens: { ann: mint("ann"), bob: mint("bob") } })]
      : isNative(subject)
        ? [programs.bench, "engine", JSON.stringify(words)]
        : [process.execPath, "--expose-gc", path.join(here, "libraries/main.mjs"), JSON.stringify(words)];
    return await new Program(program, { core: LOAD_CORE }).result(PATIENCE_MS);
  } finally {
    await server?.end();
  }
}

const isNative = ({ library, server, javascript }) => library !== undefined && !server && !javascript;

/** Rounds of these subjects; those that are slow have one only. */
function each(subjects, count, figures, request) {
  const done = new Map();
  return rounds({
    subjects,
    rounds: count,
    figures,
    measure: async (name) => {
      const subject = subjects.find((one) => one.name === name);
      if (!subject.slow || !done.has(name)) done.set(name, await runLibrary(subject, request));
      return done.get(name);
    },
  });
}

export const traces = {
  name: "traces",
  title: "real editing traces replayed, each patch an edit",
  measure: async ({ quick }) => {
    const figures = [];
    for (const name of quick ? ["sveltecomponent"] : ["sveltecomponent", "rustcode", "automerge-paper"]) {
      // A minute and more for the longest, which says nothing that the others do not.
      const subjects = replayed.filter(({ slow }) => !slow || name === "sveltecomponent");
      figures.push(...await each(subjects, quick || name !== "sveltecomponent" ? 1 : 2, [
        { id: `${name}-time`, title: `${name}: time of an edit`, unit: "ns", better: "less", digits: 0, value: ({ nsPerEdit }) => nsPerEdit },
        { id: `${name}-memory`, title: `${name}: memory at the end (in Node.js what the process grew by)`, unit: "MiB", better: "less", digits: 2, value: ({ memoryMib }) => memoryMib ?? undefined },
        { id: `${name}-bytes`, title: `${name}: stored bytes an edit, with its history`, unit: "bytes", better: "less", digits: 2, value: ({ bytesPerEdit }) => bytesPerEdit ?? undefined },
      ], { kind: "trace", name, file: path.join(root, `tests/traces/${name}.json.gz`) }));
    }
    return figures;
  },
};

export const merge = {
  name: "merge",
  title: "two branches of one text, edited apart and brought together",
  measure: async ({ quick }) => {
    const figures = [];
    for (const edits of quick ? [1000] : [10_000, 100_000]) {
      const subjects = [
        { ...ours, slow: true, note: "both clients in one process, over a server in another" },
        native("engine", "Cowrite, native", { name: "cowrite-engine", note: "two engines, frames, room, log in memory" }),
        { ...inChromium, note: `${CHROMIUM}; both clients in one page` },
        ...javascript,
        yjsInChromium,
        native("yrs", "yrs", { slow: true }),
        native("diamond-types", "diamond-types"),
        // To make 100,000 edits apart takes these minutes.
      ].filter(({ slow }) => !slow || edits <= 10_000);
      const words = edits.toLocaleString("en");
      figures.push(...await each(subjects, quick || edits > 10_000 ? 1 : 2, [
        { id: `${edits}-merge`, title: `two branches of ${words} edits: until both are one`, unit: "ms", better: "less", value: ({ mergeMs }) => mergeMs },
        { id: `${edits}-edit`, title: `two branches of ${words} edits: time of an edit while they are apart`, unit: "µs", better: "less", value: ({ editMs }) => (editMs * 1000) / (2 * edits) },
        { id: `${edits}-bytes`, title: `two branches of ${words} edits: exchanged for it`, unit: "kB", better: "less", digits: 1, value: ({ bytes }) => bytes / 1000 },
      ], { kind: "merge", edits }));
    }
    return figures;
  },
};

export const algebra = {
  name: "algebra",
  title: "two operations of many components, transformed and composed",
  measure: async ({ quick }) => {
    const figures = [];
    for (const components of quick ? [100] : [2, 100, 10_000]) {
      const subjects = [
        native("cowrite", "Cowrite, native", { name: "cowrite-engine" }),
        wasm,
        wasmInChromium,
        native("operational-transform", "operational-transform"),
      ];
      const words = components.toLocaleString("en");
      figures.push(...await each(subjects, quick ? 1 : 2, [
        { id: `${components}-transform`, title: `transform, ${words} components each`, unit: "µs", better: "less", value: ({ transformUs }) => transformUs },
        { id: `${components}-compose`, title: `compose, ${words} components each`, unit: "µs", better: "less", value: ({ composeUs }) => composeUs },
      ], { kind: "algebra", components }));
    }
    return figures;
  },
};
