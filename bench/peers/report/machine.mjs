// What the figures were taken on.
import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";

/** The machine, how busy it is with other things, and which source is measured. */
export function describeMachine() {
  const said = (program, words) => {
    try {
      return execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    } catch {
      return null;
    }
  };
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model,
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    loadBefore: loadavg()[0],
    node: process.version,
    rust: said("rustc", ["--version"]),
    commit: said("git", ["describe", "--always", "--dirty"]),
  };
}
