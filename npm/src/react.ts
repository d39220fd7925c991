"use client";
/**
 * React, 18 or newer: a shared document as if it were local state.
 *
 * ```jsx
 * import { CowriteProvider, useDocument, useOthers, useText } from "cowrite/react";
 *
 * function Notes() {
 *   const notes = useDocument("notes", { presence: { name: "Ada" } });
 *   const names = useOthers(notes, (others) => others.map(({ name }) => name));
 *   return <pre title={names.join()}>{useText(notes)}</pre>;
 * }
 *
 * <CowriteProvider url="wss://example.org/v1/socket" token={fetchToken}><Notes /></CowriteProvider>
 * ```
 *
 * A hook gives the whole value, or what a selector chooses from it; a component renders again only
 * when that changes. On a server, and for the first render in a page, there is no document yet: hooks
 * take `null` for it and give what an empty one has.
 * @packageDocumentation
 */
export { useBinding } from "./react/binding.js";
export { useConnection, useOthers, usePresence, useStatus, useText, useUndo } from "./react/hooks.js";
export { useDocument, useSuspenseDocument } from "./react/document.js";
export type { DocumentOptions } from "./react/document.js";
export { CowriteProvider, useClient } from "./react/provider.js";
export type { CowriteProviderProps } from "./react/provider.js";
export type { DocumentStatus } from "./observed/document.js";
export type { IsEqual, Select } from "./observed/select.js";
export type { Undo } from "./observed/undo.js";
