/**
 * A document's text as an element shows it. A textarea knows line feeds only: it drops
 * the carriage return of a pair and makes a lone one a line feed; an input drops both.
 * Documents may hold any of them, so offsets are translated at this edge.
 */
export class View {
  /** The text that the element shows. */
  readonly text: string;
  /** Whether the element shows the document's text as it is, so that both are the same string. */
  readonly isPlain: boolean;
  /** Offsets, in the document, of the units that are not shown; rising. */
  readonly #dropped: readonly number[];

  /** The view of a document's text. Linear. */
  constructor(text: string, singleLine: boolean) {
    const dropped: number[] = [];
    this.isPlain = !hasBreaks(text, singleLine);
    if (!this.isPlain) {
      const pattern = singleLine ? /[\r\n]/g : /\r(?=\n)/g;
      for (const match of text.matchAll(pattern)) dropped.push(match.index);
      text = text.replace(pattern, "").replaceAll("\r", "\n");
    }
    this.text = text;
    this.#dropped = dropped;
  }

  /** Where an offset of the document lies in the element. */
  toView(offset: number): number {
    return offset - countWhile(this.#dropped, (at) => at < offset);
  }

  /** Where an offset of the element lies in the document: before what is not shown there. */
  toDocument(offset: number): number {
    return offset + countWhile(this.#dropped, (at, index) => at - index < offset);
  }
}

/** Whether a text holds anything that an element would not show as it is. */
export function hasBreaks(text: string, singleLine: boolean): boolean {
  return text.includes("\r") || (singleLine && text.includes("\n"));
}

function countWhile(offsets: readonly number[], holds: (offset: number, index: number) => boolean): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(offsets[middle]!, middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
