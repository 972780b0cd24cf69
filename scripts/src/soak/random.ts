/** A generator of 32-bit numbers (splitmix32): the same seed gives the same numbers everywhere. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 0 .. 2^32 - 1. */
  next(): number {
    this.state = (this.state + 0x9e37_79b9) >>> 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }
  below(limit: number): number {
    return this.next() % limit;
  }
}

/** Bytes that a number stands for. */
export function payload(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed ^ 0x5bd1_e995) >>> 0;
  for (let i = 0; i < length; i++) {
    if ((i & 3) === 0) state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> (8 * (i & 3));
  }
  return bytes;
}
