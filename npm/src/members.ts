import type { EngineMember } from "./engine.js";
import type { Member, PresenceState } from "./state.js";

/**
 * The members of one document, as far as they are known on this side of the module: who they are is read when
 * that has changed, and their carets, which move all the time, as numbers.
 */
export class Members {
  #revision: number | undefined;
  #list: readonly Member[] = [];

  /**
   * Everybody, by rising number. A member of whom nothing has changed is the same object as before, and so
   * are all together if none has.
   *
   * @param carets what `Engine.carets` gives
   * @param read gives what `Engine.members` gives
   */
  read(carets: Uint32Array, read: () => string): readonly Member[] {
    const revision = carets[0];
    const anew = revision !== this.#revision;
    const before = anew ? (JSON.parse(read()) as EngineMember[]).map(memberOf) : this.#list;
    let [at, moved] = [1, anew];
    const list = before.map((member) => {
      const shown = carets[at] === member.number;
      const cursor = shown ? { anchor: carets[at + 1]!, head: carets[at + 2]! } : null;
      if (shown) at += 3;
      if (member.cursor?.anchor === cursor?.anchor && member.cursor?.head === cursor?.head) return member;
      moved = true;
      return { ...member, cursor };
    });
    if (moved) [this.#revision, this.#list] = [revision, list];
    return this.#list;
  }
}

function memberOf(member: EngineMember): Member {
  const state = (member.state ?? {}) as PresenceState;
  return { ...member, state, name: typeof state.name === "string" && state.name ? state.name : member.name, cursor: null };
}
