// The three documents of the gallery. A document's id says what it is, so that one link is enough.

/** Each kind: how its ids begin, what it is called, and the module with its editor. */
export const kinds = {
  plain: { prefix: "", label: "Plain text", editor: () => import("./editors/plain.js") },
  rich: { prefix: "rich:", label: "Rich text", editor: () => import("./editors/rich.js") },
  code: { prefix: "code:", label: "Code", editor: () => import("./editors/code.js") },
};

/** The name of the kind that an id belongs to. */
export function kindOf(id) {
  return Object.keys(kinds).find((name) => kinds[name].prefix && id.startsWith(kinds[name].prefix)) ?? "plain";
}

/** The id of the document that everybody meets in. */
export function welcomeOf(kind) {
  return `${kinds[kind].prefix}welcome`;
}

/** What the documents that everybody meets in begin with; `null` for all others. */
export function welcomeText(id) {
  return id === welcomeOf(kindOf(id)) ? welcomeTexts[kindOf(id)] : null;
}

const welcomeTexts = {
  plain: [{ insert: `Welcome to Cowrite.

Type here, and watch the other side: two people share this text, each with a connection of their own.

Things to try:
 1. Write on both sides at once, even in the same word.
 2. Switch one side offline, keep writing on both, and switch it on again.
 3. Slow one side down and type: in the inspector below an edit leaves as a Submit and is accepted when its Ack comes back. What is typed meanwhile waits in the buffer, and leaves as one edit.
 4. Open this page in another window, or send its link to somebody on this machine.
` }],
  rich: [
    { insert: "Rich text, one engine" }, { insert: "\n", attributes: { header: 1 } },
    { insert: "Formats are edits like any other: make a word " }, { insert: "bold", attributes: { bold: true } },
    { insert: " on one side while the other side writes in the middle of it.\nBoth agree on" }, { insert: "\n" },
    { insert: "what is said" }, { insert: "\n", attributes: { list: "bullet" } },
    { insert: "how it looks" }, { insert: "\n", attributes: { list: "bullet" } },
    { insert: "who may undo what: only one’s own edits" }, { insert: "\n", attributes: { list: "bullet" } },
    { insert: "The server validates and orders; it never merges by guessing." }, { insert: "\n", attributes: { blockquote: true } },
  ],
  code: [{ insert: `// A pair of editors, one file. Rename something here while the other side writes below.
import { connect } from "cowrite";
import { bindCodeMirror } from "cowrite/codemirror";

const client = connect("/v1/socket", { token: fetchToken });
const shared = client.open("main.js");
bindCodeMirror(view, shared);

function greet(people) {
  for (const { name } of people) {
    console.log(\`Hello, \${name}!\`);
  }
}

shared.on("presence", greet);
` }],
};
