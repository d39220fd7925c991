// Every way of having the package in one page, and a worker beside it.
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { CowriteError, connect } from "cowrite";
import { CowriteProvider, useBinding, useDocument, useText } from "cowrite/react";
import { bindTextarea } from "cowrite/textarea";

function Notes() {
  const notes = useDocument("packaged");
  const area = useBinding(notes, (shared, element) => bindTextarea(element, shared));
  return createElement("div", null, createElement("textarea", { ref: area }), createElement("p", { id: "text" }, useText(notes)));
}

createRoot(document.getElementById("root")).render(createElement(CowriteProvider, { url: "/v1/socket", token: "dev:page" }, createElement(Notes)));

const client = connect("/v1/socket", { token: "dev:second" });
const shared = client.open("packaged");
shared.ready.then(() => shared.insert(0, "from the page; "));
client.open("no id!").ready.catch((error) => { globalThis.oneClass = error instanceof CowriteError; });

const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
worker.onmessage = ({ data }) => { document.getElementById("worker").textContent = data; };
worker.postMessage(new URL("/v1/socket", location.href).href);
