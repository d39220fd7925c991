/**
 * Shows the frames that a client and its server exchange, and plays a network that is slow or gone.
 *
 * ```js
 * import { connect } from "cowrite";
 * import { Inspector } from "cowrite/inspector";
 * const inspector = new Inspector();
 * const client = connect(url, { token, socket: inspector.socket });
 * inspector.on("frame", ({ direction, kind, bytes, fields }) => console.log(direction, kind, bytes, fields));
 * ```
 * @packageDocumentation
 */
export { Inspector } from "./inspector/inspector.js";
export type { InspectedFrame, InspectorEvents, InspectorOptions } from "./inspector/inspector.js";
export { FrameReader } from "./inspector/frame.js";
export type { Direction, Frame } from "./inspector/frame.js";
export type { FieldValue } from "./inspector/fields.js";
