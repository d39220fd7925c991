// What a module with the names of its functions consists of, for docs/sizes.md: for each part of the sources the bytes of
// its functions, and by how much the code would pack better without them. A function that was put into another one counts there.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const PARTS = [
  ["records for the device", /Driver::loaded|engine::(storing|record|durable)|session::keeping/],
  ["calls from JavaScript, events as JSON", /cowrite_client_wasm::|^calls_|^__wbg_calls/],
  ["undo", /engine::undo/],
  ["lost work, merges that are looked at", /engine::(lost|loss|review)/],
  ["one document: pending, acks, catching up", /cowrite_client::engine/],
  ["the connection: links, tokens, pace, frames in and out", /cowrite_client::session/],
  ["deltas and JSON read and written", /operation::(delta|json)/],
  ["attributes and rich text", /operation::(attributes|runs)/],
  ["the difference of two texts", /::diff|operation::(edit_script|order)/],
  ["verbs of operations", /operation::|DocumentType/],
  ["frames to bytes and back", /cowrite_protocol::(frame|codec)|postcard|serde/],
  ["text, names, hashes", /cowrite_protocol::|siphasher/],
  ["allocator", /rlsf|__rust_|raw_vec/],
  ["glue of wasm-bindgen", /wasm_bindgen|wbindgen|externref/],
  ["the standard library, for all of them", /./],
];

const bytes = readFileSync(process.argv[2]);
let at = 8;
/** The next number in LEB128. */
function number() {
  for (let value = 0, shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
}
function word() {
  const length = number();
  return bytes.toString("utf8", at, (at += length));
}

const [functions, names, sections] = [[], new Map(), []];
let imported = 0;
while (at < bytes.length) {
  const [kind, length] = [bytes[at++], number()];
  const end = at + length;
  sections.push([kind, bytes.subarray(at, end)]);
  if (kind === 2) imported = importedFunctions();
  if (kind === 10) for (let left = number(); left > 0; left -= 1) {
    const size = number();
    functions.push(bytes.subarray(at, (at += size)));
  }
  if (kind === 0 && word() === "name") while (at < end) readNames();
  at = end;
}

function importedFunctions() {
  let found = 0;
  for (let left = number(); left > 0; left -= 1) {
    word(), word();
    if (bytes[at++] !== 0) throw new Error("an import that is no function");
    number(), (found += 1);
  }
  return found;
}

function readNames() {
  const kind = bytes[at++];
  const end = number() + at;
  if (kind === 1) for (let left = number(); left > 0; left -= 1) {
    const index = number();
    names.set(index, word());
  }
  at = end;
}

const packed = (parts) => gzipSync(Buffer.concat(parts), { level: 9 }).length;
const partOf = functions.map((_, index) => {
  const name = names.get(index + imported) ?? "";
  return PARTS.find(([, pattern]) => pattern.test(/^core::ptr::drop/.test(name) ? "drop" : name))?.[0] ?? PARTS.at(-1)[0];
});
const whole = packed(functions);
const rows = PARTS.map(([part]) => {
  const own = functions.filter((_, index) => partOf[index] === part);
  return [part, own.length, own.reduce((sum, { length }) => sum + length, 0), whole - packed(functions.filter((_, index) => partOf[index] !== part))];
});
const data = sections.filter(([kind]) => kind === 11).map(([, content]) => content);
const rest = sections.filter(([kind]) => ![0, 10, 11].includes(kind)).map(([, content]) => content);
for (const [name, parts] of [["constants: names of errors, events and fields", data], ["types, imports, tables", rest]]) {
  rows.push([name, "", parts.reduce((sum, { length }) => sum + length, 0), packed(parts)]);
}
console.log("| part | functions | raw | gzip -9 |\n|---|---:|---:|---:|");
for (const row of rows.sort((a, b) => b[2] - a[2])) console.log(`| ${row.map((cell) => cell.toLocaleString("en")).join(" | ")} |`);
