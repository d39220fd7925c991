import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { Server, startBrowser, until, watchErrors } from "./harness.mjs";

const SECRET = "a secret of the browser tests, which nobody else knows";

const folder = await mkdtemp(path.join(tmpdir(), "cowrite-page-"));
after(() => rm(folder, { recursive: true, force: true }));
await writeFile(path.join(folder, "index.html"), `<!doctype html><meta charset="utf-8"><script type="module">
  import { connect } from "/cowrite/index.js";
  globalThis.start = (token) => {
    globalThis.client = connect("/v1/socket", { token });
    globalThis.states = [];
    client.on("status", ({ state, error }) => states.push(error ? state + " " + error.code : state));
    globalThis.shared = client.open("page");
  };
  globalThis.ready = true;
</script>`);
const server = await Server.start(folder, { secret: SECRET });
const browser = await startBrowser();

/** A token that is good for so many seconds. */
function token(seconds, secret = SECRET) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1_000);
  const signed = [part({ alg: "HS256", typ: "JWT" }), part({ sub: "ada", iat: now, exp: now + seconds, cowrite: { documents: { "*": "editor" } } })].join(".");
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** A page whose tokens come from here. */
async function openPage(next) {
  const context = await browser.newContext();
  after(() => context.close());
  const page = await context.newPage();
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket));
  const given = [];
  await page.exposeFunction("fetchToken", () => (given.push(next()), given.at(-1)));
  const errors = watchErrors(page);
  await page.goto(`http://127.0.0.1:${server.port}/`);
  await until(page, "the page is ready", () => globalThis.ready);
  return { page, sockets, given, errors };
}

test("a fresh token is fetched before the old one ends, and the connection goes on", async () => {
  const { page, sockets, given, errors } = await openPage(() => token(4));
  await page.evaluate(() => start(() => fetchToken()));
  await page.evaluate(() => shared.ready);
  const fetched = given.length;
  while (given.length < fetched + 3) {
    await page.evaluate(() => (shared.insert(0, "x"), shared.whenAccepted()));
    // Somebody who types.
    await page.waitForTimeout(100);
  }
  await page.evaluate(() => (shared.insert(0, "y"), shared.whenAccepted()));
  assert.equal(sockets.length, 1);
  assert.deepEqual((await page.evaluate(() => states)).filter((state) => state !== "connecting"), ["online"]);
  assert.deepEqual(errors, []);
});

test("a text cannot be refreshed: its end is told, and setToken goes on", async () => {
  const { page, sockets, given, errors } = await openPage(() => token(60));
  await page.evaluate((text) => start(text), token(3));
  await page.evaluate(() => shared.ready);
  await until(page, "the client has stopped", () => client.status.state === "stopped");
  const { code, whatToDo } = await page.evaluate(() => ({ ...client.status.error, whatToDo: client.status.error.whatToDo }));
  assert.equal(code, "token_expired");
  assert.match(whatToDo, /setToken/);
  assert.equal(await page.evaluate(() => shared.error.code), "token_expired");
  assert.deepEqual([sockets.length, given.length], [1, 0]);
  await page.evaluate(() => client.setToken(() => fetchToken()));
  await until(page, "it is online again", () => shared.status.state === "online");
  await page.evaluate(() => (shared.insert(0, "after "), shared.whenAccepted()));
  assert.equal(await page.evaluate(() => shared.error), null);
  assert.deepEqual(errors, []);
});

test("a token that is not believed is told at once, with what to do", async () => {
  const { page, sockets, errors } = await openPage(() => token(60, "a secret of somebody else's, which is as long"));
  await page.evaluate(() => start(() => fetchToken()));
  const refused = await page.evaluate(() => shared.ready.then(() => null, (error) => [error.code, error.message, error.whatToDo]));
  assert.deepEqual(refused, ["unauthorized", "The server does not accept the token.", "Sign in again and call `setToken`; what is pending is kept."]);
  assert.equal(await page.evaluate(() => client.status.state), "stopped");
  assert.equal(sockets.length, 1);
  assert.deepEqual(errors, []);
});
