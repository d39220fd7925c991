// Figures of a run in pages of the repository, between two marks, so that none is copied by hand.
import { cp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { folder } from "./store.mjs";
import { root } from "../subjects.mjs";

const END = "<!-- end -->";

/** Puts `text` between `<!-- NAME -->` and the next `<!-- end -->` of that file. */
export async function fill(file, name, text) {
  const place = path.join(root, file);
  const page = await readFile(place, "utf8");
  const begin = `<!-- ${name} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error(`${file} has no place for ${name}: ${begin} … ${END}`);
  await writeFile(place, `${page.slice(0, from + begin.length)}\n${text.trim()}\n${page.slice(to)}`);
  console.log(`${file}: ${name} is written`);
}

/** Takes a drawing of a run over into a folder of the repository; gives what shows it in a page there, light or dark as the reader has it. */
export async function pictures(where, name) {
  for (const theme of ["light", "dark"]) await cp(path.join(folder, `${name}.${theme}.svg`), path.join(root, where, `results/${name}.${theme}.svg`), { recursive: true });
  return `<picture>\n<source media="(prefers-color-scheme: dark)" srcset="results/${name}.dark.svg">\n<img alt="Every figure that has a goal, beside the peers and the limit" src="results/${name}.light.svg">\n</picture>`;
}
