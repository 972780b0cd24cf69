import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HostMemoryPool } from '../host/src/host-memory-pool.ts';
import type { AddressRange } from '../host/src/pci-function.ts';

const end = (range: AddressRange) => range.base + range.bytes;

test('parts are aligned, inside, apart, and all memory is one again when they are back', () => {
  const step = fc.record({
    bytes: fc.integer({ min: 1, max: 5000 }),
    alignment: fc.constantFrom(1, 4, 64, 4096),
    release: fc.option(fc.nat(20), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const range = { base: 0x1234n, bytes: 50_000n };
      const pool = new HostMemoryPool(range);
      const held: AddressRange[] = [];
      for (const { bytes, alignment, release } of steps) {
        try {
          const part = pool.allocate(bytes, alignment);
          expect(part.bytes).toBe(BigInt(bytes));
          expect(part.base % BigInt(alignment)).toBe(0n);
          expect(part.base >= range.base && end(part) <= end(range)).toBe(true);
          for (const other of held) expect(end(part) <= other.base || end(other) <= part.base).toBe(true);
          held.push(part);
        } catch (error) {
          expect(String(error)).toMatch(/are free in one piece/);
        }
        const [back] = release === undefined || release >= held.length ? [] : held.splice(release, 1);
        if (back) pool.release(back);
        expect(pool.available).toBe(range.bytes - held.reduce((sum, part) => sum + part.bytes, 0n));
      }
      for (const part of held) pool.release(part);
      expect(pool.allocate(range.bytes, 1)).toEqual(range);
    }),
    { seed: 5 },
  );
});

test('what is not there is told', () => {
  const pool = new HostMemoryPool({ base: 0n, bytes: 4096n });
  const part = pool.allocate(64);
  expect(() => pool.allocate(4096)).toThrow(/no 4096 bytes .* 4032 of 4096 bytes are free/);
  expect(() => pool.allocate(0)).toThrow(/cannot allocate 0 bytes/);
  expect(() => pool.allocate(1, 3)).toThrow(/power of two, not 3/);
  pool.release(part);
  expect(() => pool.release(part)).toThrow(/not allocated/);
});

test('just these addresses are taken, if all of them are free', () => {
  const pool = new HostMemoryPool({ base: 0x1000n, bytes: 0x1000n });
  expect(pool.take({ base: 0x1400n, bytes: 0x400n })).toEqual({ base: 0x1400n, bytes: 0x400n });
  expect(pool.available).toBe(0xc00n);
  for (const base of [0x1300n, 0x1400n, 0x17ffn, 0x1f00n])
    expect(() => pool.take({ base, bytes: 0x200n })).toThrow('are not free');
  expect(pool.allocate(0x800n).base).toBe(0x1800n);
  pool.release({ base: 0x1400n, bytes: 0x400n });
  expect(pool.allocate(0x800n).base).toBe(0x1000n);
});
