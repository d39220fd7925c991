import assert from "node:assert/strict";
import { test } from "node:test";
import { converged, startPair, until } from "./harness.mjs";

const ROUNDS = 4;
const { server, people } = await startPair("crash");

/** Types numbered tokens as fast as the page can until it is told to stop, and notes what was accepted. */
const startTyping = ({ page }, who) =>
  page.evaluate((who) => {
    const typing = (globalThis.typing = { made: 0, accepted: -1, going: true });
    const { document: shared } = demo;
    const step = () => {
      if (!typing.going) return;
      const edit = typing.made;
      shared.insert(shared.length, `<${who}${edit}>`);
      typing.made += 1;
      // A note that the server has given its word for this token.
      shared.whenAccepted().then(() => (typing.accepted = Math.max(typing.accepted, edit)));
      setTimeout(step, 0);
    };
    step();
  }, who);

test("kill -9 while both type at full speed loses nothing accepted and doubles nothing", async () => {
  await Promise.all([startTyping(people[0], "a"), startTyping(people[1], "g")]);
  let promised = [-1, -1];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, { page }] of people.entries()) {
      await until(page, "more is accepted", (before) => globalThis.typing.accepted > before + 20, promised[index]);
    }
    await server.kill();
    promised = await Promise.all(people.map(({ page }) => page.evaluate(() => globalThis.typing.accepted)));
    for (const { page } of people) {
      await until(page, "the page says that edits wait and that it is offline", () => {
        const text = document.getElementById("status-text").textContent;
        return text.startsWith("offline") && /waiting/.test(text);
      });
      assert.ok(await page.evaluate(() => demo.document.status.pending > 0 && demo.document.status.accepted < demo.document.status.local));
    }
    await server.restart();
  }
  for (const { page } of people) await page.evaluate(() => void (globalThis.typing.going = false));
  const text = await converged(people);
  for (const [index, who] of ["a", "g"].entries()) {
    const made = await people[index].page.evaluate(() => globalThis.typing.made);
    assert.ok(made > promised[index] && promised[index] > 0);
    // Not only what was accepted before a kill: all of it has arrived by now, once.
    const counts = new Map();
    for (const [token] of text.matchAll(new RegExp(`<${who}\\d+>`, "g"))) counts.set(token, (counts.get(token) ?? 0) + 1);
    for (let edit = 0; edit < made; edit += 1) assert.equal(counts.get(`<${who}${edit}>`), 1, `${who}${edit} of ${made}`);
  }
  // What is left when every token is taken out would be torn or foreign.
  assert.equal(text.replace(/<[ag]\d+>/g, ""), "");
});

test("what the server has is what a new page sees", async () => {
  const text = await converged(people);
  await people[0].page.reload();
  await until(people[0].page, "the document is loaded", () => globalThis.demo?.document.role);
  assert.equal(await people[0].text(), text);
});

test("no page has thrown an error", () => assert.deepEqual(people.flatMap(({ errors }) => errors), []));
