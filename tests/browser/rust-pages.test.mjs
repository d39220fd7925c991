// The examples in Rust, built for wasm by `cargo xtask`: two people in Chromium, and one in this process.
import assert from "node:assert/strict";
import { access, readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { connect } from "../../npm/dist/index.js";
import { guide } from "./bundle.mjs";
import { DEADLINE_MS, Server, borrowContext, eventually, root, startBrowser, until, watchErrors } from "./harness.mjs";

const built = process.env.COWRITE_RUST_PAGES ?? path.join(root, "target/rust-pages");
const LINES = Array.from({ length: 200 }, (_, line) => `line ${line}`).join("\n");

for (const framework of ["leptos", "yew"]) {
  const pages = path.join(built, framework);
  await access(pages).catch(() => assert.fail(`no page in ${pages}: \`cargo xtask test --only browser\` builds it`));
  const browser = await startBrowser();

  /** Two people at a server of their own, and a third in this process, who knows the text as the server has it. */
  const meet = async (context) => {
    const server = await Server.start(pages);
    const client = connect(`ws://127.0.0.1:${server.port}/v1/socket`, { token: "dev:peer" });
    context.after(() => client.close());
    const peer = client.open("notes");
    await peer.ready;
    const people = [await open(server, "ada"), await open(server, "grace")];
    return { server, client, peer, ada: people[0], grace: people[1] };
  };

  const open = async (server, user) => {
    const page = await (await borrowContext(browser, { viewport: { width: 900, height: 700 } })).newPage();
    const errors = watchErrors(page);
    // A panic is told on the console, and ends a callback without an error.
    page.on("console", (message) => message.type() === "error" && !/ERR_|WebSocket|favicon/.test(message.text() + message.location().url) && errors.push(message.text()));
    await page.goto(`http://127.0.0.1:${server.port}/?user=${user}`);
    await until(page, "the document is loaded", () => document.querySelector("[role=status]")?.textContent === "online" && !document.querySelector("textarea").readOnly);
    const area = page.locator("textarea");
    return {
      page,
      errors,
      area,
      keys: page.keyboard,
      value: () => area.inputValue(),
      select: ([anchor, head]) => area.evaluate((element, [from, to]) => (element.focus(), element.setSelectionRange(Math.min(from, to), Math.max(from, to), from > to ? "backward" : "forward")), [anchor, head]),
      selection: () => area.evaluate(({ selectionStart, selectionEnd, selectionDirection }) => (selectionDirection === "backward" ? [selectionEnd, selectionStart] : [selectionStart, selectionEnd])),
      names: () => page.locator("li").allTextContents(),
    };
  };

  /** Waits until all show the peer's text and nothing is pending, and gives it. */
  const converged = async ({ peer, ada, grace }) => {
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const settled = await Promise.all([ada, grace].map(({ page }) => page.evaluate(() => [document.querySelector("[role=status]").textContent, document.querySelector("textarea").value, document.getElementById("length").textContent])));
      const shown = peer.text.replace(/\r\n?/g, "\n");
      const wanted = ["online", shown, `${[...peer.text].length} characters`];
      if (peer.status.pending === 0 && settled.every((state) => state.every((part, index) => part === wanted[index]))) return peer.text;
      if (Date.now() > deadline) throw new Error(`no convergence: ${JSON.stringify([wanted, ...settled]).slice(0, 2_000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  test(`${framework}: the guide shows the very code of the example`, async () => {
    const example = await readFile(path.join(root, "examples", framework, "src/main.rs"), "utf8");
    assert.ok(example.includes(await guide(framework, "rust")), "they differ");
  });

  const done = ({ ada, grace }) => assert.deepEqual([ada.errors, grace.errors], [[], []]);

  test(`${framework}: two people who type at once come to one text, and see who is here`, async (context) => {
    const meeting = await meet(context);
    const { ada, grace } = meeting;
    await ada.area.pressSequentially("first\nsecond 🏆");
    assert.equal(await converged(meeting), "first\nsecond 🏆");
    await ada.select([5, 5]);
    await grace.select([12, 12]);
    await Promise.all([ada.keys.type(" one of many words", { delay: 10 }), grace.keys.type(" two of many words", { delay: 10 })]);
    assert.equal(await converged(meeting), "first one of many words\nsecond two of many words 🏆");
    await ada.select([0, 5]);
    await until(grace.page, "Grace sees where Ada is", () => [...document.querySelectorAll("li:not(.own)")].some(({ textContent }) => textContent === "ada at 5"));
    await grace.select([0, 0]);
    await grace.keys.type("so ");
    await until(grace.page, "Ada's caret has moved with the text", () => [...document.querySelectorAll("li:not(.own)")].some(({ textContent }) => textContent === "ada at 8"));
    assert.deepEqual((await ada.names()).map((name) => name.split(" ")[0]).sort(), ["ada", "grace", "peer"]);
    await grace.page.close();
    await until(ada.page, "Grace has left", () => document.querySelectorAll("li").length === 2);
    assert.deepEqual(ada.errors, []);
  });

  test(`${framework}: selection and scroll position stay while another writes above`, async (context) => {
    const meeting = await meet(context);
    const { peer, ada } = meeting;
    peer.insert(0, LINES);
    await converged(meeting);
    const at = LINES.indexOf("line 150");
    await ada.select([at + 8, at]);
    await ada.area.evaluate((element) => void (element.scrollTop = 2_000));
    const top = await ada.area.evaluate((element) => element.scrollTop);
    peer.insert(at + 8, "X");
    peer.insert(at, "Y");
    peer.insert(0, "above ");
    await converged(meeting);
    const [anchor, head] = await ada.selection();
    assert.deepEqual([(await ada.value()).slice(head, anchor), anchor > head], ["line 150", true]);
    assert.equal(await ada.area.evaluate((element) => element.scrollTop), top);
    // A text with carriage returns is shown without them, and offsets know it.
    peer.insert(0, "a\r\nb\r");
    await converged(meeting);
    const later = await ada.selection();
    assert.equal((await ada.value()).slice(later[1], later[0]), "line 150");
    await ada.keys.type("Z");
    assert.ok((await converged(meeting)).includes("line 149\nYZX\nline 151"));
    done(meeting);
  });

  test(`${framework}: a word that an input method composes is left alone`, async (context) => {
    const meeting = await meet(context);
    const { peer, ada } = meeting;
    peer.insert(0, "ab");
    await converged(meeting);
    await ada.select([1, 1]);
    const session = await ada.page.context().newCDPSession(ada.page);
    await session.send("Input.imeSetComposition", { text: "か", selectionStart: 1, selectionEnd: 1 });
    peer.insert(0, ">>");
    await until(ada.page, "the document has the other's text", () => document.getElementById("length").textContent === "4 characters");
    assert.equal(await ada.value(), "aかb");
    await session.send("Input.imeSetComposition", { text: "かな", selectionStart: 2, selectionEnd: 2 });
    await session.send("Input.insertText", { text: "仮名" });
    assert.equal(await converged(meeting), ">>a仮名b");
    assert.deepEqual(await ada.selection(), [5, 5]);
    done(meeting);
  });

  test(`${framework}: undo takes back only what one has written oneself`, async (context) => {
    const meeting = await meet(context);
    const { peer, ada, grace } = meeting;
    peer.insert(0, "text");
    await converged(meeting);
    await ada.page.locator("#undo:disabled").waitFor();
    await ada.select([0, 0]);
    await ada.keys.insertText("mine ");
    await converged(meeting);
    await grace.select([9, 9]);
    await grace.keys.type(" theirs");
    assert.equal(await converged(meeting), "mine text theirs");
    await ada.keys.press("Control+z");
    assert.equal(await converged(meeting), "text theirs");
    await ada.page.locator("#redo").click();
    assert.equal(await converged(meeting), "mine text theirs");
    await ada.page.locator("#undo").click();
    assert.equal(await converged(meeting), "text theirs");
    await ada.page.locator("#undo:disabled").waitFor();
    done(meeting);
  });

  test(`${framework}: what is written while the server is down arrives when it is back`, async (context) => {
    const meeting = await meet(context);
    const { server, ada, grace } = meeting;
    await ada.area.pressSequentially("before");
    await converged(meeting);
    await server.kill();
    await until(ada.page, "the loss is shown", () => document.querySelector("[role=status]").textContent !== "online");
    await ada.keys.type(", during");
    await until(ada.page, "it is pending", () => /^(offline|connecting), saving$/.test(document.querySelector("[role=status]").textContent));
    await grace.select([0, 0]);
    await grace.keys.type("even ");
    await server.restart();
    assert.equal(await converged(meeting), "even before, during");
    done(meeting);
  });

  test(`${framework}: a document that is left is closed when its last word has arrived`, async (context) => {
    const meeting = await meet(context);
    const { client, peer, ada } = meeting;
    const ideas = client.open("ideas");
    await ideas.ready;
    await ada.area.pressSequentially("all but");
    await ada.page.evaluate(() => {
      // Typed and gone: the second word waits for the answer to the first, which nobody can have had.
      const [area, select] = [document.querySelector("textarea"), document.querySelector("select")];
      for (const word of [" this", " word"]) {
        area.setRangeText(word, area.value.length, area.value.length, "end");
        area.dispatchEvent(new InputEvent("input", { inputType: "insertText" }));
      }
      select.value = "ideas";
      select.dispatchEvent(new Event("change", { bubbles: true }));
    });
    await eventually("it has arrived", () => peer.text === "all but this word");
    await eventually("Ada has left the one and come to the other", () => !peer.members.some(({ user }) => user === "ada") && ideas.members.some(({ user }) => user === "ada"));
    await until(ada.page, "the other is shown", () => document.querySelector("textarea").value === "" && document.querySelector("[role=status]").textContent === "online" && !document.querySelector("textarea").readOnly);
    await ada.area.pressSequentially("new");
    await eventually("it goes where it belongs", () => ideas.text === "new");
    assert.equal(peer.text, "all but this word");
    done(meeting);
  });
}
