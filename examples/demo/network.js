// One person's network: a switch that takes it away, and a slider that makes it slow.

/** Binds the two controls of a pane to its inspector. */
export function bindNetwork(pane, inspector, wake) {
  const connected = pane.querySelector("[data-part=online]");
  const latency = pane.querySelector("[data-part=latency]");
  const told = pane.querySelector("[data-part=latency-text]");
  const word = pane.querySelector("[data-part=online-text]");
  connected.addEventListener("change", () => {
    inspector.offline = !connected.checked;
    word.textContent = connected.checked ? "Online" : "Offline";
    pane.classList.toggle("offline", inspector.offline);
    // The browser says by itself that its network is back; this one does not.
    if (connected.checked) wake();
  });
  latency.addEventListener("input", () => {
    // The slider counts both ways, as a ping does.
    inspector.latencyMs = latency.valueAsNumber / 2;
    told.textContent = `${latency.value} ms`;
    latency.setAttribute("aria-valuetext", `${latency.value} milliseconds there and back`);
  });
}
