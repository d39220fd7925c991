// The npm package in Node.js.
import { connect } from "../../../npm/dist/index.js";
import { BenchSocket } from "../clients/socket.mjs";
import { mint } from "../token.mjs";
import { library } from "./package.mjs";

export const { create, branches, join } = library({
  connect,
  Socket: BenchSocket,
  token: mint,
  breathe: () => new Promise((resolve) => setImmediate(resolve)),
});
