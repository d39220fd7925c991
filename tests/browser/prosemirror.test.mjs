import { prosemirror } from "./drivers/prosemirror.mjs";
import { richEditorSuite } from "./rich-editors.mjs";

await richEditorSuite("prosemirror", prosemirror);
await richEditorSuite("tiptap", { ...prosemirror, folder: "prosemirror", page: "tiptap.html" });
