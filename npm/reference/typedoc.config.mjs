// The reference of the package's interface, from its sources. TypeDoc reads them by a compiler that it can
// call, which the one that builds the package (TypeScript 7, a program) is not; hence this folder.
import { readFileSync } from "node:fs";

const { exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
/** The module's own types are made by wasm-bindgen, from what rustdoc documents. */
const entries = Object.values(exports).flatMap(({ default: built }) => /^\.\/dist\/([\w-]+)\.js$/.exec(built)?.[1] ?? []);

/** @type {import("typedoc").TypeDocOptions} */
export default {
  name: "cowrite",
  entryPoints: entries.map((name) => `../src/${name}.ts`),
  tsconfig: "../tsconfig.json",
  out: "../../target/reference",
  readme: "../README.md",
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  disableSources: true,
  disableGit: true,
  githubPages: false,
  sort: ["source-order"],
  highlightLanguages: ["ts", "tsx", "js", "jsx", "html", "sh", "svelte", "vue"],
  validation: { notExported: true, invalidLink: true, invalidPath: true, rewrittenLink: true, notDocumented: true, unusedMergeModuleWith: true },
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
};
