import { useEffect, useRef, useState } from "react";
import type { Document } from "../document.js";

/**
 * Ties an element to a document by a binding of this package, and unties it when either goes:
 *
 * ```jsx
 * const area = useBinding(notes, (document, element) => bindTextarea(element, document, { cursors: true }));
 * return <textarea ref={area} />;
 * ```
 *
 * The element is the binding's from then on: give it no `value`.
 */
export function useBinding<Target extends object>(
  document: Document | null, bind: (document: Document, target: Target) => { destroy(): void },
): (target: Target | null) => void {
  const [target, setTarget] = useState<Target | null>(null);
  const latest = useRef(bind);
  useEffect(() => {
    latest.current = bind;
  });
  useEffect(() => {
    if (!document || !target) return;
    const binding = latest.current(document, target);
    return () => binding.destroy();
  }, [document, target]);
  return setTarget;
}
