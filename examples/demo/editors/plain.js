// Plain text in a <textarea>.
import { bindTextarea } from "cowrite/textarea";

/** Shows a document in `host`. The answer is what gives it the focus and what ends it. */
export function mount(host, shared, { id, onError }) {
  const area = document.createElement("textarea");
  area.className = "plain";
  area.spellcheck = false;
  area.placeholder = "Write something. Whoever has this document open sees it at once.";
  area.setAttribute("aria-label", "Text of the document");
  if (id) area.id = id;
  host.replaceChildren(area);
  const binding = bindTextarea(area, shared, { cursors: true, onError });
  return {
    focus: () => area.focus({ preventScroll: true }),
    destroy() {
      binding.destroy();
      host.replaceChildren();
    },
  };
}
