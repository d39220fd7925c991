/**
 * Documents on the device: loaded by `cowrite` itself, and only where `storage` is asked for.
 * @packageDocumentation
 */
export { adopt } from "./storage/adoption.js";
export { Storage } from "./storage/keeper.js";
export type { Keeper, KeeperHost, Orphan } from "./storage/keeper.js";
