/** Bytes that grow, in the encodings of FST: big-endian words and LEB128 numbers. */
export class ByteWriter {
  private buffer: Uint8Array;
  private size = 0;

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity);
  }

  get length(): number {
    return this.size;
  }

  /** A view of what was written; it ends with the next write. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.size);
  }

  /** Begins anew in the same room. */
  clear(): void {
    this.size = 0;
  }

  private room(count: number): void {
    if (this.size + count <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(2 * this.buffer.length, this.size + count));
    grown.set(this.bytes);
    this.buffer = grown;
  }

  u8(value: number): void {
    this.room(1);
    this.buffer[this.size++] = value;
  }

  /** 64 bits; a negative value in two's complement. */
  u64(value: number): void {
    this.room(8);
    new DataView(this.buffer.buffer).setBigUint64(this.size, BigInt.asUintN(64, BigInt(value)));
    this.size += 8;
  }

  /** A double in the byte order of most machines. */
  f64(value: number): void {
    this.room(8);
    new DataView(this.buffer.buffer).setFloat64(this.size, value, true);
    this.size += 8;
  }

  /** LEB128 of a whole number up to 2^53. */
  unsigned(value: number): void {
    this.room(8);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.buffer[this.size++] = (rest % 128) | 128;
    this.buffer[this.size++] = rest;
  }

  /** LEB128 with room for a sign, of a whole number from 0 up. */
  signed(value: number): void {
    let rest = value;
    for (; rest > 63; rest = Math.floor(rest / 128)) this.u8((rest % 128) | 128);
    this.u8(rest);
  }

  all(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.buffer.set(bytes, this.size);
    this.size += bytes.length;
  }

  /** Text that ends with a 0. */
  text(text: string): void {
    this.all(new TextEncoder().encode(text));
    this.u8(0);
  }

  /** Text in `room` bytes, the rest 0. */
  field(text: string, room: number): void {
    const bytes = new Uint8Array(room);
    bytes.set(new TextEncoder().encode(text).subarray(0, room - 1));
    this.all(bytes);
  }
}
