// Who is here, as round initials in the colour of their carets.
import { memberColor } from "cowrite/textarea";

const MOST_SHOWN = 8;
const activities = { typing: "typing", away: "away", active: "here" };

/** Shows the members, oneself first. */
export function showPeople(list, members) {
  const sorted = [...members].sort((a, b) => Number(b.self) - Number(a.self) || a.number - b.number);
  list.replaceChildren(...sorted.slice(0, MOST_SHOWN).map(avatar));
  const more = sorted.length - MOST_SHOWN;
  if (more > 0) {
    const item = document.createElement("li");
    item.className = "more";
    item.textContent = `+${more}`;
    list.append(item);
  }
}

function avatar(member) {
  const item = document.createElement("li");
  const name = member.self ? `${member.name} (you)` : member.name;
  item.style.background = memberColor(member);
  item.dataset.active = member.active;
  item.title = `${name}, ${activities[member.active] ?? member.active}`;
  item.setAttribute("aria-label", item.title);
  item.textContent = initials(member.name);
  return item;
}

function initials(name) {
  const words = name.trim().split(/\s+/);
  const first = (word) => [...(word ?? "")][0] ?? "";
  return (first(words[0]) + (words.length > 1 ? first(words.at(-1)) : "")).toUpperCase() || "?";
}
