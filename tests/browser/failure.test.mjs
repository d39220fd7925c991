import assert from "node:assert/strict";
import { test } from "node:test";
import { startPair, until } from "./harness.mjs";

const { people } = await startPair("failure");
const [{ page, proxy, editor, errors }] = people;

test("a defect of the module is told wherever it happens, and what was pending stays readable", async () => {
  await editor.fill("accepted ");
  await until(page, "the text is accepted", () => demo.document.status.pending === 0);
  proxy.cut();
  await until(page, "the page says offline", () => document.getElementById("status-text").textContent.startsWith("offline"));
  await page.evaluate(() => {
    demo.document.insert(demo.document.length, "pending");
    // No timer calls back while it is being started. The module relies on it, and so this makes it fail:
    // not in a call of the package's, but on its own, when it next starts a timer.
    const start = globalThis.setTimeout;
    globalThis.setTimeout = (callback, ...given) => {
      // The page's own timers are left alone.
      if (new Error().stack.split("\n")[2].includes("/wasm/cowrite.js")) callback();
      return start(callback, ...given);
    };
    demo.client.wake();
  }).catch(() => {});
  await until(page, "the client says that the module failed", () => demo.client.status.error?.code === "panicked");
  assert.deepEqual(await page.evaluate(() => demo.document.pending), [{ retain: "accepted ".length }, { insert: "pending" }]);
  assert.equal(await page.evaluate(() => {
    try {
      demo.document.insert(0, "x");
    } catch (error) {
      return error.code;
    }
  }), "panicked");
  // A trap, which ended the call that failed and no other.
  assert.ok(errors.length <= 1, errors.join("\n"));
});
