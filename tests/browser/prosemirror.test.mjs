import { prosemirror } from "./drivers/prosemirror.mjs";
import { richEditorSuite } from "./rich-editors.mjs";

/** Whatever the starter kit has, one after the other. */
const everyFormat = async () => {
  const { editor, shared } = example;
  const commands = [
    ["toggleBold"], ["toggleItalic"], ["toggleStrike"], ["toggleUnderline"], ["toggleCode"], ["setLink", { href: "https://example.org/?a=b#c", target: "_blank" }], ["setLink", { href: "mailto:a@example.org" }],
    ["setHeading", { level: 6 }], ["setParagraph"], ["toggleBulletList"], ["toggleOrderedList"], ["toggleBlockquote"], ["setCodeBlock", { language: "rust" }], ["setParagraph"], ["setHardBreak"], ["setHorizontalRule"],
  ];
  for (const [name, given] of commands) {
    editor.chain().setTextSelection({ from: 1, to: 5 })[name](given).run();
    await shared.whenAccepted();
  }
};

await richEditorSuite("prosemirror", prosemirror);
await richEditorSuite("tiptap", { ...prosemirror, folder: "prosemirror", page: "tiptap.html", everyFormat });
