"use client";
import { Suspense } from "react";
import { useBinding, useDocument, useStatus, useSuspenseDocument, useText } from "cowrite/react";
import { bindTextarea } from "cowrite/textarea";

export function Notes({ server }) {
  const notes = useDocument("packaged");
  const area = useBinding(notes, (shared, element) => bindTextarea(element, shared));
  return <div><textarea ref={area} /><p id="text">{useText(notes)}</p><p id="state">{useStatus(notes, ({ state }) => state)}</p><p id="server">{server}</p></div>;
}

export function Loaded() {
  return <Suspense fallback={<p id="loading">loading</p>}><Length /></Suspense>;
}

function Length() {
  return <p id="length">{useText(useSuspenseDocument("packaged"), (text) => text.length)}</p>;
}
