// Several people with ProseMirror's states, bindings and commands, the real engine and a real server, and no page:
// so many random edits that no browser would get to them.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { DEADLINE_MS, Server, root } from "./harness.mjs";

const npm = createRequire(path.join(root, "npm/package.json"));
const built = (name) => import(pathToFileURL(path.join(root, "npm", name)));

// The generators of the package's own tests, beside its modules, so that all have one ProseMirror.
const generators = path.join(root, "npm/compiled/generators.mjs");
await npm("esbuild").build({
  stdin: { contents: `export * from "./random-document.ts"; export * from "./random-edit.ts"; export { EditorState } from "prosemirror-state";`, resolveDir: path.join(root, "npm/test") },
  outfile: generators, bundle: true, format: "esm", platform: "node", packages: "external", logLevel: "warning",
});
const { EditorState, Random, edited, randomDocument, schema } = await built("compiled/generators.mjs");
const { contentOf, cowrite, documentOf, redo, undo } = await built("dist/prosemirror.js");
const { connect } = await built("dist/index.js");

const server = await Server.start(undefined, { formats: "rich" });
const names = ["ada", "grace", "edsger"];
const clients = names.map((name) => connect(`ws://127.0.0.1:${server.port}/v1/socket`, { token: `dev:${name}` }));
after(() => clients.forEach((client) => client.close()));

/** A view without a page: it keeps a state and tells its plugin of it. */
class Person {
  dom = new EventTarget();
  composing = false;
  rejected = [];

  constructor(client, id) {
    this.shared = client.open(id);
    this.shared.on("rejected", ({ error, delta }) => this.rejected.push([error.code, delta]));
    const plugin = cowrite(this.shared, { onError: (error) => this.rejected.push([error.code]), onRepair: (repair) => this.rejected.push(["repaired", repair]) });
    this.state = EditorState.create({ schema, plugins: [plugin] });
    this.binding = plugin.spec.view(this);
  }

  hasFocus() {
    return true;
  }

  dispatch = (transaction) => this.updateState(this.state.apply(transaction));

  updateState(state) {
    const before = this.state;
    state.doc.check();
    this.state = state;
    this.binding.update(this, before);
  }

  act(random) {
    if (random.chance(15)) undo(this.state, this.dispatch);
    else if (random.chance(5)) redo(this.state, this.dispatch);
    else this.updateState(edited(random, this.state));
  }

  close() {
    this.binding.destroy();
    this.shared.close();
  }
}

async function gathered(id, count) {
  const people = clients.slice(0, count).map((client) => new Person(client, id));
  await Promise.all(people.map(({ shared }) => shared.ready));
  return people;
}

/** Waits until everybody has everything. */
async function settled(people, what) {
  const deadline = Date.now() + DEADLINE_MS;
  const done = () => {
    const [first] = people;
    return people.every(({ shared }) => shared.status.pending === 0 && shared.status.version === first.shared.status.version);
  };
  while (!done()) {
    assert.ok(Date.now() < deadline, `${what}: ${JSON.stringify(people.map(({ shared }) => shared.status))}`);
    await pause(2);
  }
  // What the last change says is shown at the end of its task.
  await pause(0);
}

function agree(people, what) {
  const [first] = people;
  for (const { shared, state, rejected } of people) {
    assert.deepEqual(rejected, [], what);
    assert.deepEqual(shared.delta, first.shared.delta, what);
    const meant = documentOf(schema, shared.delta);
    meant.check();
    assert.ok(state.doc.eq(meant), `${what}:\n${state.doc}\n${meant}`);
  }
}

test("what documents of the schema are in the text, the server's format for it allows, and they come back unchanged", async () => {
  const people = await gathered("documents", 2);
  const [author, reader] = people;
  for (let seed = 1; seed <= 300; seed += 1) {
    const document = randomDocument(new Random(seed));
    author.dispatch(author.state.tr.replaceWith(0, author.state.doc.content.size, document.content));
    assert.ok(author.state.doc.eq(document), `seed ${seed}`);
    if (seed % 10 !== 0) continue;
    await settled(people, `seed ${seed}`);
    agree(people, `seed ${seed}`);
    assert.ok(reader.state.doc.eq(document), `seed ${seed}`);
    assert.ok(documentOf(schema, contentOf(document)).eq(document));
  }
  people.forEach((person) => person.close());
});

test("random edits and undos of three people at once give one document, which the schema takes all the time", async () => {
  const rounds = Number(process.env.COWRITE_ROUNDS ?? 60);
  for (let seed = 1; seed <= rounds; seed += 1) {
    const random = new Random(Number(process.env.COWRITE_SEED ?? seed));
    const people = await gathered(`people-${seed}`, 3);
    people[0].dispatch(people[0].state.tr.replaceWith(0, people[0].state.doc.content.size, randomDocument(random).content));
    await settled(people, `seed ${seed}`);
    for (let step = 0; step < 24; step += 1) {
      random.pick(people).act(random);
      // Sometimes a frame or two come meanwhile, and sometimes nothing does.
      if (random.chance(40)) await pause(random.below(3));
    }
    await settled(people, `seed ${seed}`);
    agree(people, `seed ${seed}`);
    people.forEach((person) => person.close());
  }
});

test("a link that is a program comes back to who made it, and nobody else sees it", async () => {
  const people = await gathered("hostile", 2);
  const [ada, grace] = people;
  ada.dispatch(ada.state.tr.insertText("click here", 1));
  await settled(people, "the text");
  let seen = 0;
  grace.shared.on("change", () => void (seen += 1));
  const before = ada.state.doc;
  ada.dispatch(ada.state.tr.addMark(1, 6, schema.mark("link", { href: "javascript:alert(document.cookie)" })));
  assert.ok(!ada.state.doc.eq(before));
  await settled(people, "the link");
  assert.deepEqual(ada.rejected.splice(0), [["forbidden_content", [{ retain: 5, attributes: { link: "javascript:alert(document.cookie)" } }]]]);
  assert.ok(ada.state.doc.eq(before), "her editor shows the document again");
  ada.dispatch(ada.state.tr.addMark(1, 6, schema.mark("link", { href: "https://example.org" })));
  await settled(people, "a good link");
  agree(people, "hostile");
  assert.equal(seen, 1);
  people.forEach((person) => person.close());
});
