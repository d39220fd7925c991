// Every block of code that a reader of the docs may copy is run here as it stands, or is a file that another test runs.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { bundlePage } from "./bundle.mjs";
import { Server, borrowContext, root, startBrowser, until, watchErrors } from "./harness.mjs";

const read = (name) => readFile(path.join(root, name), "utf8");
const documents = ["README.md", "npm/README.md", "docs/errors.md", ...(await readdir(path.join(root, "docs/guides"))).map((name) => `docs/guides/${name}`)].sort();

/** Every block of code in a language of the web, by the document's name and its number there. */
const blocks = new Map();
for (const name of documents) {
  const found = [...(await read(name)).matchAll(/^```(js|jsx|ts|tsx|vue|svelte|html)\n([^]*?)^```/gm)];
  found.forEach(([, language, code], index) => blocks.set(`${name} ${language} ${index + 1}`, code));
}

/** It is a file, or what a file begins with, that a test of its own runs. */
const file = (name) => ({ file: name });
/** It is taken from the guide by another test, which says so by this text. */
const taken = (by, saying) => ({ by, saying });
/**
 * It is run in a page whose body is `html`, after `prelude`: what a guide leaves to the application. `after` gives
 * the test what it needs of it. `check` gets the pages of so many people, who have it open.
 */
const page = (check, { html = "", prelude = "", after = "", plugins, people = 2 } = {}) => ({ check, html, prelude, after, plugins, people });

const connection = `import { connect } from "cowrite"; const client = connect("/v1/socket", { token: fetchToken }); const shared = client.open("guide");`;
const tokens = `const fetchToken = async () => "dev:ada";`;

/** Both type, and see what the other has typed. */
const bothWrite = (selector) => async (ada, grace) => {
  // Nobody can type before the document is loaded.
  for (const person of [ada, grace]) await until(person, "it can be edited", (at) => [...document.querySelectorAll(at)].some((editor) => editor.isContentEditable || editor.readOnly === false), selector);
  await ada.locator(selector).pressSequentially("typed");
  await until(grace, "it arrived", shows, [selector, "typed"]);
  await grace.locator(selector).press("Home");
  await grace.locator(selector).pressSequentially("un");
  await until(ada, "it arrived", shows, [selector, "untyped"]);
};

/** Whether an element has a text in it, without the names of the others' carets. */
function shows([selector, text]) {
  const copy = document.querySelector(selector).cloneNode(true);
  copy.querySelectorAll(".cowrite-caret").forEach((caret) => caret.remove());
  return (document.querySelector(selector).value ?? copy.textContent).includes(text);
}

const trials = {
  "README.md ts 1": page(async (ada) => {
    await until(ada, "it is accepted", () => globalThis.notes?.text === "Hello" && document.querySelector("textarea").value === "Hello" && globalThis.notes.status.accepted === 1);
  }, { html: "<textarea></textarea>", after: "globalThis.notes = notes;", people: 1 }),
  "npm/README.md js 1": page(async (ada) => {
    await until(ada, "it is accepted", () => globalThis.notes?.text === "Hello" && document.querySelector("textarea").value === "Hello" && globalThis.notes.status.accepted === 1);
  }, { html: "<textarea></textarea>", prelude: tokens, after: "globalThis.notes = notes;", people: 1 }),
  "npm/README.md js 2": page(async (ada) => {
    // As its last line says.
    await ada.evaluate(() => ((globalThis.inspector.offline = false), globalThis.client.wake()));
    await until(ada, "it is online, and its frames were seen", () => globalThis.client.status.state === "online" && globalThis.inspector.frames.some(({ kind }) => kind === "Welcome"));
  }, { prelude: `import { connect } from "cowrite"; const [url, token] = ["/v1/socket", "dev:ada"];`, after: "Object.assign(globalThis, { client, inspector });", people: 1 }),
  "npm/README.md js 3": page(async (ada) => {
    await until(ada, "it is online", () => globalThis.client?.status.state === "online");
  }, { prelude: `import { connect } from "cowrite"; const askToSignInAgain = async (..._) => {}; const fetchToken = "";`, after: "globalThis.client = client;" }),
  "docs/errors.md ts 1": page(async (ada) => {
    await until(ada, "what was not loaded is tried again, and what closes is shown", () => globalThis.shared?.text === "Hello");
    await ada.evaluate(() => globalThis.client.setToken("nobody"));
    await until(ada, "the reason is shown", () => document.body.textContent.includes("The server does not accept the token."));
  }, { prelude: tokens + connection, after: "Object.assign(globalThis, { client, shared }); tell(shared, (text) => (document.body.textContent = text));", people: 1 }),
  "docs/guides/bundlers.md js 1": file("examples/vite/vite.config.js"),
  "docs/guides/bundlers.md js 2": file("tests/packaging/apps/page/worker.js"),
  "docs/guides/codemirror.md js 1": file("examples/codemirror/main.js"),
  "docs/guides/codemirror.md js 2": page(bothWrite(".cm-content"), {
    prelude: `import { basicSetup, EditorView } from "codemirror"; ${tokens} ${connection} const parent = document.getElementById("root");`,
    plugins: [oneCopy("examples/codemirror", /^(codemirror|@codemirror\/.*)$/)],
  }),
  "docs/guides/getting-started.md html 1": page(async (ada, grace) => {
    await bothWrite("textarea")(ada, grace);
    await until(ada, "it says so", () => document.getElementById("status").textContent === "online");
  }),
  "docs/guides/monaco.md js 1": file("examples/monaco/main.js"),
  "docs/guides/node.md js 1": file("examples/node/edit.mjs"),
  "docs/guides/offline.md js 1": page(async (ada) => {
    await until(ada, "it is stored", () => globalThis.notes?.persistence.state === "stored" && globalThis.notes.status.stored === globalThis.notes.status.local && globalThis.notes.text.includes("Hello"));
    await ada.reload();
    await until(ada, "it is there again", () => globalThis.notes?.text === "HelloHello");
  }, { prelude: `${tokens} const showWhetherItIsSafe = (..._) => {};`, after: "globalThis.notes = notes;", people: 1 }),
  "docs/guides/offline.md js 2": page(async (ada) => {
    await until(ada, "it is opened with what asks", () => globalThis.client?.open("notes").status.state === "online");
  }, { prelude: `${tokens} ${connection} const ask = async (..._) => true;`, after: "globalThis.client = client;", people: 1 }),
  "docs/guides/offline.md js 3": page(async (ada) => {
    await until(ada, "both ways of clearing have answered", () => globalThis.cleared === true);
  }, { prelude: `import { connect } from "cowrite"; const [url, token] = ["/v1/socket", "dev:ada"];`, after: "globalThis.cleared = true;", people: 1 }),
  "docs/guides/presence.md js 1": page(async (ada, grace) => {
    const shows = (line) => until(ada, `${line} is shown`, (wanted) => [...document.querySelectorAll("li")].some(({ textContent }) => textContent.startsWith(wanted)), line);
    await shows("Ada (you)");
    await shows("Ada, at 0");
    await grace.evaluate(() => (globalThis.room.insert(0, "abc"), globalThis.room.setCursor(2)));
    await shows("Ada, at 2");
    // Only an edit, which is no event of presence.
    await ada.evaluate(() => globalThis.room.insert(0, "x"));
    await shows("Ada, at 3");
  }, { html: "<ul></ul>", after: "globalThis.room = room;" }),
  "docs/guides/prosemirror.md js 1": page(bothWrite(".ProseMirror"), { prelude: `import { schema } from "prosemirror-schema-basic"; ${tokens} const place = document.getElementById("root");` }),
  "docs/guides/prosemirror.md js 2": page(bothWrite(".ProseMirror"), { prelude: `${tokens} ${connection} const element = document.getElementById("root");` }),
  "docs/guides/quill.md js 1": page(bothWrite(".ql-editor"), { html: `<div id="editor"></div>`, prelude: tokens }),
  "docs/guides/react.md jsx 1": taken("react.test.mjs", `guide("react", "jsx")`),
  "docs/guides/svelte.md svelte 1": taken("frameworks.test.mjs", "guide(name, name)"),
  "docs/guides/textarea.md js 1": page(bothWrite("textarea"), { html: "<textarea></textarea>" }),
  "docs/guides/undo.md js 1": page(async (ada) => {
    const [undo, redo] = [ada.locator("button").first(), ada.locator("button").last()];
    const holds = (text) => until(ada, `the text is ${text}`, (wanted) => globalThis.notes?.text === wanted, text);
    await holds("# Hello world");
    await undo.click();
    await holds("# Hello");
    await undo.click();
    await holds("# ");
    assert.deepEqual([await undo.isDisabled(), await redo.isDisabled()], [true, false]);
    await redo.click();
    await holds("# Hello");
  }, { html: "<button>Undo</button><button>Redo</button>", after: "globalThis.notes = notes;", people: 1 }),
  "docs/guides/vue.md vue 1": taken("frameworks.test.mjs", "guide(name, name)"),
};

test("every block of code is tried, and none is tried that is not there", () => {
  assert.ok(blocks.size > 15, "this test finds them");
  assert.deepEqual([...blocks.keys()].sort(), Object.keys(trials).sort(), "say in this file how it is tried");
});

test("guides show what the examples are", async () => {
  for (const [name, { file }] of Object.entries(trials)) if (file) assert.ok((await read(file)).startsWith(blocks.get(name).trimEnd()), `${name} is not how ${file} begins`);
  for (const [name, { by, saying }] of Object.entries(trials)) if (by) assert.ok((await read(`tests/browser/${by}`)).includes(saying), `${name} is not taken by ${by}`);
});

test("an editor that checks types finds nothing wrong with them", async () => {
  const folder = await mkdtemp(path.join(root, "npm/node_modules/.guides-"));
  after(() => rm(folder, { recursive: true, force: true }));
  const { exports } = JSON.parse(await read("npm/package.json"));
  const paths = Object.fromEntries(Object.entries(exports).filter(([, { types }]) => types).map(([name, { types }]) => [path.posix.join("cowrite", name), [path.join(root, "npm", types)]]));
  for (const name of ["codemirror", "@codemirror/state", "@codemirror/view"]) paths[name] = [path.join(root, "examples/codemirror/node_modules", name)];
  const files = [];
  for (const [name, { check, prelude }] of Object.entries(trials)) {
    const [document, language] = name.split(" ");
    if (!check || language === "html") continue;
    // A prelude stands in for an application's own.
    files.push(`${document.replace(/\W/g, "-")}-${files.length}.${language}`);
    await writeFile(path.join(folder, files.at(-1)), `${prelude}\n${blocks.get(name)}\nexport {};\n`);
  }
  const compilerOptions = {
    target: "es2022", module: "esnext", moduleResolution: "bundler", lib: ["es2023", "dom", "dom.iterable", "esnext.disposable"], types: [],
    allowJs: true, checkJs: true, strict: false, skipLibCheck: true, noEmit: true, paths,
  };
  await writeFile(path.join(folder, "styles.d.ts"), `declare module "*.css";`);
  await writeFile(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [...files, "styles.d.ts"] }));
  const { error, stdout } = await promisify(execFile)(process.execPath, [path.join(root, "npm/node_modules/typescript/bin/tsc"), "-p", folder]).then((said) => said, (error) => ({ error, stdout: error.stdout }));
  assert.equal(error && stdout, undefined);
});

const browser = await startBrowser();

for (const [name, { check, html, prelude, after: left, plugins, people: count }] of Object.entries(trials)) {
  if (!check) continue;
  test(`${name} works as it stands`, async () => {
    // A guide names a server of its reader's.
    const code = blocks.get(name)?.replace(/wss:\/\/example\.org\/v1\/socket|ws:\/\/localhost:8080\/v1\/socket/, "/v1/socket");
    const language = name.split(" ")[1];
    const folder = language === "html" ? await pageOf(code) : await bundlePage(`${prelude}\n${code}\n${left}`, { plugins, body: html, loader: language });
    const server = await Server.start(folder);
    const people = [];
    for (let person = 0; person < count; person += 1) {
      const page = await (await borrowContext(browser)).newPage();
      people.push({ page, errors: watchErrors(page) });
      await page.route("**/api/cowrite-token", (route) => route.fulfill({ body: "dev:ada" }));
      await page.goto(`http://127.0.0.1:${server.port}/`);
    }
    await check(...people.map(({ page }) => page));
    assert.deepEqual(people.flatMap(({ errors }) => errors), []);
  });
}

/** A folder with that page alone. */
async function pageOf(html) {
  const folder = await mkdtemp(path.join(tmpdir(), "cowrite-guide-"));
  after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(path.join(folder, "index.html"), html);
  return folder;
}

/** Takes packages from the folder of an example, for everybody who imports them. */
function oneCopy(folder, filter) {
  const packages = createRequire(path.join(root, folder, "package.json"));
  return { name: "one copy", setup: ({ onResolve }) => onResolve({ filter }, ({ path: wanted }) => ({ path: packages.resolve(wanted) })) };
}
