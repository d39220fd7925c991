import type { Node } from "prosemirror-model";
import { componentLength, type Component, type Delta } from "../delta.js";
import { compose } from "../rich/compose.js";
import { DeltaBuilder } from "../rich/iterator.js";
import { contentOf, emptyLine, linesOf } from "../rich/line.js";
import { LineDifference, standsAt } from "./difference.js";
import type { Mapping } from "./mapping.js";
import { continuesBlock, type Place } from "./place.js";
import type { Block, PlacedLine } from "./read.js";

/** Nodes of the top level to be put in place of others. */
export interface Replaced {
  /** Index of the first. */
  readonly index: number;
  /** How many go. */
  readonly removed: number;
  readonly nodes: readonly Node[];
}

/**
 * The text that an editor shows, by blocks, each beside the node that shows it. A change
 * costs what the blocks that it touches cost, and a look at the length of each other.
 */
export class Shadow {
  readonly mapping: Mapping;
  #blocks: Block[];

  constructor(mapping: Mapping, content: Delta = []) {
    this.mapping = mapping;
    this.#blocks = mapping.blocks(content);
  }

  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  /** Length of the text in UTF-16 code units. */
  get length(): number {
    return this.#blocks.reduce((length, block) => length + block.length, 0);
  }

  /** The text. Linear. */
  get content(): Delta {
    return contentOf(this.#blocks.flatMap(({ lines }) => lines).map(({ line }) => line));
  }

  /** Holds another text from here on; answers what that replaces in `document`, the blocks that stay apart. */
  reset(content: Delta, document: Node): Replaced {
    const blocks = this.mapping.blocks(content);
    const old = document.children;
    let index = 0;
    let same = 0;
    while (index < old.length && index < blocks.length && old[index]!.eq(blocks[index]!.node)) index += 1;
    while (same < Math.min(old.length, blocks.length) - index && old[old.length - 1 - same]!.eq(blocks[blocks.length - 1 - same]!.node)) same += 1;
    this.#blocks = blocks;
    return { index, removed: old.length - same - index, nodes: blocks.slice(index, blocks.length - same).map(({ node }) => node) };
  }

  /** Takes a change of the text; answers what it replaces, each on the document as the ones before have left it. */
  apply(delta: Delta): Replaced[] {
    const replaced: Replaced[] = [];
    let shift = 0;
    for (const { start, end, change } of this.#clusters(delta)) {
      replaced.push(this.#applyWithin(start + shift, end + shift, change));
      shift += change.reduce((sum, component) => sum + ("insert" in component ? componentLength(component) : "delete" in component ? -component.delete : 0), 0);
    }
    return replaced;
  }

  /**
   * Takes the document that the editor shows now; answers the change of the text that it
   * means, and what has to be replaced because no text means that document.
   *
   * @param caret where the user's caret stands, as a position in the document
   */
  read(document: Node, caret: number | null): { readonly delta: Delta; readonly repair: Replaced | null } {
    const { old, now } = { old: this.#blocks, now: document.children };
    let index = 0;
    let same = 0;
    while (index < old.length && index < now.length && old[index]!.node === now[index]) index += 1;
    // The empty line of the empty text is one only as long as there is no other.
    const most = this.length === 0 ? 0 : Math.min(old.length, now.length) - index;
    while (same < most && old[old.length - 1 - same]!.node === now[now.length - 1 - same]) same += 1;
    if (index === old.length && index === now.length) return { delta: [], repair: null };
    // A last line without a newline needs one before anything can follow it.
    if (index === old.length && old.length > 0) index -= 1;
    const before = this.#placeBefore(index);
    let shown = this.mapping.writer.shown(now.slice(index, now.length - same));
    while (same > 0) {
      const { line, place } = old[old.length - same]!.lines[0]!;
      if (standsAt(this.mapping, line, place, shown.at(-1)?.place ?? before)) break;
      same -= 1;
      shown = this.mapping.writer.shown(now.slice(index, now.length - same));
    }
    const [oldBlocks, newNodes] = [old.slice(index, old.length - same), now.slice(index, now.length - same)];
    const leaves = this.mapping.writer.shown(oldBlocks.map(({ node }) => node));
    const oldLines = oldBlocks.flatMap(({ lines }) => lines).map(({ line }, at) => ({ line, leaf: leaves[at]!.leaf }));
    const caretWithin = caret === null ? null : offsetWithin(shown, caret - positionOf(now, index));
    const delta = new LineDifference(this.mapping, oldLines, shown, before).delta(caretWithin);
    const blocks = this.#blocksOf(compose(contentOf(oldLines.map(({ line }) => line)), delta), before, index === 0 && same === 0);
    const fits = blocks.length === newNodes.length && blocks.every(({ node }, at) => node.eq(newNodes[at]!));
    this.#blocks = [...old.slice(0, index), ...(fits ? blocks.map((block, at) => ({ ...block, node: newNodes[at]! })) : blocks), ...old.slice(old.length - same)];
    return {
      delta: shifted(delta, this.#offset(index)),
      repair: fits ? null : { index, removed: newNodes.length, nodes: blocks.map(({ node }) => node) },
    };
  }

  /** Where an offset of the text stands in the document; one behind the end stands at the end. */
  position(offset: number): number {
    let position = 0;
    for (const { node, lines, length } of this.#blocks) {
      if (offset < length || (offset === length && !lines.at(-1)!.line.ended)) {
        const shown = this.mapping.writer.shown([node]);
        let at = 0;
        while (at < lines.length - 1 && offset >= lines[at]!.line.length) offset -= lines[at++]!.line.length;
        const line = shown[at]!;
        return position + line.position + (line.leaf.isTextblock ? 1 + line.from + offset : 0);
      }
      offset -= length;
      position += node.nodeSize;
    }
    const last = this.mapping.writer.shown([this.#blocks.at(-1)!.node]).at(-1)!;
    return position - this.#blocks.at(-1)!.node.nodeSize + last.position + (last.leaf.isTextblock ? 1 + last.leaf.content.size : 1);
  }

  /** The offset of the text that a position in the document stands for. */
  offset(position: number): number {
    let offset = 0;
    for (const { node, length } of this.#blocks) {
      if (position < node.nodeSize) return offset + offsetWithin(this.mapping.writer.shown([node]), position);
      offset += length;
      position -= node.nodeSize;
    }
    const last = this.#blocks.at(-1)!.lines.at(-1)!.line;
    return last.ended ? offset - 1 : offset;
  }

  /** A change's parts that touch different blocks, each with what it does from `start` on. */
  #clusters(delta: Delta): { start: number; end: number; change: Component[] }[] {
    const clusters: { start: number; end: number; change: Component[] }[] = [];
    let at = 0;
    for (const component of delta) {
      const length = "insert" in component ? 0 : componentLength(component);
      if ("retain" in component && !component.attributes) {
        at += length;
        continue;
      }
      const last = clusters.at(-1);
      if (last && (last.end === at || this.#blockAt(last.end) === this.#blockAt(at))) {
        last.change.push(...retained(at - last.end), component);
        last.end = at + length;
      } else clusters.push({ start: at, end: at + length, change: [component] });
      at += length;
    }
    return clusters;
  }

  #applyWithin(start: number, end: number, change: Delta): Replaced {
    const old = this.#blocks;
    let index = this.#blockAt(start);
    let last = Math.max(this.#blockAt(Math.max(start, end - 1)), index) + 1;
    for (;;) {
      const region = contentOf(old.slice(index, last).flatMap(({ lines }) => lines).map(({ line }) => line));
      const content = compose(region, [...retained(start - this.#offset(index)), ...change]);
      // Where its newline went, the next line is a part of this one.
      if (last < old.length && content.length > 0 && !endsLine(content)) {
        last += 1;
        continue;
      }
      const before = this.#placeBefore(index);
      const lines = this.#placed(content, before, index === 0 && last === old.length);
      const joins = (placed: PlacedLine | undefined) => placed !== undefined && continuesBlock(placed.place);
      if (index > 0 && joins(lines[0])) {
        index -= 1;
        continue;
      }
      const next = old[last]?.lines[0];
      if (next && !standsAt(this.mapping, next.line, next.place, lines.at(-1)?.place ?? before)) {
        last += 1;
        continue;
      }
      const blocks = this.mapping.reader.blocks(lines);
      this.#blocks = [...old.slice(0, index), ...blocks, ...old.slice(last)];
      return { index, removed: last - index, nodes: blocks.map(({ node }) => node) };
    }
  }

  #blocksOf(content: Delta, before: Place | null, whole: boolean): Block[] {
    return this.mapping.reader.blocks(this.#placed(content, before, whole));
  }

  #placed(content: Delta, before: Place | null, whole: boolean): PlacedLine[] {
    const lines = linesOf(content);
    return this.mapping.placed(lines.length === 0 && whole ? [emptyLine] : lines, before);
  }

  /** The block that an offset lies in; the last one for the end of the text. */
  #blockAt(offset: number): number {
    let end = 0;
    const found = this.#blocks.findIndex(({ length }) => (end += length) > offset);
    return found < 0 ? this.#blocks.length - 1 : found;
  }

  #offset(index: number): number {
    let offset = 0;
    for (let at = 0; at < index; at += 1) offset += this.#blocks[at]!.length;
    return offset;
  }

  #placeBefore(index: number): Place | null {
    return this.#blocks[index - 1]?.lines.at(-1)!.place ?? null;
  }
}

function retained(length: number): Component[] {
  return length > 0 ? [{ retain: length }] : [];
}

/** A delta on a part of the text as one on the whole. */
function shifted(delta: Delta, by: number): Delta {
  return delta.reduce((all, component) => all.push(component), new DeltaBuilder().retain(by)).finish();
}

function endsLine(content: Delta): boolean {
  const last = content.at(-1)!;
  return "insert" in last && typeof last.insert === "string" && last.insert.endsWith("\n");
}

function positionOf(nodes: readonly Node[], index: number): number {
  let position = 0;
  for (let at = 0; at < index; at += 1) position += nodes[at]!.nodeSize;
  return position;
}

/** The offset, from the first of these lines on, that a position among their nodes stands for. */
function offsetWithin(shown: readonly { leaf: Node; part: number; from: number; position: number }[], position: number): number {
  let offset = 0;
  for (let at = 0; at < shown.length; at += 1) {
    const { leaf, from, position: start } = shown[at]!;
    const next = shown[at + 1];
    const size = leaf.isTextblock ? (next?.leaf === leaf && next.position === start ? next.from - from - 1 : leaf.content.size - from) : 0;
    const into = position - (start + (leaf.isTextblock ? 1 : 0)) - from;
    if (into <= size) return offset + Math.max(0, into);
    offset += size + 1;
  }
  return Math.max(0, offset - 1);
}
