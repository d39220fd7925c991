import net from "node:net";

/** Below those that systems give to whoever asks for any port, or connects: none of them can take it meanwhile. */
const [LOWEST, HIGHEST] = [20_000, 32_767];

/** A port of the loopback address that nobody uses just now, and that whoever does not ask for it is not given. */
export async function freePort() {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (await isFree(port)) return port;
  }
}

async function isFree(port) {
  const server = net.createServer();
  const listens = await new Promise((resolve, reject) => {
    server.once("error", (error) => (error.code === "EADDRINUSE" ? resolve(false) : reject(error))).listen(port, "127.0.0.1", () => resolve(true));
  });
  if (listens) await new Promise((resolve) => server.close(resolve));
  return listens;
}
