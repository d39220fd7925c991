import { defineConfig } from "vite";

export default defineConfig({
  // The linked package has an editor of its own to be tested with; a page must have only one.
  resolve: {
    dedupe: ["@tiptap/core", "@tiptap/pm", "prosemirror-model", "prosemirror-state", "prosemirror-transform", "prosemirror-view"],
  },
  // In development Vite would copy the package's code away from its .wasm file.
  optimizeDeps: { exclude: ["cowrite"] },
  build: { rollupOptions: { input: ["index.html", "tiptap.html"] } },
  server: {
    proxy: { "/v1/socket": { target: "ws://localhost:8080", ws: true } },
  },
});
