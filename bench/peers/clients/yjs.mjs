// What the clients of Yjs share, whichever provider connects them.
import { createRelativePositionFromTypeIndex } from "yjs";

/** A document as the load sees it, with the provider's awareness. */
export function shared(doc, awareness, { onInsert, onCarets }) {
  const text = doc.getText("content");
  if (onInsert) {
    text.observe((event) => {
      if (event.transaction.local) return;
      for (const { insert } of event.delta) if (insert) onInsert(insert);
    });
  }
  if (onCarets) awareness.on("change", onCarets);
  return {
    // As the bindings of editors do it.
    caret: (at) => {
      const place = createRelativePositionFromTypeIndex(text, at);
      awareness.setLocalStateField("cursor", { anchor: place, head: place });
    },
    insert: (at, letters) => text.insert(at, letters),
    remove: (at, length) => text.delete(at, length),
    length: () => text.length,
    text: () => text.toString(),
    /** Each edit travels by itself, however many wait for an answer. */
    pipelined: true,
  };
}
