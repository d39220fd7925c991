// The editors that can be bound, in one table: for what all of them have to do alike.
import assert from "node:assert/strict";
import { buildExample } from "./bundle.mjs";
import { codemirror } from "./drivers/codemirror.mjs";
import { monaco } from "./drivers/monaco.mjs";
import { prosemirror } from "./drivers/prosemirror.mjs";
import { quill } from "./drivers/quill.mjs";
import { textarea } from "./drivers/textarea.mjs";
import { DEADLINE_MS, Server, borrowContext, until, watchErrors } from "./harness.mjs";

/**
 * Each editor with the functions by which it is tried; they run in its page. `text` is what it shows, without the
 * newline that ends a rich text; `select([anchor, head])` gives it the focus, `selection` is the same; `rebind`
 * ends the binding and begins another with `globalThis.options`, `unbind` ends it alone; `trip(when)` has the
 * application's own code throw within the editor, once: `before` or `after` it takes the next change of others, or
 * when it tells of the user's `own`.
 * `reports` says whether its binding tells of a repair.
 */
export const editors = {
  textarea: {
    ...textarea,
    reports: true,
    unbind: () => example.binding.destroy(),
    rebind: () => (example.binding.destroy(), void example.bind(globalThis.options)),
    trip: (when) => {
      const { area } = example;
      const trip = () => {
        delete area.setRangeText;
        removeEventListener("input", listen, true);
        throw new Error("made to fail");
      };
      const listen = (event) => event.target === area && trip();
      addEventListener("input", listen, true);
      if (when === "own") return;
      area.setRangeText = (...change) => {
        if (when === "after") HTMLTextAreaElement.prototype.setRangeText.apply(area, change);
        trip();
      };
    },
  },
  codemirror: {
    ...codemirror,
    reports: true,
    unbind: () => example.binding.destroy(),
    rebind: () => (example.binding.destroy(), void example.bind(globalThis.options)),
    trip: (when) => {
      const { view } = example;
      const { update } = view;
      view.update = (transactions) => {
        const changes = transactions.some(({ docChanged }) => docChanged);
        if (changes) view.update = update;
        if (!changes || when !== "before") update.call(view, transactions);
        if (changes) throw new Error("made to fail");
      };
    },
  },
  monaco: {
    ...monaco,
    reports: true,
    unbind: () => example.binding.destroy(),
    rebind: () => (example.binding.destroy(), void example.bind(globalThis.options)),
    trip: (when) => {
      const model = example.editor.getModel();
      const heard = model.onDidChangeContent(() => {
        heard.dispose();
        throw new Error("made to fail");
      });
      // The editor's own edits go by it too, and nothing of the application's is within them.
      if (when === "own") return;
      const { applyEdits } = model;
      model.applyEdits = (...edits) => {
        model.applyEdits = applyEdits;
        if (when === "after") applyEdits.apply(model, edits);
        throw new Error("made to fail");
      };
    },
  },
  quill: {
    ...quill,
    reports: false,
    selection: () => {
      const { index, length } = example.quill.getSelection();
      return [index, index + length];
    },
    unbind: () => example.binding.destroy(),
    rebind: () => (example.binding.destroy(), void example.bind(globalThis.options)),
    trip: (when) => {
      const { quill: editor } = example;
      const { updateContents } = editor;
      // Before the binding's own: then the editor tells nobody else of the change.
      example.binding.destroy();
      const trip = (_change, _before, source) => {
        // The binding that begins below shows the document, which is no edit of the user's.
        if (when === "own" && source !== "user") return;
        editor.off("text-change", trip);
        throw new Error("made to fail");
      };
      editor.on("text-change", trip);
      example.bind();
      if (when === "own") return;
      editor.updateContents = (...change) => {
        editor.updateContents = updateContents;
        if (when === "after") return updateContents.apply(editor, change);
        throw new Error("made to fail");
      };
    },
  },
  prosemirror: {
    ...prosemirror,
    reports: false,
    selection: () => {
      const { doc, selection } = example.view.state;
      return [selection.anchor, selection.head].map((position) => doc.textBetween(0, position, "\n").length);
    },
    unbind: () => example.unbind(),
    rebind: () => (example.unbind(), example.bind(globalThis.options)),
    trip: (when) => {
      const { view } = example;
      view.setProps({
        dispatchTransaction(transaction) {
          if (transaction.docChanged) view.setProps({ dispatchTransaction: undefined });
          if (!transaction.docChanged || when !== "before") view.updateState(view.state.apply(transaction));
          if (transaction.docChanged) throw new Error("made to fail");
        },
      });
    },
  },
};

/** A server for the page of an editor. */
export async function serve(name, settings) {
  return Server.start(editors[name].pages ?? await buildExample(name), settings);
}

/** Opens an editor's page as somebody, after what `before` does with the empty one; `page` is Playwright's, everything else is the table's, or plain. */
export async function open(browser, name, { port }, token, shared, { viewport = { width: 900, height: 600 }, before = () => {} } = {}) {
  const context = await borrowContext(browser, { viewport });
  const page = await context.newPage();
  const errors = watchErrors(page);
  await before(page);
  await page.goto(`http://127.0.0.1:${port}/?${new URLSearchParams({ token, document: shared })}`);
  await until(page, "the document is shown", () => globalThis.example?.shared.role);
  const functions = Object.entries(editors[name]).filter(([, does]) => typeof does === "function");
  const person = Object.fromEntries(functions.map(([key, does]) => [key, (argument) => page.evaluate(does, argument)]));
  const session = await context.newCDPSession(page);
  return {
    page, context, errors, ...person, keys: page.keyboard,
    send: (method, parameters) => session.send(method, parameters),
    edit: (offset, insert, remove = 0) => page.evaluate(([at, text, gone]) => example.shared.apply([{ retain: at }, { insert: text }, { delete: gone }].filter((part) => Object.values(part)[0])), [offset, insert, remove]),
  };
}

/** Two people on a document of their own, which holds a text and a newline. */
export async function openPair(browser, name, server, shared, text = "") {
  const people = [await open(browser, name, server, "dev:ada", shared), await open(browser, name, server, "dev:grace", shared)];
  await people[0].edit(0, `${text}\n`);
  assert.equal(await converged(people), text);
  return people;
}

/** Waits until everything is accepted and all hold and show one text, and gives it without the newline at its end. */
export async function converged(people) {
  const deadline = Date.now() + DEADLINE_MS;
  const bare = (text) => text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  for (;;) {
    for (const { page } of people) await until(page, "nothing is pending", () => example.shared.status.pending === 0 && example.shared.status.state === "online");
    const states = await Promise.all(people.map(async ({ page, text }) => ({ ...await page.evaluate(() => ({ version: example.shared.status.version, text: example.shared.text })), shown: await text() })));
    const [first] = states;
    if (states.every(({ version, text, shown }) => version === first.version && text === first.text && bare(shown) === bare(text))) return bare(first.text);
    if (Date.now() > deadline) throw new Error(`no convergence:\n${states.map((state) => JSON.stringify(state).slice(0, 2_000)).join("\n")}`);
  }
}
