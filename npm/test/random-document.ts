import { Schema, type Mark, type Node } from "prosemirror-model";
import { schema as basic } from "prosemirror-schema-basic";
import { addListNodes } from "prosemirror-schema-list";

/** The basic schema with lists, as most editors have it. */
export const schema: Schema = new Schema({ nodes: addListNodes(basic.spec.nodes, "paragraph block*", "block"), marks: basic.spec.marks });

/** Numbers that come again from the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 up to, not including, `below`. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * below);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }
}

const words = ["a", "be", "café", "日本", "😀", " ", "x\u200dy", "\uFFFC", "tab\t", "0"];

/** Any text without a newline, in whole characters. */
export function randomText(random: Random, most = 4): string {
  return Array.from({ length: 1 + random.below(most) }, () => random.pick(words)).join("");
}

/** Any document that the schema allows. */
export function randomDocument(random: Random): Node {
  const document = schema.node("doc", null, randomBlocks(random, 0));
  document.check();
  return document;
}

export function randomBlocks(random: Random, depth: number): Node[] {
  return Array.from({ length: 1 + random.below(depth > 0 ? 3 : 6) }, () => randomBlock(random, depth));
}

function randomBlock(random: Random, depth: number): Node {
  switch (random.below(depth < 4 ? 10 : 6)) {
    case 0: return schema.node("heading", { level: 1 + random.below(6) }, randomInline(random));
    case 1: return schema.node("horizontal_rule");
    case 2: return schema.node("code_block", null, random.chance(20) ? [] : [schema.text(Array.from({ length: 1 + random.below(4) }, () => (random.chance(25) ? "" : randomText(random))).join("\n") || "\n")]);
    case 6: return schema.node("blockquote", null, randomBlocks(random, depth + 1));
    case 7: case 8: return schema.node("bullet_list", null, randomItems(random, depth + 1));
    case 9: return schema.node("ordered_list", { order: random.chance(70) ? 1 : random.below(12) }, randomItems(random, depth + 1));
    default: return schema.node("paragraph", null, randomInline(random));
  }
}

function randomItems(random: Random, depth: number): Node[] {
  return Array.from({ length: 1 + random.below(3) }, () => schema.node("list_item", null, [
    schema.node("paragraph", null, randomInline(random)),
    ...(random.chance(45) ? randomBlocks(random, depth) : []),
  ]));
}

function randomInline(random: Random): Node[] {
  return Array.from({ length: random.below(5) }, () => {
    const marks = randomMarks(random);
    if (random.chance(10)) return schema.node("hard_break", null, undefined, marks);
    if (random.chance(10)) {
      return schema.node("image", { src: random.pick(["a.png", "https://example.org/b.png"]), alt: random.pick([null, "", "an image"]), title: random.pick([null, "a title"]) }, undefined, marks);
    }
    return schema.text(randomText(random), marks);
  });
}

function randomMarks(random: Random): readonly Mark[] {
  let marks: readonly Mark[] = [];
  for (const name of ["strong", "em", "code"]) if (random.chance(20)) marks = schema.mark(name).addToSet(marks);
  if (random.chance(20)) marks = schema.mark("link", { href: random.pick(["https://example.org", "", "#x"]), title: random.pick([null, "a title"]) }).addToSet(marks);
  return marks;
}
