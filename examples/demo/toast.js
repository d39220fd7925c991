// A short message over the page.

const SHOWN_MS = 6_000;
let timer = 0;

/** Shows a message for a while. */
export function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => (box.hidden = true), SHOWN_MS);
}
