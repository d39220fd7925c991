// Rich text in Quill.
import Quill from "quill";
import { bindQuill } from "cowrite/quill";

const toolbar = [[{ header: [1, 2, 3, false] }], ["bold", "italic", "underline", "code"], [{ list: "ordered" }, { list: "bullet" }], ["blockquote", "code-block", "link"]];

/** As in plain.js. */
export function mount(host, shared, { id, onError }) {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = new URL("../vendor/dist/quill.snow.css", import.meta.url).href;
  if (!document.querySelector(`link[href="${sheet.href}"]`)) document.head.prepend(sheet);
  const box = document.createElement("div");
  box.className = "rich";
  const element = document.createElement("div");
  box.append(element);
  host.replaceChildren(box);
  const quill = new Quill(element, { theme: "snow", modules: { toolbar }, placeholder: "Write something, and give it a shape." });
  if (id) quill.root.id = id;
  quill.root.setAttribute("aria-label", "Text of the document");
  quill.root.setAttribute("role", "textbox");
  quill.root.setAttribute("aria-multiline", "true");
  const binding = bindQuill(quill, shared, { onError });
  return {
    focus: () => quill.root.focus({ preventScroll: true }),
    destroy() {
      binding.destroy();
      host.replaceChildren();
    },
  };
}
