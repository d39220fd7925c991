import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { bundlePage, guide } from "./bundle.mjs";
import { Server, root, startBrowser, until, watchErrors } from "./harness.mjs";

const browser = await startBrowser();
const npm = createRequire(path.join(root, "npm/package.json"));

/** The component of a guide as JavaScript, by the framework's own compiler, and what shows it. */
const frameworks = {
  vue: {
    compile(source) {
      const { compileScript, parse } = npm("vue/compiler-sfc");
      return compileScript(parse(source).descriptor, { id: "guide", inlineTemplate: true }).content;
    },
    mount: `import { createApp } from "vue"; const app = createApp(App); app.mount("#root"); globalThis.leave = () => app.unmount();`,
  },
  svelte: {
    compile: (source) => npm("svelte/compiler").compile(source, { generate: "client", name: "Guide" }).js.code,
    mount: `import { mount, unmount } from "svelte"; const app = mount(App, { target: document.getElementById("root") }); globalThis.leave = () => unmount(app);`,
  },
};

for (const [name, { compile, mount }] of Object.entries(frameworks)) {
  test(`the guide for ${name}: two pages write one text, and one leaves`, async () => {
    const code = compile(await guide(name, name));
    const plugin = {
      name: "guide",
      setup(build) {
        build.onResolve({ filter: /^guide$/ }, () => ({ path: "guide", namespace: "guide" }));
        build.onLoad({ filter: /.*/, namespace: "guide" }, () => ({ contents: code, resolveDir: path.join(root, "npm") }));
      },
    };
    const server = await Server.start(await bundlePage(`import App from "guide"; ${mount}`, { plugins: [plugin] }));
    const pages = await Promise.all([browser.newPage(), browser.newPage()]);
    const errors = pages.map(watchErrors);
    // What a component throws as it goes is only logged by its framework.
    pages.forEach((page, index) => page.on("console", (message) => message.type() === "error" && !message.location().url.endsWith("/favicon.ico") && errors[index].push(message.text())));
    for (const page of pages) await page.goto(`http://127.0.0.1:${server.port}/`);
    const [ada, grace] = pages;
    await until(ada, "the other is there", () => document.getElementById("names").textContent === "Ada");
    await ada.locator("textarea").pressSequentially("typed");
    await until(grace, "it arrived", () => document.querySelector("textarea").value === "typed");
    await grace.locator("textarea").press("Home");
    await grace.locator("textarea").pressSequentially("un");
    await until(ada, "it arrived", () => document.querySelector("textarea").value === "untyped" && document.querySelector("[role=status]").textContent === "online");
    await grace.evaluate(() => leave());
    await until(ada, "the other has left", () => document.getElementById("names").textContent === "");
    assert.deepEqual(errors.flat(), []);
  });
}
