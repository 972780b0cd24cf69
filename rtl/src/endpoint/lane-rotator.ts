import { type Bool, cat, HdlError, input, Module, mux, output, type UInt, u, uint } from '@hdl/ts-hdl';

/** Bits of a DW lane number in a word of `width` bits. @throws HdlError for a width that no TLP stream has. */
export function laneBits(width: number): number {
  if (![64, 128, 256, 512].includes(width)) throw new HdlError(`a TLP stream has 64, 128, 256 or 512 data bits, not ${width}`);
  return Math.log2(width / 32);
}

/** The DW of a word, lane 0 first. */
export const lanesOf = (word: UInt<number>): UInt<32>[] =>
  Array.from({ length: word.width / 32 }, (_, lane) => word.part(32 * lane, 32));

/** The word of these DW, lane 0 first. */
export const wordOf = (lanes: readonly UInt<32>[]): UInt<number> => cat(...lanes.toReversed());

/** 1 if a lane number is beyond `lane`; without the comparison that can never be true. */
export const beyond = (number: UInt<number>, lane: number): Bool => (lane === 2 ** number.width - 1 ? u(1, 0) : number.gt(lane));

/**
 * Rotates a word by whole DW: lane i goes to lane (i + `by`) modulo the number of lanes. Combinational (0 cycles), a multiplexer
 * level per bit of `by`; no state. Between payload, which begins at lane 0, and memory, where a DW's lane is its address (rule C8
 * counts from the same DW).
 */
export class LaneRotator extends Module<{
  /** Bits of the word: 64, 128, 256 or 512. */
  readonly width: number;
}> {
  readonly word = input(uint(this.p.width));
  readonly by = input(uint(laneBits(this.p.width)));
  readonly rotated = output(uint(this.p.width));

  protected override logic() {
    const lanes = lanesOf(this.word);
    const count = lanes.length;
    let result = lanes;
    for (let bit = 0; 1 << bit < count; bit++) {
      const step = 1 << bit;
      const moved = [...result.slice(count - step), ...result.slice(0, count - step)];
      const low = result;
      result = moved.map((lane, i) => mux(this.by.bit(bit), lane, low[i] ?? lane));
    }
    this.rotated.set(wordOf(result));
  }
}
