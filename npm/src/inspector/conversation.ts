import type { FieldValue, Raw } from "./fields.js";

/** What is remembered of a channel, to write out what travels abbreviated. */
interface Channel {
  /** The last client_seq that went up, and the last base or cursor version. */
  seq: number;
  base: number;
  /** Where the client stands. */
  version: number;
  /** The last client_seq of each author that has a number. */
  readonly authors: Map<number, { readonly client: string; seq: number }>;
}

type Fields = Record<string, FieldValue | Raw>;

/** What was said on one connection, as far as later frames lean on it (PROTOCOL.md, "Abbreviated numbers"). */
export class Conversation {
  /** The version that each `Open` named, by its request. */
  readonly #asked = new Map<number, number>();
  readonly #channels = new Map<number, Channel>();

  /** Takes in a frame and gives its fields with all numbers written out. */
  heard(kind: string, fields: Fields): Record<string, FieldValue> {
    const channel = this.#channels.get(fields["channel"] as number);
    if (kind === "Open") this.#asked.set(fields["request"] as number, (fields["position"] as { version: number } | null)?.version ?? 0);
    else if (kind === "Opened") this.#opened(fields);
    else if (channel) this.#followed(kind, fields, channel);
    // A channel that is not known: the reader came too late, and shows the bits that travelled.
    return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, typeof value === "bigint" ? `…${lowBits(value).bits}` : value]));
  }

  #opened(fields: Fields): void {
    const version = this.#asked.get(fields["request"] as number) ?? 0;
    this.#channels.set(fields["channel"] as number, { seq: fields["lastSeq"] as number, base: version, version, authors: new Map() });
  }

  #followed(kind: string, fields: Fields, channel: Channel): void {
    switch (kind) {
      case "Submit":
      case "SubmitStill":
      case "SubmitCursor":
        fields["seq"] = channel.seq = writtenOut(fields["seq"] as Raw, channel.seq);
        fields["base"] = channel.base = writtenOut(fields["base"] as Raw, channel.base);
        break;
      case "Cursor":
        fields["version"] = channel.base = writtenOut(fields["version"] as Raw, channel.base);
        break;
      case "Commit":
      case "CommitStill":
      case "CommitCursor": {
        const author = channel.authors.get(fields["author"] as number);
        if (author) fields["seq"] = author.seq = writtenOut(fields["seq"] as Raw, author.seq + 1);
        fields["version"] = channel.version = after(fields["version"] as number, channel.version);
        break;
      }
      case "Ack": {
        fields["seq"] = upTo(fields["seq"] as number, channel.seq);
        const next = channel.version + 1;
        // A submit that came twice is told the version that it has had for long.
        if (next % 256 === fields["version"]) channel.version = next;
        fields["version"] = upTo(fields["version"] as number, channel.version);
        break;
      }
      case "Cursors":
        fields["version"] = upTo(fields["version"] as number, channel.version);
        break;
      case "Author":
        channel.authors.set(fields["number"] as number, { client: fields["client"] as string, seq: fields["seq"] as number });
        break;
      case "Entry":
        channel.version = fields["version"] as number;
        for (const author of channel.authors.values()) if (author.client === fields["client"]) author.seq = fields["seq"] as number;
        break;
      case "Snapshot":
      case "Composed":
        if (kind === "Snapshot") channel.base = fields["version"] as number;
        channel.version = fields["version"] as number;
        for (const { number, client, seq } of fields["authors"] as { number: number; client: string; seq: number }[]) channel.authors.set(number, { client, seq });
        break;
      case "Close":
      case "Closed":
        this.#channels.delete(fields["channel"] as number);
    }
  }
}

/** The bits that travelled, and the number after the highest of them. */
function lowBits(raw: Raw): { bits: bigint; modulus: bigint } {
  const modulus = 1n << BigInt(raw.toString(2).length - 1);
  return { bits: raw - modulus, modulus };
}

/** The smallest number at or above the reference with these low bits. */
function writtenOut(raw: Raw, reference: number): number {
  const { bits, modulus } = lowBits(raw);
  if (modulus === 1n << 55n) return Number(bits);
  const from = BigInt(reference);
  const distance = (((bits - from) % modulus) + modulus) % modulus;
  return Number(from + distance);
}

/** The smallest number above another with this low byte. */
function after(byte: number, reference: number): number {
  return reference + 1 + ((((byte - reference - 1) % 256) + 256) % 256);
}

/** The largest number at or below another with this low byte. */
function upTo(byte: number, reference: number): number {
  return Math.max(byte, reference - ((((reference - byte) % 256) + 256) % 256));
}
