import Quill from "quill";
import "quill/dist/quill.snow.css";
import { connect } from "cowrite";
import { bindQuill } from "cowrite/quill";

const parameters = new URLSearchParams(location.search);
const client = connect("/v1/socket", { token: parameters.get("token") ?? "dev:guest" });
const shared = client.open(parameters.get("document") ?? "quill");
const toolbar = [[{ header: [1, 2, 3, false] }], ["bold", "italic", "code", "link"], [{ list: "ordered" }, { list: "bullet" }], ["blockquote", "code-block"], ["clean"]];
const quill = new Quill("#editor", { theme: "snow", modules: { toolbar } });
const onRepair = ({ found, expected }) => console.warn(`the editor was mended: ${found} letters, not ${expected}`);
const binding = bindQuill(quill, shared, { onRepair });

// For the console, and the tests.
globalThis.example = { client, shared, quill, binding, bind: (options) => (example.binding = bindQuill(quill, shared, options)) };
