// Figures as files.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { root } from "../subjects.mjs";

/** Where everything that a run leaves is. */
export const folder = process.env.COWRITE_BENCH_FOLDER ?? path.join(root, "target/bench");

/** Writes `PART.json`, every round in it. */
export async function store(measured) {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, `${measured.part}.json`), `${JSON.stringify(measured, null, 2)}\n`);
}
