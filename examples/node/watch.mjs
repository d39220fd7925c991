import { connect } from "cowrite";

const [url, id] = process.argv.slice(2);
const client = connect(url, { token: process.env.COWRITE_TOKEN ?? "dev:watcher" });
const document = client.open(id);
document.on("opened", ({ first }) => console.log(first ? `open: ${JSON.stringify(document.text)}` : "in step again"));
document.on("change", ({ delta, origin, user }) => origin === "remote" && console.log(`${user ?? "several"}: ${JSON.stringify(delta)}`));
document.on("closed", ({ code, message }) => code !== "closed" && console.error(message));
client.on("status", ({ state, error }) => state !== "online" && console.error(state, error?.message ?? ""));
process.on("SIGINT", () => client.close());
