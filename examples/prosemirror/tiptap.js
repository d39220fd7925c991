import { Editor } from "@tiptap/core";
import StarterKit from "@tiptap/starter-kit";
import { connect } from "cowrite";
import { Cowrite } from "cowrite/tiptap";

const parameters = new URLSearchParams(location.search);
const client = connect("/v1/socket", { token: parameters.get("token") ?? "dev:guest" });
const shared = client.open(parameters.get("document") ?? "prosemirror");
const onRepair = ({ found, expected }) => console.warn(`the editor was mended: ${found} letters, not ${expected}`);
const editor = new Editor({
  element: document.getElementById("editor"),
  extensions: [StarterKit.configure({ undoRedo: false, trailingNode: false }), Cowrite.configure({ document: shared, onRepair })],
});

// For the console, and the tests.
globalThis.example = { client, shared, view: editor.view, editor };
