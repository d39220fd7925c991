import type { Member } from "../state.js";

/** Readable under white text, and apart from each other for most eyes. */
const palette = [
  "#c2410c", "#0e7490", "#7c3aed", "#15803d", "#be185d", "#1d4ed8", "#a16207", "#b91c1c", "#4d7c0f", "#6d28d9", "#0f766e", "#9d174d",
];

/** The colour that a member shows as `state.color`, or one that its number gives. A CSS colour. */
export function memberColor(member: Pick<Member, "number" | "state">): string {
  const { color } = member.state;
  return typeof color === "string" && CSS.supports("color", color) ? color : palette[member.number % palette.length]!;
}
