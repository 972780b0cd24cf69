import { describe, expect, test } from 'vitest';
import { simulate } from '../../src/engine/simulate.ts';
import { Crc, type CrcSpec, crcs, HdlError, Lfsr, maximalTaps } from '../../src/index.ts';

/** The checks of the nine bytes "123456789", as the catalogue of parametrised CRC algorithms gives them. */
const checks: readonly (readonly [name: string, crc: CrcSpec, check: bigint])[] = [
  ['CRC-32/ISO-HDLC', crcs.crc32, 0xcbf43926n],
  ['CRC-32/ISCSI', crcs.crc32c, 0xe3069283n],
  ['CRC-16/KERMIT', crcs.crc16Ccitt, 0x2189n],
  ['CRC-16/IBM-3740', crcs.crc16CcittFalse, 0x29b1n],
  ['CRC-8/SMBUS', crcs.crc8, 0xf4n],
  ['CRC-64/XZ', spec(64, 0x42f0e1eba9ea3693n, true, 2n ** 64n - 1n), 0x995dc9bbdf1939fan],
  ['CRC-5/USB', spec(5, 0x05n, true, 0x1fn), 0x19n],
  ['CRC-24/OPENPGP', { ...spec(24, 0x864cfbn, false, 0n), init: 0xb704cen }, 0x21cf02n],
];

function spec(width: number, polynomial: bigint, reflect: boolean, ones: bigint): CrcSpec {
  return { width, polynomial, init: ones, reflectIn: reflect, reflectOut: reflect, xorOut: ones };
}

describe.each(checks)('%s', (_, crc, check) => {
  test.each([1, 3, 9])('of 123456789, %d bytes per cycle', bytes => {
    using sim = simulate(() => new Crc({ crc, width: 8 * bytes }));
    const message = [...'123456789'].map(digit => BigInt(digit.charCodeAt(0)));
    sim.poke(sim.dut.word, 1);
    for (let at = 0; at < message.length; at += bytes) {
      sim.poke(sim.dut.first, at === 0 ? 1 : 0);
      sim.poke(
        sim.dut.data,
        message.slice(at, at + bytes).reduceRight((high, byte) => (high << 8n) | byte, 0n),
      );
      sim.step();
    }
    expect(sim.peek(sim.dut.result)).toBe(check);
  });
});

test('PCI Express: a DLLP has a CRC of 16 bits, of seed and complement all ones; LCRC and ECRC are those of Ethernet', () => {
  expect([crcs.pcieLcrc, crcs.pcieEcrc]).toEqual([crcs.crc32, crcs.crc32]);
  expect(crcs.pcieDllp).toEqual({
    width: 16,
    polynomial: 0x100bn,
    init: 0xffffn,
    reflectIn: true,
    reflectOut: true,
    xorOut: 0xffffn,
  });
});

test('a polynomial that is written with its highest term is refused', () => {
  expect(() => simulate(() => new Crc({ crc: spec(16, 0x11021n, false, 0n), width: 8 }))).toThrow(
    'the polynomial 0x11021 of a CRC of 16 bits is written without its highest term',
  );
});

test.each([2, 3, 4, 5, 8, 11, 12, 13])('an LFSR of %d bits runs through all states but 0', width => {
  using sim = simulate(() => new Lfsr({ width }));
  sim.poke(sim.dut.en, 1);
  const seen = new Set<bigint>();
  for (let state = sim.peek(sim.dut.value); !seen.has(state); state = sim.peek(sim.dut.value)) {
    seen.add(state);
    sim.step();
  }
  expect(seen.size).toBe(2 ** width - 1);
  expect(seen.has(0n)).toBe(false);
});

/** a * b modulo a polynomial of degree n over GF(2). */
function product(a: bigint, b: bigint, polynomial: bigint, n: number): bigint {
  let result = 0n;
  for (let x = a, y = b; y !== 0n; y >>= 1n) {
    if (y & 1n) result ^= x;
    x <<= 1n;
    if (x >> BigInt(n)) x ^= polynomial;
  }
  return result;
}

/** x to a power modulo the polynomial. */
function powerOfX(exponent: bigint, polynomial: bigint, n: number): bigint {
  let result = 1n;
  for (let base = 2n, rest = exponent; rest !== 0n; rest >>= 1n) {
    if (rest & 1n) result = product(result, base, polynomial, n);
    base = product(base, base, polynomial, n);
  }
  return result;
}

/** Numbers n below 64 for which 2^n - 1 is prime. */
const mersenne = [2, 3, 5, 7, 13, 17, 19, 31, 61];

/** Prime factors of 2^n - 1. Those that divide no smaller 2^m - 1 are 1 modulo n: that makes trial division short. */
function factorsOf2ToThe(n: number): Set<bigint> {
  const factors = new Set<bigint>();
  let rest = 2n ** BigInt(n) - 1n;
  if (mersenne.includes(n)) return new Set([rest]);
  const take = (factor: bigint) => {
    while (rest % factor === 0n) {
      rest /= factor;
      factors.add(factor);
    }
  };
  for (let m = 2; m < n; m++) if (n % m === 0) for (const factor of factorsOf2ToThe(m)) take(factor);
  for (let factor = BigInt(n) + 1n; factor * factor <= rest; factor += BigInt(n)) take(factor);
  if (rest > 1n) factors.add(rest);
  return factors;
}

test('the taps of every width from 2 to 64 bits are of a primitive polynomial', () => {
  for (let n = 2; n <= 64; n++) {
    const polynomial = (maximalTaps(n) << 1n) | 1n;
    const all = 2n ** BigInt(n) - 1n;
    expect(powerOfX(all, polynomial, n), `${n} bits`).toBe(1n);
    for (const factor of factorsOf2ToThe(n)) {
      if (factor !== all) expect(powerOfX(all / factor, polynomial, n), `${n} bits, ${factor}`).not.toBe(1n);
    }
  }
});

test('an LFSR of unknown taps, or one that would stand still, is refused', () => {
  expect(() => maximalTaps(65)).toThrow(HdlError);
  expect(() => simulate(() => new Lfsr({ width: 8, seed: 0 }))).toThrow('the seed of an LFSR is not 0');
});
