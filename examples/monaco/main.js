import * as monaco from "monaco-editor/editor/editor.api.js";
import "monaco-editor/features/register.all.js";
import EditorWorker from "monaco-editor/editor/editor.worker.js?worker";
import { connect } from "cowrite";
import { bindMonaco } from "cowrite/monaco";

globalThis.MonacoEnvironment = { getWorker: () => new EditorWorker() };
const parameters = new URLSearchParams(location.search);
const client = connect("/v1/socket", { token: parameters.get("token") ?? "dev:guest" });
const shared = client.open(parameters.get("document") ?? "monaco");
const editor = monaco.editor.create(document.getElementById("editor"), { automaticLayout: true });
const binding = bindMonaco(editor, shared);

// For the console, and the tests.
globalThis.example = { client, shared, editor, monaco, binding, bind: (options) => (example.binding = bindMonaco(editor, shared, options)) };
