import type { Member } from "../state.js";

/** `now`, but with each member of `before` that has not changed, and `before` itself if none has. */
export function sharedMembers(before: readonly Member[] | undefined, now: readonly Member[]): readonly Member[] {
  if (!before) return now;
  const known = new Map(before.map((member) => [member.number, member]));
  const shared = now.map((member) => {
    const old = known.get(member.number);
    return old && sameMember(old, member) ? old : member;
  });
  return shared.length === before.length && shared.every((member, index) => member === before[index]) ? before : shared;
}

function sameMember(a: Member, b: Member): boolean {
  if (a === b) return true;
  return a.user === b.user && a.name === b.name && a.active === b.active && a.self === b.self
    && a.cursor?.anchor === b.cursor?.anchor && a.cursor?.head === b.cursor?.head
    && JSON.stringify(a.state) === JSON.stringify(b.state);
}
