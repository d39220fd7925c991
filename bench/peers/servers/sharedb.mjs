// ShareDB as its documentation sets it up: a WebSocket server of `ws`, the database and pub/sub in memory.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { WebSocketServer } from "ws";

const require = createRequire(import.meta.url);
const ShareDB = require("sharedb");
const WebSocketJSONStream = require("@teamwork/websocket-json-stream");

ShareDB.types.register(require("ot-text").type);
const backend = new ShareDB();
const server = createServer();
new WebSocketServer({ server }).on("connection", (socket) => {
  const stream = new WebSocketJSONStream(socket);
  // What is written to who is just gone is an error that the stream's documentation wants handled.
  stream.on("error", () => {});
  backend.listen(stream);
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
