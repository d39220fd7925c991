import { EditorSelection, StateEffect, StateField } from "@codemirror/state";
import { Direction, EditorView, layer, RectangleMarker, type LayerMarker, type ViewUpdate } from "@codemirror/view";
import type { RemoteCaret } from "../binding/carets.js";

/** Replaces the others' carets. */
export const setCarets: ReturnType<typeof StateEffect.define<readonly RemoteCaret[]>> = StateEffect.define<readonly RemoteCaret[]>();

/** The others' carets, carried along with every change of the text. */
export const caretsField: StateField<readonly RemoteCaret[]> = StateField.define<readonly RemoteCaret[]>({
  create: () => [],
  update: (carets, transaction) => {
    const { changes } = transaction;
    if (transaction.docChanged) carets = carets.map((caret) => ({ ...caret, anchor: changes.mapPos(caret.anchor, -1), head: changes.mapPos(caret.head, -1) }));
    for (const effect of transaction.effects) if (effect.is(setCarets)) carets = effect.value;
    return carets;
  },
});

const haveMoved = (update: ViewUpdate) => update.docChanged || update.geometryChanged || update.startState.field(caretsField, false) !== update.state.field(caretsField);

/**
 * Draws the others' carets and names over the text and their selections under it, in layers of their own:
 * what the user edits is left alone, and an input method with it. A caret has the class `cowrite-caret`
 * and the attributes `data-member` and `data-offset`, its name `cowrite-name`, a piece of a selection
 * `cowrite-selection`.
 */
export const caretLayers = [
  layer({
    above: false,
    class: "cowrite-selections",
    update: haveMoved,
    markers: (view) => view.state.field(caretsField).flatMap((caret) => {
      const { anchor, head, color } = caret;
      if (anchor === head) return [];
      return RectangleMarker.forRange(view, "cowrite-selection", EditorSelection.range(anchor, head)).map((box) => new SelectionMarker(box, color));
    }),
  }),
  layer({
    above: true,
    class: "cowrite-carets",
    update: haveMoved,
    markers: (view) => view.state.field(caretsField).flatMap((caret) => {
      // Outside of what is drawn there is no place to ask for.
      const [box] = RectangleMarker.forRange(view, "cowrite-caret", EditorSelection.cursor(caret.head));
      return box ? [new CaretMarker(box, caret, view.textDirection === Direction.RTL)] : [];
    }),
  }),
  EditorView.baseTheme({
    ".cowrite-selection": { opacity: "0.26", borderRadius: "2px" },
    ".cowrite-caret": { width: "0", borderLeft: "2px solid", marginLeft: "-1px" },
    ".cowrite-name": {
      position: "absolute", bottom: "100%", left: "-2px", padding: "0 4px", font: "600 11px/1.3 system-ui, sans-serif",
      color: "#fff", borderRadius: "4px 4px 4px 0", whiteSpace: "nowrap",
    },
    ".cowrite-below .cowrite-name": { bottom: "auto", top: "100%", borderRadius: "0 4px 4px 4px" },
  }),
];

class SelectionMarker implements LayerMarker {
  readonly #box: RectangleMarker;
  readonly #color: string;

  constructor(box: RectangleMarker, color: string) {
    this.#box = box;
    this.#color = color;
  }

  eq(other: SelectionMarker): boolean {
    return this.#color === other.#color && this.#box.eq(other.#box);
  }

  draw(): HTMLElement {
    const mark = this.#box.draw();
    mark.style.backgroundColor = this.#color;
    return mark;
  }
}

class CaretMarker implements LayerMarker {
  readonly #box: RectangleMarker;
  readonly #caret: RemoteCaret;
  readonly #isRightToLeft: boolean;

  constructor(box: RectangleMarker, caret: RemoteCaret, isRightToLeft: boolean) {
    this.#box = box;
    this.#caret = caret;
    this.#isRightToLeft = isRightToLeft;
  }

  eq(other: CaretMarker): boolean {
    const [a, b] = [this.#caret, other.#caret];
    return a.member === b.member && a.head === b.head && a.name === b.name && a.color === b.color && this.#box.eq(other.#box);
  }

  draw(): HTMLElement {
    const mark = this.#box.draw();
    const name = mark.appendChild(mark.ownerDocument.createElement("span"));
    name.className = "cowrite-name";
    this.#fill(mark);
    return mark;
  }

  update(mark: HTMLElement, before: CaretMarker): boolean {
    if (before.#caret.member !== this.#caret.member || !this.#box.update(mark, before.#box)) return false;
    this.#fill(mark);
    return true;
  }

  #fill(mark: HTMLElement): void {
    const { member, name, color, head } = this.#caret;
    const label = mark.firstElementChild as HTMLElement;
    // On the first line there is no room above.
    mark.classList.toggle("cowrite-below", this.#box.top < 16);
    mark.style.borderColor = label.style.backgroundColor = color;
    mark.dataset.member = String(member);
    mark.dataset.offset = String(head);
    label.textContent = name;
    label.dir = this.#isRightToLeft ? "rtl" : "auto";
  }
}

/** Whether two lists show the same. */
export function isEqual(a: readonly RemoteCaret[], b: readonly RemoteCaret[]): boolean {
  return a.length === b.length && a.every((caret, index) => {
    const other = b[index]!;
    return caret.member === other.member && caret.anchor === other.anchor && caret.head === other.head && caret.name === other.name && caret.color === other.color;
  });
}
