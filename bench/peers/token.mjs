// Tokens for our own server, as an application's server would make them.
import { createHmac } from "node:crypto";

/** What servers verify tokens with (HS256): the same that our tests in Rust have, whose clients measure too. */
export const SECRET = "the tests' own secret, forty bytes or so";

/** A token of this user for an hour, an editor of every document. */
export function mint(user) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub: user, name: user, iat: now, exp: now + 3600, cowrite: { documents: { "*": "editor" } } })}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}
