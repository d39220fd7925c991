import { defineConfig } from "vite";

export default defineConfig({
  // In development Vite would copy the package's code away from its .wasm file.
  optimizeDeps: { exclude: ["cowrite"] },
  server: {
    proxy: { "/v1/socket": { target: "ws://localhost:8080", ws: true } },
  },
});
