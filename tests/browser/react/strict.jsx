// Strict mode, Suspense and error boundaries; the test mounts and unmounts it.
import { Component, StrictMode, Suspense, useState } from "react";
import { createRoot } from "react-dom/client";
import { CowriteProvider, useDocument, useSuspenseDocument, useText } from "cowrite/react";

function Loaded({ id }) {
  const loaded = useSuspenseDocument(id);
  return <p id={`loaded-${id}`}>{loaded.role} {useText(loaded)}</p>;
}
function Plain() {
  const plain = (globalThis.plain = useDocument("plain"));
  return <p id="plain">{useText(plain)}</p>;
}
class Boundary extends Component {
  state = { code: null };
  static getDerivedStateFromError = ({ code }) => ({ code });
  render() {
    return this.state.code ? <p id="error">{this.state.code}</p> : this.props.children;
  }
}
function App() {
  const [shown, setShown] = useState(true);
  globalThis.show = setShown;
  return shown && <CowriteProvider url="/v1/socket" token={() => "dev:strict"} fallback={<p>connecting</p>}>
    <Plain />
    <Plain />
    <Suspense fallback={<p>loading</p>}><Loaded id="plain" /><Loaded id="other" /></Suspense>
    <Boundary><Suspense><Loaded id="no id!" /></Suspense></Boundary>
  </CowriteProvider>;
}

createRoot(document.getElementById("root")).render(<StrictMode><App /></StrictMode>);
