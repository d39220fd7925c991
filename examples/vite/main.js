import { connect } from "cowrite";
import { bindTextarea } from "cowrite/textarea";

const status = document.getElementById("status");
const client = connect("/v1/socket", { token: "dev:vite" });
const shared = client.open("vite");
bindTextarea(document.getElementById("editor"), shared);
shared.on("status", ({ state, pending }) => (status.textContent = pending ? `${pending} waiting` : state));
