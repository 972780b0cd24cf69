import { cat, type UInt, u } from '@hdl/ts-hdl';

/**
 * The arithmetic of the digest (2.7.1): CRC-32 of the polynomial 0x04C11DB7, bytes from bit 0 upward. The register holds the highest coefficient at bit 0,
 * so that message bits meet it at bit 0 and words go from their bit 0 upward. All is linear over GF(2): a word's share in the register is the exclusive or
 * of the shares of its bits, and a register can go on, or back, by any number of bits.
 */

const polynomial = 0xedb8_8320;

/** The register after one more message bit 0, or before it. */
const step = (register: number): number => ((register >>> 1) ^ (register & 1 ? polynomial : 0)) >>> 0;
const stepBack = (register: number): number =>
  (register >>> 31 ? (((register ^ polynomial) << 1) | 1) >>> 0 : register << 1) >>> 0;

function repeated(f: (register: number) => number, times: number, register: number): number {
  let result = register;
  for (let i = 0; i < times; i++) result = f(result);
  return result;
}

/** The linear function that takes bit i of `word` to `images[i]`. */
function linear(word: UInt<number>, images: readonly number[]): UInt<32> {
  const rows = Array.from({ length: 32 }, (_, row) =>
    images.reduce((mask, image, i) => ((image >>> row) & 1 ? mask | (1n << BigInt(i)) : mask), 0n),
  );
  return cat(...rows.map(mask => word.and(u(word.width, mask)).parity()).toReversed()).as(32);
}

/** The share of a word whose bits are followed by `after` message bits, in a register that was 0 before. */
export function shareOf(word: UInt<number>, after: number): UInt<32> {
  const { width } = word;
  return linear(
    word,
    Array.from({ length: width }, (_, i) => repeated(step, width - i + after, 1)),
  );
}

/** The register `bits` message bits of 0 later, or for a negative number earlier. */
export function moved(register: UInt<32>, bits: number): UInt<32> {
  if (bits === 0) return register;
  const f = bits < 0 ? stepBack : step;
  return linear(
    register,
    Array.from({ length: 32 }, (_, i) => repeated(f, Math.abs(bits), (1 << i) >>> 0)),
  );
}

/** What the register holds after a message with its right digest. */
export const residue: number = repeated(step, 32, 0xffff_ffff);
