import { textarea } from "./drivers/textarea.mjs";
import { editorSuite } from "./editors.mjs";

await editorSuite("textarea", textarea);
