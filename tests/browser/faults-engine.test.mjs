// FAULTS.md G5: the WebAssembly module fails, by a trap or for want of memory. It is made to from outside: nothing
// of this is in the module.
import assert from "node:assert/strict";
import { test } from "node:test";
import { converged, open, serve } from "./editor-table.mjs";
import { startBrowser, until } from "./harness.mjs";

const server = await serve("textarea");
const browser = await startBrowser();

/** Lets the page make the next growth of the module's memory, or the next call that it makes to the page, fail. */
const sabotage = (page) => page.addInitScript(() => {
  globalThis.failing = {};
  const { instantiate, instantiateStreaming } = WebAssembly;
  const prepared = (imports) => {
    for (const [group, functions] of Object.entries(imports)) {
      for (const [name, call] of Object.entries(functions)) {
        if (typeof call !== "function") continue;
        imports[group][name] = function (...given) {
          if (globalThis.failing.call && name.includes(globalThis.failing.call)) throw new WebAssembly.RuntimeError("made to fail");
          return call.apply(this, given);
        };
      }
    }
    return imports;
  };
  const kept = (result) => (globalThis.memory = (result.instance ?? result).exports.memory, result);
  WebAssembly.instantiate = async (source, imports) => kept(await instantiate(source, prepared(imports)));
  WebAssembly.instantiateStreaming = async (source, imports) => kept(await instantiateStreaming(source, prepared(imports)));
});

/** Two on one document; the first one's module can be made to fail. */
async function pair(shared) {
  const ada = await open(browser, "textarea", server, "dev:ada", shared, { before: sabotage });
  const grace = await open(browser, "textarea", server, "dev:grace", shared);
  await ada.edit(0, "one two three");
  await converged([ada, grace]);
  await ada.page.evaluate(() => {
    globalThis.told = [];
    example.client.on("status", ({ state, error }) => globalThis.told.push(["client", state, error?.code]));
    example.shared.on("closed", ({ code }) => globalThis.told.push(["document", code]));
  });
  return [ada, grace];
}

/** What a page says and holds after the end of its module. */
const remains = ({ page }) => page.evaluate(() => {
  const { client, shared, area } = example;
  const thrown = (does) => {
    try {
      return does();
    } catch (error) {
      return error.code;
    }
  };
  return {
    told: globalThis.told, state: client.status.state, document: shared.status.state, code: shared.error?.code, text: shared.text, pending: thrown(() => shared.pending),
    value: area.value, readOnly: area.readOnly, edit: thrown(() => shared.insert(0, "x")), retryable: shared.error?.retryable, whatToDo: shared.error?.whatToDo,
  };
});

/** The page is loaded anew, with what was pending kept by the application, and goes on. */
async function loadedAnew([ada, grace], text) {
  await ada.page.evaluate(() => sessionStorage.setItem("pending", JSON.stringify(example.shared.pending)));
  await ada.page.reload();
  await until(ada.page, "the document is shown", () => globalThis.example?.shared.role);
  await ada.page.evaluate(() => example.shared.apply(JSON.parse(sessionStorage.getItem("pending"))));
  assert.equal(await converged([ada, grace]), text);
}

test("G5 a trap while the user types is told, and text and pending work stay readable", async () => {
  const [ada, grace] = await pair("trap");
  await ada.select([3, 3]);
  await until(grace.page, "the caret is told", () => example.shared.members.some(({ self, cursor }) => !self && cursor?.head === 3));
  await ada.page.evaluate(() => (globalThis.failing.call = "_send"));
  await ada.keys.type("X");
  await until(ada.page, "the client has stopped", () => example.client.status.state === "stopped");
  await ada.keys.type("Y");
  const { told, ...left } = await remains(ada);
  assert.deepEqual(told, [["document", "panicked"], ["client", "stopped", "panicked"]]);
  assert.deepEqual([left.state, left.document, left.code, left.edit], ["stopped", "closed", "panicked", "panicked"]);
  assert.match(left.whatToDo, /load the page anew/);
  // What the user has typed stays on the screen, and no more can be.
  assert.deepEqual([left.value, left.readOnly], ["oneX two three", true]);
  assert.ok(["oneX two three", "one two three"].includes(left.text), left.text);
  assert.ok(Array.isArray(left.pending), `pending is ${left.pending}`);
  await loadedAnew([ada, grace], await ada.page.evaluate(() => (example.shared.pending.length > 0 ? "oneX two three" : "one two three")));
});

test("G5 a trap at a message of the server, which no call of the application has caused, is told too", async () => {
  const [ada, grace] = await pair("message");
  // What a message is read by.
  await ada.page.evaluate(() => (globalThis.failing.call = "_data_"));
  await grace.edit(0, "> ");
  await until(ada.page, "the client has stopped", () => example.client.status.state === "stopped");
  const left = await remains(ada);
  assert.deepEqual(left.told, [["document", "panicked"], ["client", "stopped", "panicked"]]);
  assert.deepEqual([left.text, left.pending, left.value, left.edit], ["one two three", [], "one two three", "panicked"]);
  assert.ok(ada.errors.length > 0 && ada.errors.every((error) => error.includes("made to fail")), ada.errors.join());
  await loadedAnew([ada, grace], "> one two three");
});

test("G5 a memory that cannot grow ends the module, not the page: the text stays, and it can be loaded anew", { timeout: 90_000 }, async () => {
  const [ada, grace] = await pair("memory");
  await ada.page.evaluate(async () => {
    example.shared.insert(0, "kept ");
    await example.shared.whenAccepted();
    // All that a module may have, less a little: then the next large text has no place.
    for (let pages = 65_536; pages >= 1; pages >>= 1) {
      try {
        for (;;) globalThis.memory.grow(pages);
      } catch {
        // Less, then.
      }
    }
  });
  await converged([ada, grace]);
  // The allocator asks for more by itself as long as there are texts to hold.
  const thrown = await ada.page.evaluate(() => {
    const piece = "no place for this ".repeat(100_000);
    for (let time = 0; time < 50; time += 1) {
      try {
        example.shared.insert(0, piece);
      } catch (error) {
        return error.code;
      }
    }
    return null;
  });
  assert.equal(thrown, "panicked");
  const left = await remains(ada);
  assert.deepEqual([left.state, left.code, left.edit], ["stopped", "panicked", "panicked"]);
  assert.ok(left.text.endsWith("kept one two three"), left.text.slice(-40));
  assert.ok(left.pending === "panicked" || Array.isArray(left.pending));
  await ada.page.reload();
  await until(ada.page, "the document is shown", () => globalThis.example?.shared.role);
  assert.ok((await converged([ada, grace])).endsWith("kept one two three"));
});

test("G5 all clients of a page end with the module that they share, and a new one says so at once", async () => {
  const [ada] = await pair("shared-module");
  const codes = await ada.page.evaluate(async () => {
    const { connect } = await import("/cowrite/index.js");
    const other = connect("/v1/socket", { token: "dev:other" });
    const shared = other.open("elsewhere");
    await shared.ready;
    globalThis.failing.call = "_send";
    try {
      example.shared.insert(0, "x");
    } catch {
      // It is told below.
    }
    globalThis.failing = {};
    const late = connect("/v1/socket", { token: "dev:late" });
    const refused = await late.open("elsewhere").ready.then(() => null, ({ code }) => code);
    return [example.client.status.error?.code, other.status.error?.code, shared.error?.code, late.status.error?.code, refused];
  });
  assert.deepEqual(codes, Array(5).fill("panicked"));
});
