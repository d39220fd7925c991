import type { EditorState } from "prosemirror-state";
import { Decoration, DecorationSet } from "prosemirror-view";
import type { RemoteCaret } from "../binding/carets.js";

/**
 * The others' carets as decorations, which move along with edits by themselves. A caret
 * has the class `cowrite-caret` and the attribute `data-member`, its name `cowrite-name`,
 * a selected piece `cowrite-selection`; all styles can be overruled by a page's own.
 *
 * @param position where an offset of the text stands in the document
 */
export function caretDecorations(state: EditorState, carets: readonly RemoteCaret[], position: (offset: number) => number): DecorationSet {
  const decorations: Decoration[] = [];
  for (const caret of carets) {
    const [anchor, head] = [position(caret.anchor), position(caret.head)];
    if (anchor !== head) {
      const style = `background-color: color-mix(in srgb, ${caret.color} 26%, transparent)`;
      decorations.push(Decoration.inline(Math.min(anchor, head), Math.max(anchor, head), { class: "cowrite-selection", style }));
    }
    const key = [caret.member, caret.name, caret.color].join("\u0000");
    decorations.push(Decoration.widget(head, (view) => caretElement(view.dom.ownerDocument, caret), { key, side: 1, ignoreSelection: true, caret }));
  }
  return DecorationSet.create(state.doc, decorations);
}

/** An element that stands in the line and takes no room in it. */
function caretElement(page: Document, { member, name, color }: RemoteCaret): HTMLElement {
  const element = page.createElement("span");
  element.className = "cowrite-caret";
  element.dataset["member"] = String(member);
  element.setAttribute("aria-hidden", "true");
  Object.assign(element.style, { position: "relative", borderLeft: `2px solid ${color}`, margin: "0 -1px", pointerEvents: "none", userSelect: "none" });
  const label = page.createElement("span");
  label.className = "cowrite-name";
  label.textContent = name;
  Object.assign(label.style, {
    position: "absolute", bottom: "100%", left: "-2px", padding: "0 4px", background: color, color: "#fff", font: "600 11px/1.3 system-ui, sans-serif",
    whiteSpace: "nowrap", borderRadius: "4px 4px 4px 0", textIndent: "0",
  });
  element.append(label);
  return element;
}
