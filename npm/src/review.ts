import { differenceOf } from "./binding/difference.js";
import type { Component, Delta, QuillDelta } from "./delta.js";

/** One of the texts that a {@link Review} shows. */
export interface ReviewSide {
  /** The text; an embed is U+FFFC. */
  readonly text: string;
  /** The whole content with its attributes, as a delta of inserts. */
  readonly delta: Delta;
}

/** Work that waited for the server, merged with what others did meanwhile. None of it is sent yet. */
export interface Review {
  /** The document's id. */
  readonly id: string;
  /** What both sides started from. */
  readonly before: ReviewSide;
  /** That, with the work that waited. */
  readonly mine: ReviewSide;
  /** What the server has now. */
  readonly theirs: ReviewSide;
  /** That, with the work that waited: what the user sees. */
  readonly merged: ReviewSide;
}

/**
 * What becomes of the work: it is sent as `merged`; it is taken out of the text (`theirs`), with what was
 * typed meanwhile, and stays readable as a proposal of the kind `declined`; or it is sent so that what was
 * `merged` has this text, or is changed by this delta. What happened since the question was asked stays.
 */
export type Verdict =
  | "merged"
  | "theirs"
  | {
      /** What the text shall be. */
      readonly text: string;
    }
  | {
      /** What shall be changed of `merged`. */
      readonly delta: Delta | QuillDelta;
    };

/** Decides about a merge, at once or later. Where it fails, that is reported and the merge is sent. */
export type OnReview = (review: Review) => Verdict | Promise<Verdict>;

/** Which merges are asked about. In any case others must have changed the text meanwhile. */
export interface ReviewRule {
  /** The work waited at least this long, in milliseconds, while no page was open too. Default one hour. */
  readonly waitedMs?: number;
  /** Or: the others, or the work itself, deleted more than this part, 0 to 1, of the text before. Default 0.5. */
  readonly deleted?: number;
}

/** Settings of what is asked before it is sent. */
export interface ReviewOptions {
  /** Decides about work that waited long or changed much. By default it is merged and sent. */
  readonly onReview?: OnReview;
  /** When `onReview` is asked. */
  readonly reviewRule?: ReviewRule;
}

/** @internal The four contents, as the engine tells them. */
export type EngineReview = Readonly<Record<"before" | "mine" | "theirs" | "merged", Delta>>;

/** @internal How the engine takes an answer: whether to send, and with which change of what was merged. */
export interface Answer {
  readonly send: boolean;
  readonly change?: string;
}

/** @internal The rule with its defaults, as the engine takes it. */
export function ruleOf({ waitedMs = 3_600_000, deleted = 0.5 }: ReviewRule = {}): [waitedMs: number, deletedPercent: number] {
  return [Math.max(0, waitedMs), Math.min(100, Math.max(0, Math.round(deleted * 100)))];
}

/** @internal Asks, and gives the answer as the engine takes it. */
export async function decide(id: string, contents: EngineReview, onReview: OnReview): Promise<Answer> {
  const { before, mine, theirs, merged } = contents;
  const verdict = await onReview({ id, before: side(before), mine: side(mine), theirs: side(theirs), merged: side(merged) });
  if (verdict === "merged" || verdict === "theirs") return { send: verdict === "merged" };
  const change = "text" in verdict ? changeTo(textOf(merged), verdict.text) : "ops" in verdict.delta ? verdict.delta.ops : verdict.delta;
  return { send: true, change: JSON.stringify(change) };
}

function side(delta: Delta): ReviewSide {
  return { text: textOf(delta), delta };
}

function textOf(delta: Delta): string {
  return delta.map((part) => ("insert" in part && typeof part.insert === "string" ? part.insert : "\ufffc")).join("");
}

function changeTo(before: string, after: string): Component[] {
  const change = differenceOf(before, after, after.length);
  if (!change) return [];
  const { start, end, insert } = change;
  return [{ retain: start }, { insert }, { delete: end - start }].filter((part) => !!Object.values(part)[0]);
}
