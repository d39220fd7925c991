import type { Delta } from "../delta.js";
import { hexOf, type ByteReader } from "./bytes.js";
import { codes } from "./codes.js";
import { readOperation } from "./operation.js";

/** What a field of a frame holds. Hashes, ids of clients and epochs are texts of hexadecimal digits. */
export type FieldValue = string | number | boolean | null | Delta | readonly FieldValue[] | { readonly [name: string]: FieldValue };

/** Abbreviated, as it travels: what it means depends on what was said before. */
export type Raw = bigint;

/** Reads one field of a frame. */
export type FieldReader = (reader: ByteReader) => FieldValue | Raw;

/** The fields of one kind of frame, in their order. */
export type Fields = Readonly<Record<string, FieldReader>>;

export const u8: FieldReader = (reader) => reader.u8();
export const number: FieldReader = (reader) => reader.number();
export const bool: FieldReader = (reader) => reader.truth();
export const text: FieldReader = (reader) => reader.text();
export const abbreviated: FieldReader = (reader) => reader.big();
export const u64: FieldReader = (reader) => reader.big().toString(16).padStart(16, "0");
export const sixteen: FieldReader = (reader) => hexOf(reader.take(16));
export const operation: FieldReader = (reader) => readOperation(reader.run());
/** A number that is said to be a code's. One that is not known stays a number. */
export const code: FieldReader = (reader) => {
  const value = reader.number();
  return codes[value] ?? value;
};
/** A token is nobody else's business, so it is not read out. */
export const secret: FieldReader = (reader) => `${reader.run().length} bytes, not shown`;
/** Bytes of which only the number is told. */
export const opaque: FieldReader = (reader) => `${reader.run().length} bytes`;

export const option = (value: FieldReader): FieldReader => (reader) => (reader.truth() ? value(reader) : null);

export const list = (value: FieldReader): FieldReader => (reader) =>
  Array.from({ length: reader.number() }, () => value(reader) as FieldValue);

export const struct = (fields: Fields): FieldReader => (reader) => readFields(reader, fields) as FieldValue;

/** One of several variants; a variant without fields is its name alone. */
export const variant = (variants: Readonly<Record<string, Fields | null>>): FieldReader => (reader) => {
  const number = reader.number();
  const found = Object.entries(variants)[number];
  if (!found) throw new RangeError(`variant ${number} is not known`);
  const [name, fields] = found;
  return fields ? ({ [name]: readFields(reader, fields) } as FieldValue) : name;
};

/** A selection as a binding knows it: both ends are offsets. */
const selection: FieldReader = (reader) => {
  const head = reader.number();
  return { anchor: head + reader.signed(), head };
};
export const cursor = list(selection);
export const activity = variant({ active: null, typing: null, away: null });
export const position = option(struct({ epoch: option(u64), version: number, hash: sixteen }));
export const authors = list(struct({ number, client: sixteen, user: text, seq: number }));
export const rate = struct({ perSecond: number, burst: number });
export const part: Fields = { channel: number, total: option(number), bytes: opaque };

/** Reads fields one after another. @throws RangeError, or SyntaxError in JSON, where they cannot be read */
export function readFields(reader: ByteReader, fields: Fields): Record<string, FieldValue | Raw> {
  return Object.fromEntries(Object.entries(fields).map(([name, read]) => [name, read(reader)]));
}
