import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { describeDelta, describeFrame, topicOf } from "../../examples/demo/frame-text.js";
import { DEADLINE_MS, Server, eventually, openDemo, root, startBrowser, until } from "./harness.mjs";

const run = promisify(execFile);
const vendor = path.join(root, "examples/demo/vendor");
await run(process.execPath, [path.join(vendor, "build.mjs")]);
const server = await Server.start();
const browser = await startBrowser();
const address = `http://127.0.0.1:${server.port}/`;

/** Somebody at a document of the gallery whose editor is shown. */
async function open(id, name) {
  const person = await openDemo(browser, `${address}#${id}`, name);
  await person.page.locator("#editor").waitFor();
  return person;
}

/** What is in the editor of a pane, as its user sees it. */
const letters = ({ page }, pane = 0) =>
  page.locator(".pane").nth(pane).evaluate((element) => {
    const code = element.querySelector(".cm-content");
    if (code) return [...code.querySelectorAll(".cm-line")].map((line) => line.textContent).join("\n");
    return element.querySelector("textarea")?.value ?? [...element.querySelector(".ql-editor").children].map((line) => line.textContent).join("\n");
  });

/** Waits until all panes of all pages are in step, and show one text; gives it. */
async function converged(people) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    for (const { page } of people) await until(page, "nothing is pending", () => demo.panes.every(({ shared: { status } }) => status.state === "online" && status.pending === 0));
    const states = (await Promise.all(people.map(async (person) => {
      const held = await person.page.evaluate(() => demo.panes.map(({ shared }) => [shared.text, shared.status.version]));
      return Promise.all(held.map(async ([text, version], pane) => ({ text, version, shown: await letters(person, pane) })));
    }))).flat();
    const [{ text, version }] = states;
    if (states.every((state) => state.text === text && state.version === version && state.shown.trimEnd() === text.trimEnd())) return text.trimEnd();
    if (Date.now() > deadline) throw new Error(`no convergence: ${JSON.stringify(states)}`);
  }
}

const press = (page, id, pressed) => until(page, `${id} is ${pressed}`, ([id, pressed]) => document.getElementById(id).getAttribute("aria-pressed") === String(pressed), [id, pressed]);
/** Waits until the counters of a lane are these, all of them at once: what is in flight now may be accepted before a second look. */
const counts = ({ page }, wanted, lane = 0) => until(page, `the counters of lane ${lane} are ${JSON.stringify(wanted)}`, ([wanted, lane]) => {
  const counter = (name) => document.querySelector(`[data-lane="${lane}"] [data-counter="${name}"]`)?.textContent;
  return Object.entries(wanted).every(([name, value]) => counter(name) === String(value));
}, [wanted, lane]);

for (const [id, kind] of [["two", "plain"], ["rich:two", "rich"], ["code:two", "code"]]) {
  test(`${kind}: two pages write at once, and see each other's caret and name`, async () => {
    const [ada, grace] = [await open(id, "Ada"), await open(id, "Grace")];
    assert.equal(await ada.page.locator(".paper").getAttribute("data-kind"), kind);
    await ada.page.locator("#editor").click();
    await grace.page.locator("#editor").click();
    await Promise.all([ada.page.keyboard.type("One two. "), grace.page.keyboard.type("Three four. ")]);
    const text = await converged([ada, grace]);
    assert.equal([...text.replaceAll(" ", "")].sort().join(""), [..."Onetwo.Threefour."].sort().join(""));
    await ada.page.keyboard.press("Control+Home");
    await ada.page.keyboard.type("Start ");
    assert.match(await converged([ada, grace]), /^Start /);
    await until(grace.page, "Ada's caret is where she writes", () => document.querySelector(".cowrite-caret")?.dataset.offset === "6");
    assert.equal(await grace.page.locator(".cowrite-name").textContent(), "Ada");
    assert.equal(await grace.page.locator("#people li").count(), 2);
    await until(grace.page, "all is saved", () => document.getElementById("status-text").textContent === "saved");
    for (const { page, errors } of [ada, grace]) {
      assert.deepEqual(errors, []);
      await page.close();
    }
  });
}

test("a format of one page is seen in the other", async () => {
  const [ada, grace] = [await open("rich:bold", "Ada"), await open("rich:bold", "Grace")];
  await ada.page.locator("#editor").click();
  await ada.page.keyboard.type("plain words");
  await converged([ada, grace]);
  await ada.page.keyboard.press("Control+a");
  await ada.page.keyboard.press("Control+b");
  await until(grace.page, "the words are bold", () => document.querySelector("#editor strong")?.textContent === "plain words");
});

test("from one kind to the others and back, each with what it begins with", async () => {
  const ada = await open("welcome", "Ada");
  await until(ada.page, "the welcome is there", () => document.getElementById("editor").value.startsWith("Welcome"));
  await ada.page.locator('#kinds [data-kind="rich"]').click();
  await until(ada.page, "rich text is there", () => document.querySelector(".ql-editor h1")?.textContent === "Rich text, one engine");
  await ada.page.locator('#kinds [data-kind="code"]').click();
  await until(ada.page, "code is there", () => document.querySelector(".cm-line")?.textContent.startsWith("// A pair"));
  assert.equal(await ada.page.locator('#kinds [aria-current="page"]').textContent(), "Code");
  await ada.page.locator("#new-document").click();
  await until(ada.page, "another document of code", () => /^code:note-/.test(demo.document.id) && demo.document.role !== null);
  await ada.page.locator('#kinds [data-kind="plain"]').click();
  await until(ada.page, "the welcome is back", () => document.querySelector("textarea#editor")?.value.startsWith("Welcome"));
  assert.equal(await ada.page.locator(".paper > *").count() >= 1 && (await ada.page.locator(".ql-editor, .cm-content").count()), 0);
  assert.deepEqual(ada.errors, []);
});

test("two people on one page: who is switched off writes on, is told so, and is merged afterwards", async () => {
  const ada = await open("switch", "Ada");
  await ada.page.locator("#toggle-second").click();
  await ada.page.locator("#toggle-inspector").click();
  await until(ada.page, "two are here", () => demo.panes.length === 2 && demo.panes[1].shared.role !== null && demo.document.members.length === 2);
  const areas = ada.page.locator(".pane textarea");
  await areas.nth(0).fill("common");
  await converged([ada]);
  await ada.page.locator(".pane").nth(1).locator(".switch").click();
  await until(ada.page, "she is alone", () => demo.document.members.length === 1);
  await areas.nth(1).click();
  await ada.page.keyboard.press("Home");
  await ada.page.keyboard.type("while away, ");
  await until(ada.page, "the status counts", () => /^offline.* · 12 edits waiting$/.test(document.querySelector('.pane:nth-child(2) [data-part="status-text"]').textContent));
  await counts(ada, { local: 12, buffer: 12, "in flight": 0, accepted: 0 }, 1);
  await areas.nth(0).click();
  await ada.page.keyboard.press("End");
  await ada.page.keyboard.type(" and here");
  await until(ada.page, "this side is saved", () => document.getElementById("status-text").textContent === "saved");
  assert.equal(await letters(ada, 1), "while away, common");
  await ada.page.locator(".pane").nth(1).locator(".switch").click();
  assert.equal(await converged([ada]), "while away, common and here");
  await counts(ada, { buffer: 0, accepted: 12 }, 1);
  await ada.page.locator("#toggle-second").click();
  await until(ada.page, "the second person has left", () => demo.panes.length === 1 && demo.document.members.length === 1);
  assert.deepEqual(ada.errors, []);
});

test("the slider makes an Ack take that long, and what is typed meanwhile is counted as buffer", async () => {
  const ada = await open("slow", "Ada");
  await ada.page.locator("#toggle-inspector").click();
  const acks = () => ada.page.locator('.frame[data-kind="Ack"][data-state="arrived"]').evaluateAll((rows) => rows.map(({ dataset }) => Number(dataset.took)));
  await ada.page.locator("#editor").click();
  await ada.page.keyboard.type("a");
  await converged([ada]);
  await until(ada.page, "its Ack is shown", () => document.querySelector('.frame[data-kind="Ack"][data-took]'));
  assert.ok((await acks())[0] < 800, `${await acks()}`);
  await ada.page.locator("#latency").fill("1000");
  assert.equal(await ada.page.locator("#latency-text").textContent(), "1000 ms");
  await ada.page.locator("#editor").focus();
  await ada.page.keyboard.type("bcd");
  await counts(ada, { "in flight": 1, buffer: 2, local: 4, accepted: 1 });
  await counts(ada, { "in flight": 2, buffer: 0 });
  await converged([ada]);
  await until(ada.page, "three Acks are shown", () => document.querySelectorAll('.frame[data-kind="Ack"][data-took]').length === 3);
  const [last, second] = await acks();
  for (const took of [last, second]) assert.ok(took >= 1_000 && took < 4_000, `${took} ms`);
  await counts(ada, { buffer: 0, "in flight": 0, accepted: 4, version: 3 });
});

test("the inspector shows the very frames that the socket carries, newest on top, and those that are lost", async () => {
  const ada = await open("frames", "Ada");
  const session = await ada.page.context().newCDPSession(ada.page);
  const carried = [];
  const length = ({ response }) => Buffer.from(response.payloadData, "base64").length;
  await session.send("Network.enable");
  session.on("Network.webSocketFrameSent", (event) => carried.push(`up ${length(event)}`));
  session.on("Network.webSocketFrameReceived", (event) => carried.push(`down ${length(event)}`));
  // Nothing that the client says by itself is under way when both begin to count.
  await until(ada.page, "it has been verified", () => demo.panes[0].inspector.frames.some(({ kind }) => kind === "Verified"));
  await ada.page.locator("#toggle-inspector").click();
  const before = await ada.page.evaluate(() => demo.panes[0].inspector.frames.at(-1).message);
  carried.length = 0;
  await ada.page.locator("#editor").fill("word");
  await converged([ada]);
  await until(ada.page, "the Ack is shown", () => document.querySelector('.frame[data-kind="Ack"]'));
  const seen = await ada.page.evaluate((before) => {
    const messages = new Map();
    for (const { message, direction, bytes } of demo.panes[0].inspector.frames) if (message > before) messages.set(message, { direction, bytes: (messages.get(message)?.bytes ?? 0) + bytes });
    return [...messages.values()].map(({ direction, bytes }) => `${direction} ${bytes}`);
  }, before);
  assert.ok(seen.length >= 2);
  // What the browser tells of its sockets comes on a way of its own.
  await eventually("the browser has told of as many frames", () => carried.length >= seen.length);
  assert.deepEqual(seen, carried.slice(0, seen.length));
  const rows = await ada.page.locator(".frame").evaluateAll((rows) => rows.map(({ dataset, innerText }) => ({ kind: dataset.kind, direction: dataset.direction, bytes: Number(dataset.bytes), text: innerText.replaceAll("\n", " ") })));
  const [ack, submit] = ["Ack", "Submit"].map((kind) => rows.findIndex((row) => row.kind.startsWith(kind)));
  assert.ok(ack >= 0 && ack < submit, "the newest is on top");
  assert.match(rows[submit].text, /client_seq 1 on base 0: \+“word” at 0/);
  assert.match(rows[ack].text, /client_seq 1 is version 1/);
  assert.deepEqual([rows[ack].direction, rows[ack].bytes, rows[submit].direction], ["down", 5, "up"]);
  // By the keyboard, as by a click: what a frame holds.
  await ada.page.locator('.frame[data-kind="Ack"] summary').first().press("Enter");
  await until(ada.page, "its fields are shown", () => /version: 1/.test(document.querySelector('.frame[data-kind="Ack"] .fields').textContent));
  await ada.page.locator("#latency").fill("1500");
  await ada.page.locator("#editor").press("End");
  await ada.page.keyboard.type("s");
  await until(ada.page, "the edit travels", () => document.querySelector('.frame[data-topic="edit"][data-state="travelling"]'));
  await ada.page.locator(".switch").click();
  await until(ada.page, "it is lost", () => document.querySelector('.frame[data-topic="edit"][data-state="lost"]'));
  await ada.page.locator("#latency").fill("0");
  await ada.page.locator(".switch").click();
  assert.equal(await converged([ada]), "words");
  assert.deepEqual(ada.errors, []);
});

test("the list of frames is bounded, can be paused and cleared, and the panel is remembered", async () => {
  const ada = await open("bounded", "Ada");
  await ada.page.locator("#toggle-inspector").click();
  await ada.page.locator("#editor").click();
  await ada.page.evaluate(async () => {
    for (let turn = 0; turn < 70; turn += 1) {
      demo.document.insert(0, "x");
      await demo.document.whenAccepted();
    }
  });
  await until(ada.page, "the last is shown", () => document.querySelector('.frame[data-kind="Ack"] .says')?.textContent === "client_seq 70 is version 70");
  assert.equal(await ada.page.locator(".frame").count(), 120);
  await ada.page.locator("#pause").click();
  await ada.page.locator("#clear").click();
  await ada.page.evaluate(() => (demo.document.insert(0, "y"), demo.document.whenAccepted()));
  await ada.page.evaluate(() => new Promise(requestAnimationFrame));
  assert.equal(await ada.page.locator(".frame").count(), 0);
  await ada.page.reload();
  await press(ada.page, "toggle-inspector", true);
  assert.equal(await ada.page.locator("#inspector").isVisible(), true);
});

test("a frame in words", () => {
  const delta = [{ retain: 3 }, { insert: "a\nb" }, { delete: 2 }, { retain: 4, attributes: { bold: true } }];
  assert.equal(describeDelta(delta), "+“a⏎b” at 3, −2 at 6 and 1 more");
  assert.equal(describeDelta([{ insert: { image: "x" } }]), "+“\u{fffc}” at 0");
  assert.equal(describeFrame({ kind: "Closed", fields: { channel: 1, code: "behind", retryAfterMs: 0 } }), "channel 1, code behind, retryAfterMs 0");
  assert.deepEqual(["SubmitStill", "Ack", "Cursors", "Busy", "Welcome"].map((kind) => topicOf({ kind })), ["edit", "answer", "presence", "trouble", "link"]);
});
