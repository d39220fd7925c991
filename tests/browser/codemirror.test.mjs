import { codemirror } from "./drivers/codemirror.mjs";
import { editorSuite } from "./editors.mjs";

await editorSuite("codemirror", codemirror);
