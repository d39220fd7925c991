import type * as monaco from "monaco-editor";
import type { RemoteCaret } from "../binding/carets.js";

/** `TrackedRangeStickiness.NeverGrowsWhenTypingAtEdges`. */
const NEVER_GROWS = 1;

let editors = 0;

/**
 * The others' carets, names and selections as decorations, which the editor carries along with every
 * change. A caret has the class `cowrite-caret`, a selection `cowrite-selection`; colours and names are in a
 * style sheet of its own, which no content security policy refuses.
 */
export class Carets {
  readonly #model: monaco.editor.ITextModel;
  readonly #decorations: monaco.editor.IEditorDecorationsCollection;
  readonly #root: DocumentOrShadowRoot;
  readonly #sheet: CSSStyleSheet;
  /** Goes before a member's number, so that two editors of one page have classes of their own. */
  readonly #prefix: string;
  #rules = "";

  constructor(editor: monaco.editor.ICodeEditor, model: monaco.editor.ITextModel) {
    this.#model = model;
    this.#decorations = editor.createDecorationsCollection();
    editors += 1;
    this.#prefix = `cowrite-${editors}-`;
    const element = editor.getContainerDomNode();
    const page = element.ownerDocument;
    const root = element.getRootNode() as Document | ShadowRoot;
    this.#root = "adoptedStyleSheets" in root ? root : page;
    this.#sheet = new page.defaultView!.CSSStyleSheet();
    this.#root.adoptedStyleSheets = [...this.#root.adoptedStyleSheets, this.#sheet];
  }

  draw(carets: readonly RemoteCaret[]): void {
    const rules = this.#rulesOf(carets);
    if (rules !== this.#rules) this.#sheet.replaceSync((this.#rules = rules));
    const decorations: monaco.editor.IModelDeltaDecoration[] = [];
    for (const { member, anchor, head } of carets) {
      const own = this.#prefix + member;
      const isFirstLine = this.#model.getPositionAt(head).lineNumber === 1;
      decorations.push({
        range: this.#range(head, head),
        options: { stickiness: NEVER_GROWS, beforeContentClassName: `cowrite-caret ${own}${isFirstLine ? " cowrite-below" : ""}`, showIfCollapsed: true },
      });
      if (anchor === head) continue;
      decorations.push({
        range: this.#range(Math.min(anchor, head), Math.max(anchor, head)),
        options: { stickiness: NEVER_GROWS, className: `cowrite-selection ${own}` },
      });
    }
    if (decorations.length > 0 || this.#decorations.length > 0) this.#decorations.set(decorations);
  }

  destroy(): void {
    this.#decorations.clear();
    this.#root.adoptedStyleSheets = this.#root.adoptedStyleSheets.filter((sheet) => sheet !== this.#sheet);
  }

  #rulesOf(carets: readonly RemoteCaret[]): string {
    if (carets.length === 0) return "";
    return [
      ".cowrite-selection { opacity: 0.26; border-radius: 2px; }",
      ".cowrite-caret { position: relative; display: inline-block; width: 0; height: 100%; vertical-align: top; border-left: 2px solid; margin: 0 -1px; z-index: 10; pointer-events: none; }",
      `.cowrite-caret::after { position: absolute; bottom: 100%; left: -2px; padding: 0 4px; font: 600 11px/1.3 system-ui, sans-serif; color: #fff;
        border-radius: 4px 4px 4px 0; white-space: nowrap; }`,
      ".cowrite-caret.cowrite-below::after { bottom: auto; top: 100%; border-radius: 0 4px 4px 4px; }",
      ...carets.flatMap(({ member, name, color }) => {
        const own = `.${this.#prefix}${member}`;
        return [
          `.cowrite-selection${own} { background: ${color}; }`,
          `.cowrite-caret${own} { border-color: ${color}; }`,
          `.cowrite-caret${own}::after { content: ${cssString(name)}; background: ${color}; }`,
        ];
      }),
    ].join("\n");
  }

  #range(start: number, end: number): monaco.IRange {
    const [from, to] = [this.#model.getPositionAt(start), this.#model.getPositionAt(end)];
    return { startLineNumber: from.lineNumber, startColumn: from.column, endLineNumber: to.lineNumber, endColumn: to.column };
  }
}

/** A text as a string of CSS: a name is whatever somebody else has sent. */
function cssString(text: string): string {
  return `"${text.replace(/[^\p{L}\p{N} ]/gu, (letter) => `\\${letter.codePointAt(0)!.toString(16)} `)}"`;
}
