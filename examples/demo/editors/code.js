// Code in CodeMirror 6.
import { basicSetup, EditorView } from "codemirror";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { javascript } from "@codemirror/lang-javascript";
import { tags } from "@lezer/highlight";
import { collaboration } from "cowrite/codemirror";

// By the page's own colours, so that light and dark are one theme.
const theme = EditorView.theme({
  "&": { height: "100%", background: "transparent", color: "var(--ink)", fontSize: "14px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.65" },
  ".cm-content": { padding: "24px 8px 30vh", caretColor: "var(--accent)" },
  ".cm-gutters": { background: "transparent", color: "var(--soft)", border: "0", paddingLeft: "10px" },
  ".cm-activeLine, .cm-activeLineGutter": { background: "color-mix(in srgb, var(--ink) 4%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--accent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "color-mix(in srgb, var(--accent) 24%, transparent)" },
  ".cm-panels": { background: "var(--ground)", color: "var(--ink)" },
  ".cm-tooltip": { background: "var(--paper)", border: "1px solid var(--line)" },
});
const colors = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.definition(tags.variableName)], color: "var(--code-name)" },
]);

/** As in plain.js. */
export function mount(host, shared, { id, onError }) {
  const view = new EditorView({
    parent: host,
    extensions: [
      basicSetup, javascript(), theme, syntaxHighlighting(colors), EditorView.lineWrapping, collaboration(shared, { onError }),
      EditorView.contentAttributes.of({ "aria-label": "Text of the document", ...(id && { id }) }),
    ],
  });
  return {
    focus: () => view.focus(),
    destroy() {
      view.destroy();
      host.replaceChildren();
    },
  };
}
