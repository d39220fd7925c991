// FAULTS.md G4: the page sleeps and wakes, is left and come back to, is throttled, and is lied to about the network.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { converged, open, serve } from "./editor-table.mjs";
import { DEADLINE_MS, startBrowser, startPlainBrowser, token, until } from "./harness.mjs";
import { Proxy } from "./proxy.mjs";

const SECRET = "a secret of the tests of waking, which nobody else knows";
/** What a page may show that is not true any more, after it has woken: two seconds, and one for a busy machine. */
const TRUE_WITHIN_MS = 3_000;
/** Kinds of frames: those that ask whether link and token are good (Hello, Ping, Token), and those that send edits; see PROTOCOL.md. */
const [LOOKS, SUBMITS] = [[0, 8, 9], [2, 3, 4]];

const server = await serve("textarea");
// Playwright keeps pages from being kept, unless it is asked not to.
const browser = await startBrowser({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });

const sleepy = await startPlainBrowser();

/** Somebody behind a network of their own, and somebody else on the same document. */
async function pair(shared, { before = () => {}, on = browser } = {}) {
  const proxy = await Proxy.start(server.port);
  after(() => proxy.stop());
  const ada = { proxy, ...await person(on, proxy, "dev:ada", shared, before) };
  const grace = await person(browser, server, "dev:grace", shared);
  return [ada, grace];
}

async function person(on, at, who, shared, before = () => {}) {
  const sent = [];
  const made = await open(on, "textarea", at, who, shared, { before: async (page) => {
    page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push(Buffer.from(payload)[0])));
    await page.addInitScript(() => {
      // What the page has shown, and when; the clock is the machine's, whatever the page is told of time.
      globalThis.realNow = performance.now.bind(performance);
      globalThis.shown = [];
    });
    await before(page);
  } });
  await made.page.evaluate(() => {
    example.client.on("status", ({ state }) => globalThis.shown.push([state, realNow()]));
    // The application's own edit at the very moment at which the page wakes.
    for (const name of ["resume", "pageshow"]) addEventListener(name, () => (globalThis.wokeAt = realNow()), true);
  });
  return { ...made, sent };
}

const sleep = ({ send }) => send("Page.setWebLifecycleState", { state: "frozen" });
const wake = ({ send }) => send("Page.setWebLifecycleState", { state: "active" });
/** Where, among what was sent, the first look and the first edit are. */
const firsts = (sent) => [LOOKS, SUBMITS].map((kinds) => sent.findIndex((kind) => kinds.includes(kind)));
/** Waits without the page's timers, which may not run. */
const eventually = async ({ page }, what, holds) => {
  for (const deadline = Date.now() + DEADLINE_MS; !(await page.evaluate(holds));) assert.ok(Date.now() < deadline, `in vain until ${what}`);
};
/** Milliseconds between waking and the first moment at which the page said so. */
const saidAfter = ({ page }, state) => page.evaluate((wanted) => (globalThis.shown.find(([said, at]) => said === wanted && at >= globalThis.wokeAt)?.[1] ?? NaN) - globalThis.wokeAt, state);

/** Notes the first moment, as `inStepAt`, at which a page is as it is to be: by what the document tells, for the timers of a page out of sight run once a second. */
const noteInStep = ({ page }, holds) => page.evaluate(`(() => {
  const look = async () => {
    // The editor is shown a change at the end of the task.
    await null;
    await null;
    if ((${holds})()) globalThis.inStepAt ??= realNow();
  };
  for (const event of ["change", "status"]) example.shared.on(event, look);
})()`);

for (const clock of ["runs on", "stands still"]) {
  const before = (page) => page.addInitScript((still) => {
    const now = performance.now.bind(performance);
    let asleepAt = null;
    let slept = 0;
    addEventListener("freeze", () => (asleepAt = now()), true);
    addEventListener("resume", () => (slept += asleepAt === null || !still ? 0 : now() - asleepAt, asleepAt = null), true);
    performance.now = () => (asleepAt !== null && still ? asleepAt : now()) - slept;
  }, clock === "stands still");

  test(`G4 a page that slept while its clock ${clock} looks at the link first, and is in step within two seconds`, async () => {
    const [ada, grace] = await pair(`slept-${clock.replace(" ", "-")}`, { before, on: sleepy });
    await ada.edit(0, "before ");
    await converged([ada, grace]);
    await sleep(ada);
    // That somebody is away is said as the page goes.
    ada.sent.length = 0;
    await grace.edit(0, "meanwhile ");
    await grace.page.evaluate(() => example.shared.whenAccepted());
    await ada.page.evaluate(() => addEventListener("resume", () => example.shared.insert(example.shared.length, "at once "), true));
    await noteInStep(ada, () => example.area.value.startsWith("meanwhile") && example.shared.status.state === "online" && example.shared.status.pending === 0);
    await wake(ada);
    await until(ada.page, "it sees the edit, and has sent its own", () => globalThis.inStepAt);
    const took = await ada.page.evaluate(() => globalThis.inStepAt - globalThis.wokeAt);
    await ada.edit(0, "after ");
    assert.equal(await converged([ada, grace]), "after meanwhile before at once ");
    const [looked, submitted] = firsts(ada.sent);
    assert.ok(looked >= 0 && looked < submitted, `sent ${ada.sent}`);
    assert.ok(took < TRUE_WITHIN_MS, `in step after ${took} ms`);
    assert.deepEqual(ada.errors, []);
  });

  test(`G4 a page whose link died while it slept and its clock ${clock} says so within two seconds`, async () => {
    const [ada, grace] = await pair(`dead-${clock.replace(" ", "-")}`, { before, on: sleepy });
    await ada.edit(0, "before ");
    await converged([ada, grace]);
    await sleep(ada);
    ada.proxy.hold({ up: true, down: true });
    await grace.edit(0, "meanwhile ");
    await grace.page.evaluate(() => example.shared.whenAccepted());
    await wake(ada);
    await until(ada.page, "it has woken", () => globalThis.wokeAt);
    await ada.edit(0, "typed at once ");
    await until(ada.page, "it says that it is offline", () => globalThis.shown.some(([state]) => state === "offline"));
    const took = await saidAfter(ada, "offline");
    assert.ok(took < TRUE_WITHIN_MS, `said after ${took} ms`);
    ada.proxy.hold();
    await ada.page.evaluate(() => example.client.wake());
    assert.match(await converged([ada, grace]), /^(typed at once meanwhile|meanwhile typed at once) before $/);
    assert.deepEqual(ada.errors, []);
  });
}

test("G4 a page whose token ended while it slept fetches another before it sends anything else", async () => {
  const guarded = await serve("textarea", { secret: SECRET });
  const given = [];
  const fetchToken = () => (given.push(token(SECRET, "ada", "editor", 6)), given.at(-1));
  const ada = await person(sleepy, guarded, token(SECRET, "ada", "editor", 600), "token", (page) => page.exposeFunction("fetchToken", fetchToken));
  await ada.page.evaluate(() => example.client.setToken(() => fetchToken()));
  await until(ada.page, "the token is in use", () => example.client.status.state === "online");
  await ada.edit(0, "before ");
  await ada.page.evaluate(() => example.shared.whenAccepted());
  const known = given.length;
  assert.ok(known > 0);
  await ada.page.evaluate(() => addEventListener("resume", () => example.shared.insert(0, "typed at once "), true));
  await noteInStep(ada, () => example.shared.text.startsWith("typed at once") && example.shared.status.pending === 0);
  ada.sent.length = 0;
  await sleep(ada);
  // As long as the token lives, and a second.
  await new Promise((resolve) => setTimeout(resolve, 7_000));
  const asleep = ada.sent.length;
  await wake(ada);
  await until(ada.page, "the edit is accepted", () => globalThis.inStepAt);
  const took = await ada.page.evaluate(() => globalThis.inStepAt - globalThis.wokeAt);
  const sent = ada.sent.slice(asleep);
  assert.ok(given.length > known, "no token was fetched");
  const [looked, submitted] = firsts(sent);
  assert.ok(looked === 0 && submitted > 0, `sent ${sent}`);
  assert.ok(took < TRUE_WITHIN_MS, `took ${took} ms`);
  assert.equal(await ada.page.evaluate(() => example.shared.error), null);
  assert.deepEqual(ada.errors, []);
});

test("G4 a page that is left is kept by the browser, and is in step within two seconds of coming back", async () => {
  const [ada, grace] = await pair("kept");
  await ada.edit(0, "before ");
  await converged([ada, grace]);
  await ada.page.evaluate(() => {
    globalThis.mark = "the same page";
    addEventListener("pageshow", ({ persisted }) => (globalThis.persisted = persisted));
    // An edit that is made while the page is being left.
    addEventListener("pagehide", () => example.shared.insert(0, "last words "));
  });
  await ada.page.goto(`http://127.0.0.1:${ada.proxy.port}/elsewhere.html`);
  await until(grace.page, "Ada is gone", () => example.shared.members.length === 1);
  await grace.edit(0, "meanwhile ");
  await grace.page.evaluate(() => example.shared.whenAccepted());
  await ada.page.evaluate(() => history.back());
  await until(ada.page, "the page is back", () => globalThis.wokeAt && globalThis.example?.client.status.state === "online" && example.shared.text.includes("meanwhile"));
  assert.deepEqual(await ada.page.evaluate(() => [globalThis.mark, globalThis.persisted]), ["the same page", true]);
  const took = await saidAfter(ada, "online");
  assert.ok(took < TRUE_WITHIN_MS, `online after ${took} ms`);
  await ada.edit(0, "after ");
  const text = await converged([ada, grace]);
  assert.deepEqual(text.trim().split(" ").sort(), "after last words meanwhile before".split(" ").sort());
  assert.deepEqual(ada.errors, []);
});

test("G4 what the browser says of the network is looked at, not believed", async () => {
  const [ada, grace] = await pair("lies");
  await ada.edit(0, "before ");
  await converged([ada, grace]);
  // "Offline", and it is a lie: the browser says so, and the socket lives.
  await ada.page.evaluate(() => {
    Object.defineProperty(navigator, "onLine", { configurable: true, get: () => false });
    dispatchEvent(new Event("offline"));
  });
  await ada.select([0, 0]);
  await ada.keys.type("typed offline ");
  assert.equal(await converged([ada, grace]), "typed offline before ");
  assert.deepEqual(await ada.page.evaluate(() => globalThis.shown.filter(([state]) => state !== "online")), []);
  // "Online", and it is a lie.
  ada.proxy.cut();
  await until(ada.page, "it says that it is offline", () => example.client.status.state === "offline");
  await ada.keys.type("waiting ");
  await ada.page.evaluate(() => {
    globalThis.shown.length = 0;
    Object.defineProperty(navigator, "onLine", { configurable: true, get: () => true });
    for (let time = 0; time < 5; time += 1) dispatchEvent(new Event("online"));
  });
  await until(ada.page, "it has tried and failed", () => globalThis.shown.some(([state]) => state === "offline"));
  assert.deepEqual(await ada.page.evaluate(() => globalThis.shown.filter(([state]) => state === "online")), []);
  assert.ok(await ada.page.evaluate(() => example.shared.status.pending > 0));
  // "Offline", and it is true, though the socket has not noticed.
  ada.proxy.heal();
  await ada.page.evaluate(() => example.client.wake());
  assert.equal(await converged([ada, grace]), "typed offline waiting before ");
  ada.proxy.hold({ up: true, down: true });
  await ada.page.evaluate(() => {
    globalThis.shown.length = 0;
    globalThis.wokeAt = realNow();
    dispatchEvent(new Event("offline"));
  });
  await until(ada.page, "it says that it is offline", () => globalThis.shown.some(([state]) => state === "offline"));
  const took = await saidAfter(ada, "offline");
  assert.ok(took < TRUE_WITHIN_MS, `said after ${took} ms`);
  assert.deepEqual(ada.errors, []);
});

test("G4 a page in the background whose timers hardly run is in step within two seconds of being looked at", async () => {
  const [ada, grace] = await pair("throttled", { before: (page) => page.addInitScript(() => {
    const { setTimeout: start } = globalThis;
    // As browsers do with pages that nobody has looked at for minutes: once a minute.
    globalThis.setTimeout = (callback, wait = 0, ...rest) => start(callback, globalThis.background ? Math.max(wait, 60_000) : wait, ...rest);
  }) });
  await ada.edit(0, "before ");
  await converged([ada, grace]);
  const visibility = (state) => ada.page.evaluate((value) => {
    globalThis.background = value === "hidden";
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => value });
    globalThis.wokeAt = realNow();
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  }, state);
  await visibility("hidden");
  await until(grace.page, "Grace sees that Ada is away", () => example.shared.members.some(({ self, active }) => !self && active === "away"));
  await grace.edit(0, "meanwhile ");
  await eventually(ada, "the edit is there", () => example.area.value.startsWith("meanwhile"));
  ada.proxy.cut();
  await eventually(ada, "it says that it is offline", () => example.client.status.state === "offline");
  ada.proxy.heal();
  await visibility("visible");
  await eventually(ada, "it is online", () => example.client.status.state === "online");
  const took = await saidAfter(ada, "online");
  assert.ok(took < TRUE_WITHIN_MS, `online after ${took} ms`);
  assert.equal(await converged([ada, grace]), "meanwhile before ");
  assert.deepEqual(ada.errors, []);
});
