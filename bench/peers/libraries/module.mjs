// The algebra as a WebAssembly module, called from JavaScript for each edit; without an engine.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { programs } from "../subjects.mjs";

const { initSync, Algebra, Applied } = await import(path.join(programs.module, "cowrite.js"));
initSync({ module: await readFile(path.join(programs.module, "cowrite_bg.wasm")) });

export const create = () => new Applied();
export const pair = (components) => new Algebra(components);
