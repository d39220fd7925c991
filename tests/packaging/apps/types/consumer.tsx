// Every entry's types as a strict application sees them; it is checked, never run.
import { connect, CowriteError, type Delta, type Document, type Member } from "cowrite";
import { CowriteProvider, useBinding, useDocument, useOthers, useStatus, useSuspenseDocument, useText } from "cowrite/react";
import * as svelte from "cowrite/svelte";
import { bindTextarea } from "cowrite/textarea";
import * as vue from "cowrite/vue";
import init, { WasmClient } from "cowrite/wasm";

await init();
using client = connect("wss://example.org/v1/socket", { token: async () => "token", wasm: { WasmClient } });
const notes: Document = client.open("notes", { presence: { name: "Ada" } });
const end: () => void = notes.on("change", ({ delta, origin }: { delta: Delta; origin: string }) => console.log(delta.length, origin));
end();

export function Notes() {
  const shared = useDocument("notes");
  const text: string = useText(shared);
  const names: string[] = useOthers(shared, (others) => others.map(({ name }) => name));
  const others: readonly Member[] = useOthers(shared);
  const readOnly: boolean = useStatus(shared, (status) => status.readOnly);
  const area = useBinding(shared, (document, element: HTMLTextAreaElement) => bindTextarea(element, document));
  // @ts-expect-error: a document may not be there yet
  shared.insert(0, "");
  const loaded: Document = useSuspenseDocument("notes");
  return <p title={names.join()}>{text}{others.length}{readOnly}{loaded.length}<textarea ref={area} /></p>;
}

export const app = <CowriteProvider url="/v1/socket" token="token"><Notes /></CowriteProvider>;
// @ts-expect-error: neither a client nor an address
export const neither = <CowriteProvider><Notes /></CowriteProvider>;

export const length: number = vue.useText(notes, (text) => text.length).value;
svelte.statusOf(notes).subscribe(({ error }) => error instanceof CowriteError && console.log(error.code satisfies string));
