import type { Node } from "prosemirror-model";
import { joinBackward, lift, splitBlock } from "prosemirror-commands";
import { liftListItem, sinkListItem, splitListItem } from "prosemirror-schema-list";
import { type EditorState, TextSelection } from "prosemirror-state";
import { type Random, randomBlocks, randomDocument, randomText, schema } from "./random-document.js";

/** The state after something that a user or a program does. */
export function edited(random: Random, state: EditorState): EditorState {
  const { doc, tr } = state;
  const [a, b] = [random.below(doc.content.size + 1), random.below(doc.content.size + 1)];
  const [from, to] = random.chance(50) ? [Math.min(a, b), Math.max(a, b)] : [a, Math.min(doc.content.size, a + random.below(4))];
  const run = (command: (state: EditorState, dispatch: (tr: typeof state.tr) => void) => boolean) => {
    let next = state.apply(tr.setSelection(TextSelection.between(doc.resolve(from), doc.resolve(to))));
    command(next, (transaction) => (next = next.apply(transaction)));
    return next;
  };
  const item = schema.nodes["list_item"]!;
  switch (random.below(14)) {
    case 0: case 1: return state.apply(tr.insertText(randomText(random), from, to));
    case 2: return state.apply(tr.delete(from, to));
    case 3: return state.apply(tr.addMark(from, to, random.pick([schema.mark("strong"), schema.mark("em"), schema.mark("link", { href: "#n" })])));
    case 4: return state.apply(tr.removeMark(from, to));
    case 5: return state.apply(tr.setBlockType(from, to, random.pick([schema.nodes["paragraph"]!, schema.nodes["code_block"]!])));
    case 6: return state.apply(tr.setBlockType(from, to, schema.nodes["heading"]!, { level: 1 + random.below(6) }));
    case 7: return state.apply(tr.replaceRange(from, to, randomDocument(random).slice(0)));
    case 8: return state.apply(tr.insert(boundary(random, doc), randomBlocks(random, 1)));
    case 9: return run(splitBlock);
    case 10: return run(random.chance(50) ? splitListItem(item) : sinkListItem(item));
    case 11: return run(random.chance(50) ? liftListItem(item) : lift);
    case 12: return run(joinBackward);
    default: {
      const range = doc.resolve(from).blockRange(doc.resolve(to));
      return range && range.depth === 0 ? state.apply(tr.wrap(range, [{ type: schema.nodes["blockquote"]! }])) : state;
    }
  }
}

/** A position between two blocks of the top level. */
function boundary(random: Random, document: Node): number {
  return document.children.slice(0, random.below(document.childCount + 1)).reduce((sum, { nodeSize }) => sum + nodeSize, 0);
}
