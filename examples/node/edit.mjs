import { connect } from "cowrite";

const [url, id, text] = process.argv.slice(2);
const client = connect(url, { token: process.env.COWRITE_TOKEN ?? "dev:robot" });
const document = client.open(id);
await document.ready;
document.insert(document.length, text);
await document.whenAccepted();
console.log(document.text);
client.close();
