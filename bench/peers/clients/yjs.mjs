// What the clients of Yjs share, whichever provider connects them.

/** A document as the load sees it. */
export function shared(doc, onInsert) {
  const text = doc.getText("content");
  if (onInsert) {
    text.observe((event) => {
      if (event.transaction.local) return;
      for (const { insert } of event.delta) if (insert) onInsert(insert);
    });
  }
  return {
    insert: (at, letters) => text.insert(at, letters),
    remove: (at, length) => text.delete(at, length),
    length: () => text.length,
    text: () => text.toString(),
    /** Each edit travels by itself, however many wait for an answer. */
    pipelined: true,
  };
}
