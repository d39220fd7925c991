// Figures of a run in pages of the repository, between two marks, so that none is copied by hand.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
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
