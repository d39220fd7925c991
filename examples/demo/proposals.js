// Work that was set aside: kept and shown, and never sent without somebody saying so.
import { toast } from "./toast.js";

const reasons = {
  unknown_outcome: "It is not known whether the server took this work before the connection was lost.",
  not_allowed: "You may not change this document any more; this had not been sent.",
  lost_accepted: "The server had accepted this work and has lost it.",
  remaining: "Somebody else has restored the lost work; this is what still differs from yours.",
};

/** Shows a document's proposals with their two ways out. */
export function showProposals(section, shared) {
  const { proposals } = shared;
  section.hidden = proposals.length === 0;
  section.replaceChildren(...proposals.map((proposal) => card(proposal, shared, () => showProposals(section, shared))));
}

function card(proposal, shared, refresh) {
  const article = document.createElement("article");
  const text = document.createElement("p");
  text.textContent = reasons[proposal.kind] ?? "This work was set aside.";
  const preview = document.createElement("blockquote");
  preview.textContent = summary(proposal.delta);
  article.append(
    text,
    button("Restore", "primary", () => decide(() => shared.acceptProposal(proposal.id), refresh)),
    button("Discard", "quiet", () => decide(() => shared.discardProposal(proposal.id), refresh)),
    preview,
  );
  return article;
}

function decide(act, refresh) {
  try {
    act();
  } catch (error) {
    toast(`${error.message} ${error.whatToDo}`);
  }
  refresh();
}

function button(label, className, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

function summary(delta) {
  const inserted = delta.map((component) => (typeof component.insert === "string" ? component.insert : "")).join(" … ").trim();
  const deleted = delta.reduce((sum, component) => sum + (component.delete ?? 0), 0);
  return [inserted.slice(0, 600), deleted ? `(and ${deleted} characters deleted)` : ""].filter(Boolean).join("\n");
}
