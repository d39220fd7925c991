import { monaco } from "./drivers/monaco.mjs";
import { editorSuite } from "./editors.mjs";

await editorSuite("monaco", monaco);
