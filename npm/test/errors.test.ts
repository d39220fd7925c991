import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { errorTable } from "../src/error-table.js";
import { CowriteError } from "../src/index.js";

/** The project's folder, as seen from where the compiled tests are. */
const root = new URL("../../../", import.meta.url);

/** The rows of docs/errors.md that are about codes, by code: the cells after scope or code. */
async function documented() {
  const page = await readFile(new URL("docs/errors.md", root), "utf8");
  const rows = new Map<string, { readonly retryable: string; readonly what: string; readonly edit: string; readonly whatToDo: string }>();
  for (const line of page.split("\n")) {
    const row = /^\|(?: \d+ \|)? `(\w+)` \|(?: \w+ \|)? (yes|no) \| (.+?) \| (.+?) \| (.+?) \|$/.exec(line);
    if (!row) continue;
    const [, code, retryable, what, edit, whatToDo] = row as unknown as string[];
    assert.ok(!rows.has(code!), `${code} has two rows`);
    rows.set(code!, { retryable: retryable!, what: what!, edit: edit!, whatToDo: whatToDo! });
  }
  return rows;
}

test("every code has a row on the page of errors, with its own sentences, and every row a code", async () => {
  const rows = await documented();
  assert.deepEqual([...rows.keys()].sort(), Object.keys(errorTable).sort());
  for (const [code, { retryable, what, whatToDo }] of rows) {
    const error = new CowriteError(code);
    assert.equal(retryable, error.retryable ? "yes" : "no", code);
    assert.ok(what.startsWith(error.message), `${code}: ${what}`);
    assert.ok(whatToDo.startsWith(error.whatToDo), `${code}: ${whatToDo}`);
  }
});

test("every code that the package or its module can throw is in the table", async () => {
  const thrown = new Set<string>();
  for (const [folder, code] of [["npm/src", /new CowriteError\(([^)]*)/g], ["client-wasm/src", /Refusal\(([^)]*)\)/g]] as const) {
    for (const entry of await readdir(new URL(folder, root), { recursive: true, withFileTypes: true })) {
      if (!/\.(ts|rs)$/.test(entry.name)) continue;
      const source = await readFile(path.join(entry.parentPath, entry.name), "utf8");
      for (const [, given] of source.matchAll(code)) for (const [, name] of given!.matchAll(/"(\w+)"/g)) thrown.add(name!);
    }
  }
  assert.ok(thrown.has("no_websocket") && thrown.has("bad_delta"), "this test finds them");
  // A kind of proposal that is compared with, beside the code.
  assert.deepEqual([...thrown].filter((code) => !(code in errorTable) && code !== "not_allowed"), []);
});

test("a code of a newer server is an error all the same", () => {
  const { code, retryable, whatToDo } = new CowriteError("of_tomorrow");
  assert.deepEqual([code, retryable, whatToDo], ["of_tomorrow", false, "Update this package."]);
});
