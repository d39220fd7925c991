import { CowriteError, connect } from "cowrite";
import { CowriteProvider } from "cowrite/react";
import { Loaded, Notes } from "./notes.jsx";

export default function Page() {
  // Imported on the server, where nothing may happen by that.
  const server = [typeof connect, typeof CowriteError].join(" ");
  return <CowriteProvider url="/v1/socket" token="dev:next" fallback={<p>waiting</p>}><Notes server={server} /><Loaded /></CowriteProvider>;
}
