import type { Attributes, Component, Delta } from "../delta.js";
import { ByteReader } from "./bytes.js";

/** A packed operation (PROTOCOL.md, "Packed operations") as a Delta. @throws RangeError where it cannot be read */
export function readOperation(bytes: Uint8Array): Delta {
  const reader = new ByteReader(bytes);
  const sets: Attributes[] = [];
  const delta: Component[] = [];
  while (!reader.atEnd) delta.push(readComponent(reader, sets));
  return delta;
}

function readComponent(reader: ByteReader, sets: Attributes[]): Component {
  const head = reader.number();
  const text = (length: number) => new TextDecoder().decode(reader.take(length));
  const plain = Math.floor(head / 4);
  switch (head % 4) {
    case 0:
      return { retain: plain };
    case 1:
      return { insert: text(plain) };
    case 2:
      return { delete: plain };
  }
  const length = Math.floor(head / 16);
  switch (plain % 4) {
    case 0:
      return { retain: length, attributes: readAttributes(reader, sets) };
    case 1:
      return { insert: text(length), attributes: readAttributes(reader, sets) };
    case 2:
      return { insert: JSON.parse(text(length)) as Record<string, unknown> };
    default:
      return { insert: JSON.parse(text(length)) as Record<string, unknown>, attributes: readAttributes(reader, sets) };
  }
}

function readAttributes(reader: ByteReader, sets: Attributes[]): Attributes {
  const count = reader.number();
  if (count < 16) {
    const known = sets.at(-1 - count);
    if (!known) throw new RangeError("attributes that were not written out");
    return known;
  }
  const set: Record<string, unknown> = {};
  for (let left = count - 15; left > 0; left -= 1) set[reader.text()] = readValue(reader);
  sets.push(set);
  return set;
}

function readValue(reader: ByteReader): unknown {
  const form = reader.number();
  if (form < 3) return [null, true, false][form];
  return JSON.parse(new TextDecoder().decode(reader.take(form - 2)));
}
