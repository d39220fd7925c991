import { quill } from "./drivers/quill.mjs";
import { richEditorSuite } from "./rich-editors.mjs";

await richEditorSuite("quill", quill);
