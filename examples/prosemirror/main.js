import "prosemirror-view/style/prosemirror.css";
import { baseKeymap, setBlockType, toggleMark } from "prosemirror-commands";
import { keymap } from "prosemirror-keymap";
import { liftListItem, sinkListItem, splitListItem, wrapInList } from "prosemirror-schema-list";
import { EditorState } from "prosemirror-state";
import { EditorView } from "prosemirror-view";
import { connect } from "cowrite";
import { cowrite } from "cowrite/prosemirror";
import { schema } from "./schema.js";

const parameters = new URLSearchParams(location.search);
const client = connect("/v1/socket", { token: parameters.get("token") ?? "dev:guest" });
const shared = client.open(parameters.get("document") ?? "prosemirror");
const { list_item: item, bullet_list: list, heading, paragraph } = schema.nodes;
const keys = {
  "Mod-b": toggleMark(schema.marks.strong), "Mod-i": toggleMark(schema.marks.em), "Mod-`": toggleMark(schema.marks.code),
  "Mod-Alt-1": setBlockType(heading, { level: 1 }), "Mod-Alt-0": setBlockType(paragraph), "Mod-Shift-8": wrapInList(list),
  Enter: splitListItem(item), Tab: sinkListItem(item), "Shift-Tab": liftListItem(item),
};
const onRepair = ({ found, expected }) => console.warn(`the editor was mended: ${found} letters, not ${expected}`);
const view = new EditorView(document.getElementById("editor"), {
  state: EditorState.create({ schema, plugins: [cowrite(shared, { onRepair }), keymap(keys), keymap(baseKeymap)] }),
});

// For the console, and the tests.
const plugins = (...first) => view.updateState(view.state.reconfigure({ plugins: [...first, keymap(keys), keymap(baseKeymap)] }));
globalThis.example = { client, shared, view, bind: (options) => plugins(cowrite(shared, options)), unbind: () => plugins() };
