/** Assigns byte addresses in the engine's memory, from `start` up. */
export class Layout {
  private next: number;

  constructor(start = 0) {
    this.next = start;
  }

  get end(): number {
    return this.next;
  }

  /** Reserves `bytes` at a multiple of `alignment`, a power of two. */
  reserve(bytes: number, alignment: number): number {
    const address = Math.ceil(this.next / alignment) * alignment;
    this.next = address + bytes;
    return address;
  }
}

/** Bytes of the smallest machine word for a limb of `width` bits: 1, 2, 4 or 8. */
export function limbBytes(width: number): number {
  return width <= 8 ? 1 : width <= 16 ? 2 : width <= 32 ? 4 : 8;
}

/** Bytes from one word of a memory to the next: a machine word, or a multiple of 8. */
export function strideOf(width: number): number {
  return width <= 64 ? limbBytes(width) : 8 * Math.ceil(width / 64);
}
