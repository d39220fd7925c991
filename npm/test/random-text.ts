import type { Attributes, Component, Delta } from "../src/delta.js";
import { compose } from "../src/rich/compose.js";
import { type Random, randomText } from "./random-document.js";

/** Attributes that somebody may send, sensible or not. */
export function randomAttributes(random: Random): Attributes {
  const values: Record<string, readonly unknown[]> = {
    header: [1, 6, 7, 1e9, -1, "2", true, 1.5], list: ["bullet", "ordered", "checked", 5], indent: [1, 2, 8, 1e9, -3, "1"],
    blockquote: [true, "x", false], "code-block": [true, "plain", "rust", false, 3], divider: [true, 1],
    nest: ["q", "Q", "b", "B", "U", "O7", "qb", "QB", "bq", "bB", "qqo", "UC", "C", "N999999999999", "", "?", 4, "b".repeat(500)],
    bold: [true, false, "yes"], italic: [true], code: [true], link: ["#a", { href: "#b", title: "t" }, { title: "t" }, 3, true, {}], alt: ["x", 5], title: ["t", {}], strange: [{ deep: [1] }],
  };
  const attributes: Record<string, unknown> = {};
  for (const key of Object.keys(values)) if (random.chance(14)) attributes[key] = random.pick(values[key]!);
  return attributes;
}

function randomInsert(random: Random): Component {
  const embeds = [{ image: "x.png" }, { image: 5 }, { image: { src: "y" } }, { break: true }, { video: "v" }, { horizontal_rule: true }, { paragraph: {} }, { text: "t" }, {}];
  const insert = random.chance(20) ? random.pick(embeds) : random.chance(45) ? "\n".repeat(1 + random.below(2)) : randomText(random);
  return { insert, attributes: randomAttributes(random) };
}

/** Any content, made by any program. */
export function randomContent(random: Random): Delta {
  return compose([], Array.from({ length: random.below(14) }, () => randomInsert(random)));
}

/** The length of a content. */
export function lengthOf(content: Delta): number {
  return content.reduce((sum, component) => sum + ("insert" in component && typeof component.insert === "string" ? component.insert.length : 1), 0);
}

/** One person's edits of a content, as one delta on it. */
export function randomEdits(random: Random, content: Delta, count: number): Delta {
  let all: Delta = [];
  for (; count > 0; count -= 1) {
    const length = lengthOf(compose(content, all));
    const at = random.below(length + 1);
    const span = Math.min(length - at, random.below(8));
    const attributes = Object.fromEntries(Object.entries(randomAttributes(random)).map(([key, value]) => [key, random.chance(25) ? null : value]));
    const edit: Component[] = at > 0 ? [{ retain: at }] : [];
    if (random.chance(50)) edit.push(randomInsert(random));
    if (span > 0) edit.push(random.chance(50) ? { delete: span } : { retain: span, attributes });
    all = compose(all, edit);
  }
  return all;
}
