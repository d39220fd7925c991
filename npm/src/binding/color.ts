import type { Member } from "../state.js";

/** Readable under white text, and apart from each other for most eyes. */
const palette = [
  "#c2410c", "#0e7490", "#7c3aed", "#15803d", "#be185d", "#1d4ed8", "#a16207", "#b91c1c", "#4d7c0f", "#6d28d9", "#0f766e", "#9d174d",
];

/**
 * The colour that a member shows as `state.color`, or one that its user's id gives, the same for everybody
 * and in every document. A CSS colour that can stand in a style without being escaped.
 */
export function memberColor(member: Pick<Member, "user" | "state">): string {
  const { color } = member.state;
  if (typeof color === "string" && isColor(color)) return color;
  let hash = 0;
  for (let at = 0; at < member.user.length; at += 1) hash = (Math.imul(hash, 31) + member.user.charCodeAt(at)) | 0;
  return palette[(hash >>> 0) % palette.length]!;
}

function isColor(text: string): boolean {
  if (/^#([\da-f]{3}|[\da-f]{6})$/i.test(text)) return true;
  // A state is whatever somebody else has sent: nothing that could end the declaration passes.
  return typeof CSS !== "undefined" && /^[\w#%(),./ +-]*$/.test(text) && !/url/i.test(text) && CSS.supports("color", text);
}
