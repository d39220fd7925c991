import { Mark, type Node } from "prosemirror-model";
import type { Attributes, Delta } from "../delta.js";
import { DeltaBuilder, sameJson } from "../rich/iterator.js";
import { lineText, type Line, type Piece } from "../rich/line.js";
import { differenceOf } from "../binding/difference.js";
import { isEmpty, type Mapping } from "./mapping.js";
import { attributesOf, placeKeys, placeOf, samePlace, type Place } from "./place.js";
import type { ShownLine } from "./write.js";

/** A line of the text, and the node that has shown it so far. */
export interface OldLine {
  readonly line: Line;
  readonly leaf: Node;
}

/** A unit or several of one kind: text, an embed, or the newline of a line. */
interface Run {
  readonly insert: Piece["insert"];
  readonly attributes: Attributes;
  /** The line that this is the newline of; else -1. */
  readonly newline: number;
  readonly length: number;
}

/**
 * The delta that makes lines of the text mean what a document shows now. Lines whose node
 * is the very same stay as they are; others are compared by their letters, and keep every
 * attribute that the mapping does not read.
 */
export class LineDifference {
  readonly #mapping: Mapping;
  readonly #old: readonly OldLine[];
  readonly #new: readonly ShownLine[];
  readonly #pieces: readonly (readonly Piece[])[];
  readonly #before: Place | null;
  readonly #delta = new DeltaBuilder();

  /** @param before the place of the line before the first of them, which has not changed */
  constructor(mapping: Mapping, old: readonly OldLine[], shown: readonly ShownLine[], before: Place | null) {
    this.#mapping = mapping;
    this.#old = old;
    this.#new = shown;
    this.#pieces = shown.map((line) => mapping.writer.pieces(line));
    this.#before = before;
  }

  /** @param caret where the user's caret stands, counted in the new lines; it tells equal letters apart */
  delta(caret: number | null): Delta {
    const indices = new Map<Node, number>();
    this.#old.forEach(({ leaf }, index) => indices.has(leaf) || indices.set(leaf, index));
    let [oldDone, newDone] = [0, 0];
    let [offset, next] = [0, 0];
    const gap = (oldEnd: number, newEnd: number) => {
      const length = this.#text(newDone, newEnd).length;
      this.#compare(oldDone, oldEnd, newDone, newEnd, caret === null ? length : Math.max(0, Math.min(caret - offset, length)));
      offset += length;
      [oldDone, newDone] = [oldEnd, newEnd];
    };
    while (next < this.#new.length) {
      const { leaf, part } = this.#new[next]!;
      const index = part === 0 ? indices.get(leaf) : undefined;
      if (index === undefined || index < oldDone) {
        next += 1;
        continue;
      }
      gap(index, next);
      for (; this.#new[next]?.leaf === leaf && this.#old[oldDone]?.leaf === leaf; next += 1) {
        const { line } = this.#old[oldDone]!;
        const content = line.length - (line.ended ? 1 : 0);
        this.#delta.retain(content);
        this.#keepNewline(oldDone, next);
        offset += content + 1;
        oldDone += 1;
        newDone += 1;
      }
    }
    gap(this.#old.length, this.#new.length);
    return this.#delta.finish();
  }

  #text(from: number, to: number): string {
    return this.#pieces.slice(from, to).map((pieces) => pieces.map(({ insert }) => (typeof insert === "string" ? insert : "\uFFFC")).join("") + "\n").join("");
  }

  #compare(oldFrom: number, oldTo: number, newFrom: number, newTo: number, caret: number): void {
    const before = this.#old.slice(oldFrom, oldTo).map(({ line }) => lineText(line) + "\n").join("");
    const after = this.#text(newFrom, newTo);
    const change = differenceOf(before, after, caret) ?? { start: before.length, end: before.length, insert: "" };
    const old = new Runs(this.#old.slice(oldFrom, oldTo).flatMap(({ line }, index) => runsOf(line.pieces, line.attributes, oldFrom + index)));
    const now = new Runs(this.#pieces.slice(newFrom, newTo).flatMap((pieces, index) => runsOf(pieces, {}, newFrom + index)));
    let line = newFrom;
    const keep = (length: number) => {
      while (length > 0) {
        const count = Math.min(length, old.left, now.left);
        const [was, is] = [old.take(count), now.take(count)];
        if (is.newline >= 0) {
          this.#keepNewline(was.newline, is.newline);
          line = is.newline + 1;
        } else this.#keep(was, is, this.#new[line]!);
        length -= count;
      }
    };
    keep(change.start);
    for (let length = change.insert.length; length > 0;) {
      const run = now.take(Math.min(length, now.left));
      length -= run.length;
      if (run.newline >= 0) line = run.newline + 1;
      this.#delta.insert(run.insert, run.newline >= 0 ? this.#attributes(run.newline) : run.attributes);
    }
    for (let length = change.end - change.start; length > 0;) {
      const run = old.take(Math.min(length, old.left));
      length -= run.length;
      // The newline that the text does not have cannot be deleted.
      if (run.newline < 0 || this.#old[run.newline]!.line.ended) this.#delta.delete(run.length);
    }
    keep(before.length - change.end);
  }

  #keep(was: Run, is: Run, { leaf, place }: ShownLine): void {
    const { inline } = this.#mapping;
    const apart = (attributes: Attributes) => changed(was.attributes, attributes, (key) => inline.reads(key, was.insert));
    if (place.leaf.kind === "code") this.#delta.retain(is.length);
    else if (typeof was.insert === "string" && typeof is.insert === "string") {
      const equal = Mark.sameSet(leaf.type.allowedMarks(inline.marks(was.attributes)), inline.marks(is.attributes));
      this.#delta.retain(is.length, equal ? null : apart(is.attributes));
    } else if (inline.node(was, leaf.type).eq(inline.node(is, leaf.type))) this.#delta.retain(1);
    else if (sameJson(was.insert, is.insert)) this.#delta.retain(1, apart(is.attributes));
    else this.#delta.insert(is.insert, is.attributes).delete(1);
  }

  #keepNewline(old: number, now: number): void {
    const { line } = this.#old[old]!;
    const place = placeOf(this.#previous(now), line.attributes, this.#pieces[now]!.length === 0, this.#mapping.schema.can);
    const same = samePlace(place, this.#new[now]!.place);
    if (line.ended) this.#delta.retain(1, same ? null : changed(line.attributes, this.#attributes(now), (key) => (placeKeys as readonly string[]).includes(key)));
    // Only the last line may do without, and an empty one is none, unless it is all there is.
    else if (!same || now < this.#new.length - 1 || (this.#pieces[now]!.length === 0 && this.#previous(now) !== null)) this.#delta.insert("\n", this.#attributes(now));
  }

  #attributes(now: number): Attributes {
    return attributesOf(this.#previous(now), this.#new[now]!.place, this.#mapping.schema.can);
  }

  #previous(now: number): Place | null {
    return now > 0 ? this.#new[now - 1]!.place : this.#before;
  }
}

/** Takes runs in parts. */
class Runs {
  readonly #runs: readonly Run[];
  #index = 0;
  #offset = 0;

  constructor(runs: readonly Run[]) {
    this.#runs = runs;
  }

  get left(): number {
    return this.#runs[this.#index]!.length - this.#offset;
  }

  take(length: number): Run {
    const run = this.#runs[this.#index]!;
    const from = this.#offset;
    if (length < this.left) this.#offset += length;
    else {
      this.#index += 1;
      this.#offset = 0;
    }
    return { ...run, length, insert: typeof run.insert === "string" ? run.insert.slice(from, from + length) : run.insert };
  }
}

function runsOf(pieces: readonly Piece[], attributes: Attributes, newline: number): Run[] {
  return [
    ...pieces.map((piece) => ({ ...piece, newline: -1, length: typeof piece.insert === "string" ? piece.insert.length : 1 })),
    { insert: "\n", attributes, newline, length: 1 },
  ];
}

/** What makes some attributes others, those left alone that nobody reads. */
function changed(was: Attributes, is: Attributes, reads: (key: string) => boolean): Attributes {
  const change: Record<string, unknown> = {};
  for (const key of Object.keys(was)) if (reads(key) && !Object.hasOwn(is, key)) change[key] = null;
  for (const [key, value] of Object.entries(is)) if (!Object.hasOwn(was, key) || !sameJson(was[key], value)) change[key] = value;
  return change;
}

/** Whether the line would be read at that place after `previous`. */
export function standsAt(mapping: Mapping, line: Line, place: Place, previous: Place | null): boolean {
  return samePlace(placeOf(previous, line.attributes, isEmpty(line), mapping.schema.can), place);
}
