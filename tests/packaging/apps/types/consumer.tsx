// Every entry's types as a strict application sees them; it is checked, never run.
import { connect, CowriteError, type Delta, type Document, type Member } from "cowrite";
import { bindCodeMirror, collaboration, type Binding } from "cowrite/codemirror";
import { Inspector, type Frame } from "cowrite/inspector";
import { bindMonaco } from "cowrite/monaco";
import { contentOf, cowrite, documentOf } from "cowrite/prosemirror";
import { bindQuill } from "cowrite/quill";
import { CowriteProvider, useBinding, useDocument, useOthers, useStatus, useSuspenseDocument, useText, useUndo } from "cowrite/react";
import { Cowrite } from "cowrite/tiptap";
import * as svelte from "cowrite/svelte";
import { bindTextarea } from "cowrite/textarea";
import * as vue from "cowrite/vue";
import init, { WasmClient } from "cowrite/wasm";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { Editor } from "@tiptap/core";
import type { editor } from "monaco-editor";
import { Schema } from "prosemirror-model";
import * as prosemirror from "prosemirror-state";
import Quill from "quill";

await init();
using client = connect("wss://example.org/v1/socket", { token: async () => "token", wasm: { WasmClient } });
const notes: Document = client.open("notes", { presence: { name: "Ada" } });
const end: () => void = notes.on("change", ({ delta, origin }: { delta: Delta; origin: string }) => console.log(delta.length, origin));
end();

const inspector = new Inspector();
inspector.on("frame", ({ kind, bytes, direction }: Frame) => console.log(kind.length + bytes, direction satisfies "up" | "down"));
connect("wss://example.org/v1/socket", { token: "token", socket: inspector.socket, storage: true, onReview: () => "merged" }).close();

export function Notes() {
  const shared = useDocument("notes");
  const text: string = useText(shared);
  const names: string[] = useOthers(shared, (others) => others.map(({ name }) => name));
  const others: readonly Member[] = useOthers(shared);
  const readOnly: boolean = useStatus(shared, (status) => status.readOnly);
  const area = useBinding(shared, (document, element: HTMLTextAreaElement) => bindTextarea(element, document));
  const { undo, canUndo } = useUndo(shared);
  const undone: boolean = canUndo && undo();
  // @ts-expect-error: a document may not be there yet
  shared.insert(0, "");
  const loaded: Document = useSuspenseDocument("notes");
  return <p title={names.join()} hidden={undone}>{text}{others.length}{readOnly}{loaded.length}<textarea ref={area} /></p>;
}

export const app = <CowriteProvider url="/v1/socket" token="token"><Notes /></CowriteProvider>;
// @ts-expect-error: neither a client nor an address
export const neither = <CowriteProvider><Notes /></CowriteProvider>;

export const length: number = vue.useText(notes, (text) => text.length).value;
svelte.statusOf(notes).subscribe(({ error }) => error instanceof CowriteError && console.log(error.code satisfies string));

const undo: () => boolean = vue.useUndo(notes).value.undo;
svelte.undoOf(notes).subscribe(({ canRedo }) => canRedo && undo());

export function editors(view: EditorView, monaco: editor.IStandaloneCodeEditor, schema: Schema): Binding[] {
  EditorState.create({ extensions: [collaboration(notes)] });
  prosemirror.EditorState.create({ schema, plugins: [cowrite(notes)] });
  new Editor({ extensions: [Cowrite.configure({ document: notes })] });
  bindQuill(new Quill("#editor"), notes).destroy();
  documentOf(schema, contentOf(schema.topNodeType.createAndFill()!)).check();
  // @ts-expect-error: not an editor
  bindMonaco(notes, notes);
  return [bindCodeMirror(view, notes, { cursors: false, onError: ({ code }) => console.log(code) }), bindMonaco(monaco, notes)];
}
