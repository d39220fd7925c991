import { ByteReader } from "./bytes.js";
import { readFields, type FieldValue, type Raw } from "./fields.js";
import { kinds } from "./kinds.js";
import { Conversation } from "./conversation.js";

/** Which way a frame goes: `up` to the server, `down` to the client. */
export type Direction = "up" | "down";

/** One frame of the wire, read. */
export interface Frame {
  /** Whether the client or the server sent it. */
  readonly direction: Direction;
  /** Its kind, by the name that PROTOCOL.md gives it; `Ignored` is one that is too new, and `Unreadable` no frame at all. */
  readonly kind: string;
  /** Its size on the wire, in bytes. */
  readonly bytes: number;
  /**
   * Its fields, by the names of PROTOCOL.md in camel case. Abbreviated numbers are written out, operations are
   * Deltas, codes are names; tokens are left out.
   */
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** In the last `Part` of a frame that travelled in parts: the whole. */
  readonly whole?: Frame;
}

/**
 * Reads the messages of one connection, in their order, into frames. It knows what was said
 * before, so that it can write out what travels abbreviated; give each connection its own.
 */
export class FrameReader {
  readonly #conversation = new Conversation();
  readonly #parts = new Map<string, { readonly total: number; received: number; readonly pieces: Uint8Array[] }>();

  /** Never throws: what cannot be read is one last frame of the kind `Unreadable`. */
  read(direction: Direction, message: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    const reader = new ByteReader(message);
    while (!reader.atEnd) {
      const start = reader.offset;
      try {
        frames.push(this.#frame(direction, reader, message));
      } catch (error) {
        frames.push({ direction, kind: "Unreadable", bytes: message.length - start, fields: { why: String(error) } });
        break;
      }
    }
    return frames;
  }

  #frame(direction: Direction, reader: ByteReader, message: Uint8Array): Frame {
    const start = reader.offset;
    const number = reader.u8();
    const sized = (kind: string, fields: Frame["fields"]): Frame => ({ direction, kind, bytes: reader.offset - start, fields });
    const known = kinds[direction][number];
    if (!known) {
      if (number < 64 || number > 127) throw new RangeError(`kind ${number} is not known`);
      return sized("Ignored", { number, bytes: reader.run().length });
    }
    const [kind, layout] = known;
    const raw: Record<string, FieldValue | Raw> = readFields(reader, layout);
    const frame = sized(kind, this.#conversation.heard(kind, raw));
    const whole = kind === "Part" ? this.#gathered(direction, frame, message.subarray(start, reader.offset)) : undefined;
    return whole ? { ...frame, whole } : frame;
  }

  /** The frame that this part completes. */
  #gathered(direction: Direction, { fields }: Frame, encoded: Uint8Array): Frame | undefined {
    const key = `${direction} ${String(fields["channel"])}`;
    if (typeof fields["total"] === "number") this.#parts.set(key, { total: fields["total"], received: 0, pieces: [] });
    const parts = this.#parts.get(key);
    if (!parts) return undefined;
    const reader = new ByteReader(encoded);
    reader.u8();
    reader.number();
    if (reader.truth()) reader.number();
    const piece = reader.run().slice();
    parts.pieces.push(piece);
    if ((parts.received += piece.length) < parts.total) return undefined;
    this.#parts.delete(key);
    const whole = new Uint8Array(parts.received);
    let at = 0;
    for (const each of parts.pieces) {
      whole.set(each, at);
      at += each.length;
    }
    return this.read(direction, whole)[0];
  }
}
