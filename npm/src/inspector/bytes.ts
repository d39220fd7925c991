/** Reads the numbers and texts of PROTOCOL.md, "Bytes", one after another. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Offset of what is read next. */
  get offset(): number {
    return this.#at;
  }

  /** Whether everything is read. */
  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** @throws RangeError, as all that follow do, where the bytes end first */
  u8(): number {
    return this.take(1)[0]!;
  }

  truth(): boolean {
    return this.u8() !== 0;
  }

  /** A varint of up to 64 bits. */
  big(): bigint {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
      if ((shift += 7n) > 63n) throw new RangeError("a varint of more than 64 bits");
    }
  }

  /** A varint that JavaScript holds. */
  number(): number {
    const value = this.big();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError("a number above 2^53 - 1");
    return Number(value);
  }

  /** A zigzag varint. */
  signed(): number {
    const value = this.number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A string. */
  text(): string {
    return new TextDecoder().decode(this.run());
  }

  /** Bytes that their number precedes. */
  run(): Uint8Array {
    return this.take(this.number());
  }

  /** So many bytes; they are not copied. */
  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("the bytes end too early");
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

/** Bytes as digits. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
