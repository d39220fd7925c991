// Puts the package into node_modules as `npm install cowrite` would: what `npm pack` makes, unpacked.
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../../", import.meta.url));

/** Installs the package as it would be published, and gives the paths of its files. */
export async function install() {
  const modules = path.join(here, "node_modules");
  await mkdir(modules, { recursive: true });
  const work = await mkdtemp(path.join(modules, ".cowrite-"));
  try {
    const [{ filename, files }] = JSON.parse(execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", work], { cwd: path.join(root, "npm"), encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
    execFileSync("tar", ["-xzf", path.join(work, filename), "-C", work]);
    await rm(path.join(modules, "cowrite"), { recursive: true, force: true });
    await rename(path.join(work, "package"), path.join(modules, "cowrite"));
    return files.map((file) => file.path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
