import path from "node:path";

export default {
  // Pages are rendered while they are built, and served as files.
  output: "export",
  turbopack: { root: path.resolve(import.meta.dirname, "../..") },
};
