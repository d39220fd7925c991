import { basicSetup, EditorView } from "codemirror";
import { connect } from "cowrite";
import { bindCodeMirror } from "cowrite/codemirror";

const parameters = new URLSearchParams(location.search);
const client = connect("/v1/socket", { token: parameters.get("token") ?? "dev:guest" });
const shared = client.open(parameters.get("document") ?? "codemirror");
const view = new EditorView({ parent: document.getElementById("editor"), extensions: basicSetup });
const binding = bindCodeMirror(view, shared);

// For the console, and the tests.
globalThis.example = { client, shared, view, binding, bind: (options) => (example.binding = bindCodeMirror(view, shared, options)) };
