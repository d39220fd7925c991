// The tab, or the whole browser, is killed at every step that the store waits for.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";
import { assertTokens, deviceIn, errors, pagesFolder, settled, startDevice } from "./device.mjs";
import { browserFlags, DEADLINE_MS, Server, startBrowser, until } from "./harness.mjs";

const server = await Server.start(await pagesFolder());

/** Runs in the page before all else: each time that the store asks or is answered is a step, and at the `target` it stops. */
function steps(target) {
  globalThis.steps = [];
  const step = (name) => {
    globalThis.steps.push(name);
    // The page stands still here, and is killed.
    if (globalThis.steps.length === target) debugger;
  };
  const wrap = (of, name, around) => {
    const original = of.prototype[name];
    of.prototype[name] = function (...parameters) {
      step(`${of.name}.${name} is asked`);
      return around(original, this, parameters, `${of.name}.${name}`);
    };
  };
  const answered = (original, self, parameters, name) => {
    const request = original.apply(self, parameters);
    request.addEventListener("success", () => step(`${name} is answered`));
    return request;
  };
  wrap(IDBFactory, "open", answered);
  for (const name of ["get", "getKey", "getAllKeys", "put", "delete"]) wrap(IDBObjectStore, name, answered);
  wrap(IDBDatabase, "transaction", (original, self, parameters, name) => {
    const transaction = original.apply(self, parameters);
    transaction.addEventListener("complete", () => step(`${name} is complete`));
    return transaction;
  });
  wrap(LockManager, "request", (original, self, parameters, name) => {
    const callback = parameters.pop();
    const granted = (lock) => {
      step(`${name} is answered`);
      const until = callback(lock);
      until?.then?.(() => step(`${name} is released`));
      return until;
    };
    return original.apply(self, [...parameters, granted]);
  });
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (message) {
    step("WebSocket.send");
    return send.call(this, message);
  };
}

/** One life of a page that types four tokens and closes; killed at the step with this number, if it comes so far. */
async function live(device, target, life) {
  const page = await device.context.newPage();
  errors.push([]);
  await page.addInitScript(steps, target);
  const session = await device.context.newCDPSession(page);
  await session.send("Debugger.enable");
  let die;
  const died = new Promise((resolve) => void (die = resolve));
  session.once("Debugger.paused", () => {
    session.send("Page.crash").catch(() => {});
    page.once("crash", () => die(true));
  });
  const lived = (async () => {
    await page.goto(`http://127.0.0.1:${server.port}/#${device.proxy.port}`);
    await page.waitForFunction(() => globalThis.ready);
    await page.evaluate(([id, life]) => (start(id), shared.ready.then(() => type(life, 5, 4))), [device.id, life]);
    await page.waitForFunction(() => shared.status.local >= 4 && (shared.status.stored === shared.status.local || shared.status.pending === 0), undefined, { timeout: DEADLINE_MS });
    await page.evaluate(() => (client.close(), new Promise((resolve) => setTimeout(resolve, 100))));
    return false;
  })();
  const killed = await Promise.race([died, lived.catch(async (error) => {
    if (await Promise.race([died, pause(2_000, false)])) return true;
    throw error;
  })]);
  const names = killed ? null : await page.evaluate(() => globalThis.steps);
  await page.close();
  return { killed, names };
}

describe("killed at every step of the store", { concurrency: true }, () => {
  for (const network of ["with", "without"]) {
    test(`${network} a connection, nothing that was stored or accepted is lost, nothing comes twice`, { timeout: 400_000 }, async (t) => {
      const browser = await startBrowser();
      const device = await startDevice(browser, server);
      // Something must be there, or nothing could be edited without a connection.
      const { names: whole } = await live(device, 0, "first");
      if (network === "without") device.proxy.cut();
      let [kills, target] = [0, 0];
      for (let alive = 0; alive < 3 && target < 200; ) {
        target += 1;
        const { killed } = await live(device, target, `${network}-${target}`);
        if (killed) [kills, alive] = [kills + 1, 0];
        else alive += 1;
      }
      t.diagnostic(`${kills} kills; a whole life has these steps: ${[...new Set(whole)].join(", ")}`);
      assert.ok(kills >= 20, `${kills} kills`);
      device.proxy.heal();
      const page = await device.open();
      assertTokens(await settled(page), device.notes, `${network} a connection`);
      assert.deepEqual(await page.evaluate(() => shared.proposals), []);
      await browser.close();
    });
  }
});

/** A Chromium on a profile that outlives it, which can be killed with all its processes. */
async function launch(profile) {
  await rm(path.join(profile, "DevToolsActivePort"), { force: true });
  const child = spawn(process.env.COWRITE_CHROMIUM ?? "/usr/bin/chromium", [...browserFlags, "--headless=new", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"], { detached: true, stdio: "ignore" });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const end = async () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It is gone already.
    }
    await gone;
  };
  after(end);
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const text = await readFile(path.join(profile, "DevToolsActivePort"), "utf8").catch(() => "");
    if (text.includes("\n")) return { end, browser: await chromium.connectOverCDP(`http://127.0.0.1:${text.split("\n")[0]}`) };
    assert.ok(Date.now() < deadline, "the browser did not start");
    await pause(20);
  }
}

test("the whole browser is killed while two tabs type, and starts again with both", { timeout: 200_000 }, async () => {
  const profile = await mkdtemp(path.join(tmpdir(), "cowrite-profile-"));
  after(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }));
  let device;
  for (let round = 0; round < 6; round += 1) {
    const { browser, end } = await launch(profile);
    device = await deviceIn(browser.contexts()[0], server, device);
    const pages = await Promise.all([device.page(), device.page()]);
    if (round % 2 === 1) device.proxy.cut();
    await Promise.all(pages.map((page, tab) => page.evaluate(([id, life]) => (start(id), shared.ready.then(() => type(life, 4))), [device.id, `${round}-${tab}`])));
    // What was never there before cannot be opened without a connection, in the next round.
    if (round === 0) await Promise.all(pages.map((page) => until(page, "it is stored", () => shared.persistence.state === "stored")));
    await pause(Math.random() * 300);
    await end();
    await browser.close().catch(() => {});
    device.proxy.heal();
  }
  const { browser, end } = await launch(profile);
  device = await deviceIn(browser.contexts()[0], server, device);
  const page = await device.open();
  const text = await settled(page);
  assertTokens(text, device.notes, "after the browser was killed");
  assert.ok(device.notes.size >= 6, `${device.notes.size} lives got to type`);
  await until(page, "it is stored", () => shared.persistence.state === "stored");
  await browser.close().catch(() => {});
  await end();
});
