// A frame of the wire in a few words.

const MOST_LETTERS = 24;

/** What a frame is about, for its colour: an edit, its answer, who is here and where, or the connection itself. */
export function topicOf({ kind }) {
  if (/^(Submit|Commit|Entry|Composed|Snapshot|Restore$)/.test(kind)) return "edit";
  if (/^(Ack|Durable|Restored)/.test(kind)) return "answer";
  if (/^(Cursors?|Presence|Members|Author|Ping|Pong|Verif)/.test(kind)) return "presence";
  if (/^(Reject|Busy|Error|OpenRefused|Closed|Stalled|Unreadable)/.test(kind)) return "trouble";
  return "link";
}

/** What a frame says. */
export function describeFrame(frame) {
  const { kind, fields } = frame.whole ?? frame;
  switch (kind) {
    case "Submit":
    case "SubmitStill":
    case "SubmitCursor":
      return `client_seq ${fields.seq} on base ${fields.base}: ${describeDelta(fields.operation)}`;
    case "Ack":
      return `client_seq ${fields.seq} is version ${fields.version}`;
    case "Commit":
    case "CommitStill":
    case "CommitCursor":
    case "Entry":
    case "Composed":
      return `version ${fields.version}: ${describeDelta(fields.operation)}`;
    case "Snapshot":
      return `version ${fields.version}, whole: ${lengthOf(fields.content).toLocaleString("en")} characters`;
    case "Cursor":
      return `${caret(fields.cursor)} at version ${fields.version}`;
    case "Cursors":
      return `${fields.cursors.map(({ cursor }) => caret(cursor)).join(", ")} at version ${fields.version}`;
    case "Members":
      return fields.changes.map((change) => (change.here ? `${nameOf(change.here)} is ${change.here.activity}` : `number ${change.left.number} has left`)).join(", ");
    case "Presence":
      return `is ${fields.activity}`;
    case "Author":
      return `number ${fields.number} is ${fields.user}`;
    case "Open":
      return fields.position ? `${fields.document}, known up to version ${fields.position.version}` : `${fields.document}, for the first time`;
    case "Opened":
      return `as ${fields.role}, ${fields.outcome.tail ? `what was missed up to version ${fields.outcome.tail.head} follows` : "the whole follows"}`;
    case "Hello":
      return "speaks version 1 of the wire";
    case "Welcome":
      return `${fields.user}; durability: ${typeof fields.durability === "string" ? fields.durability : Object.keys(fields.durability)[0]}`;
    case "Verify":
    case "Verified":
      return `version ${fields.version} is ${kind === "Verify" ? "what I hold" : "the same here"}`;
    default:
      return Object.entries(fields).filter(([, value]) => typeof value !== "object").map(([name, value]) => `${name} ${value}`).join(", ");
  }
}

/** The changes of a delta, as far as they fit. */
export function describeDelta(delta) {
  const words = [];
  let at = 0;
  for (const { retain, insert, delete: deleted, attributes } of delta) {
    if (retain !== undefined) {
      if (attributes) words.push(`${Object.keys(attributes).join(", ")} on ${retain} at ${at}`);
      at += retain;
    } else if (deleted !== undefined) words.push(`−${deleted} at ${at}`);
    else {
      const text = typeof insert === "string" ? insert : "\u{fffc}";
      words.push(`+“${shortened(text)}” at ${at}`);
      at += text.length;
    }
  }
  return words.length > 2 ? `${words.slice(0, 2).join(", ")} and ${words.length - 2} more` : words.join(", ") || "nothing";
}

function caret(cursor) {
  if (cursor.length === 0) return "no caret";
  const [{ anchor, head }] = cursor;
  return anchor === head ? `caret ${head}` : `selection ${Math.min(anchor, head)}–${Math.max(anchor, head)}`;
}

function nameOf({ name, state }) {
  try {
    return JSON.parse(state).name ?? name;
  } catch {
    return name;
  }
}

function lengthOf(delta) {
  return delta.reduce((sum, { insert }) => sum + (typeof insert === "string" ? insert.length : 1), 0);
}

function shortened(text) {
  const shown = text.replaceAll("\n", "⏎");
  return shown.length > MOST_LETTERS ? `${shown.slice(0, MOST_LETTERS)}…` : shown;
}
