import { describe, expect, test } from 'vitest';
import { Random } from '../../hdl/test/random.ts';
import { testOnEngines } from '../../sim/testbench/src/on-engines.ts';
import { at } from '../src/at.ts';
import type { ConfigSpacesParams } from '../src/config/config-spaces.ts';
import { checkFunction, type FunctionParams } from '../src/config/function-params.ts';
import { ConfigBench, card, drive, memoryOnly } from './config-bench.ts';

const make = (functions: readonly FunctionParams[], more: Partial<ConfigSpacesParams> = {}, seed = 1) =>
  new ConfigBench({ functions, ...more }, new Random(seed));
const ones = 0xffff_ffff;
const deviceControl = 0x68;

describe('enumeration', () => {
  testOnEngines('C24 C26: functions are found, identified, sized and numbered', engine => {
    using b = new ConfigBench({ functions: [drive, card, memoryOnly] }, new Random(1), engine);
    const found = Array.from({ length: 8 }, (_, of) => b.ask(of, 0));
    expect(found.map(({ unsupported }) => unsupported)).toEqual([false, false, false, true, true, true, true, true]);
    expect(found.slice(0, 3).map(({ data }) => data.toString(16))).toEqual(['e0a51d1d', '101715b3', '10001de5']);
    expect(b.write(3, 4, 6).unsupported).toBe(true);
    expect([0, 1, 2].map(of => (b.read(of, 0x0c) >>> 16) & 0xff)).toEqual([0x80, 0x80, 0x80]);
    // No expansion ROM, no cardbus pointer, no interrupt pin.
    for (const offset of [0x28, 0x30, 0x3c]) {
      b.write(0, offset, ones);
      expect(b.read(0, offset)).toBe(0);
    }
    for (const [of, p] of [drive, card, memoryOnly].entries()) {
      for (let slot = 0; slot < 6; slot++) b.write(of, 0x10 + 4 * slot, ones);
      const words = Array.from({ length: 6 }, (_, slot) => b.read(of, 0x10 + 4 * slot));
      for (const { slot, bytes, width, prefetchable } of p.bars) {
        expect(at(words, slot) & 0xf).toBe((width === 64 ? 4 : 0) + (prefetchable ? 8 : 0));
        const low = BigInt((at(words, slot) & ~0xf) >>> 0);
        const mask = (BigInt(width === 64 ? at(words, slot + 1) : ones) << 32n) + low;
        expect(2n ** 64n - mask).toBe(BigInt(bytes));
        words[slot] = 0;
        if (width === 64) words[slot + 1] = 0;
      }
      expect(words).toEqual([0, 0, 0, 0, 0, 0]);
    }
    expect(b.control(1, 'id')).toBe(BigInt((0x100 << 3) | 1));
    b.write(1, 0, 0, 0, 0x1234);
    expect([0, 1, 2].map(of => b.control(of, 'id'))).toEqual([0x800n, (0x1234n << 3n) + 1n, 0x802n]);
    // A read tells nothing about numbers.
    b.sim.poke(b.sim.dut.access.device, 0x777);
    b.ask(2, 0);
    expect(b.control(2, 'id')).toBe(0x802n);
  });

  test('C26 C71a C98: capabilities are where the lists say, and only those that the function has', () => {
    using b = make([drive, card, memoryOnly]);
    expect([0, 1, 2].map(of => [...b.capabilities(of).keys()])).toEqual([
      [0x01, 0x11, 0x10],
      [0x01, 0x11, 0x10],
      [0x01, 0x10],
    ]);
    expect([0, 1, 2].map(of => [...b.extended(of).keys()])).toEqual([
      [0x01, 0x03, 0x0e, 0x0d, 0x15, 0x0f],
      [0x01, 0x0e, 0x0d],
      [0x01, 0x0e, 0x0d],
    ]);
    // Next function; ACS: RR, CR, EC, and DT with ATS; 3 bits of vector.
    expect([0, 1, 2].map(of => b.read(of, 0x164) >> 8)).toEqual([1, 2, 0]);
    expect([0, 1].map(of => b.read(of, 0x174))).toEqual([0x036c, 0x032c]);
    expect((b.read(0, 0x84) >>> 7) & 7).toBe(7);
    expect((b.read(1, 0x84) >>> 7) & 7).toBe(0);
    expect([0, 1].map(of => (b.read(of, 0x84) >>> 16) & 3)).toEqual([3, 1]);
    using alone = make([memoryOnly]);
    expect([...alone.extended(0).keys()]).toEqual([0x01]);
    expect((alone.read(0, 0x0c) >>> 16) & 0xff).toBe(0);
  });

  test('C26 C86: not ready after reset, then ready; not ready again after a function level reset', () => {
    using b = make([drive, card], { not_ready_cycles: 50 });
    expect([b.ask(0, 0).retry, b.ask(1, 0).retry, b.ask(2, 0).unsupported]).toEqual([true, true, true]);
    expect(b.write(0, 4, 6).retry).toBe(true);
    while (b.ask(0, 0).retry) expect(b.sim.cycle).toBeLessThan(60);
    expect(b.sim.cycle).toBeGreaterThan(49);
    expect([b.read(0, 4), b.control(0, 'id')]).toEqual([0x0010_0000, 0n]);
    b.write(0, deviceControl, 0x8000);
    const from = b.sim.cycle;
    expect(b.ask(1, 0).retry).toBe(false);
    while (b.ask(0, 0).retry) expect(b.sim.cycle - from).toBeLessThan(90);
    expect(b.sim.cycle - from).toBeGreaterThan(16 + 50 - 1);
  });
});

describe('enables and resets', () => {
  test('C81 C83: D3hot takes memory and bus mastering away; D1 and D2 do not exist', () => {
    using b = make([drive, card]);
    for (const of of [0, 1]) {
      b.write(of, 4, 6);
      b.write(of, 0x10, 0x4000_0000);
      b.write(of, 0x44, 1);
      b.write(of, 0x44, 2);
      expect([b.read(of, 0x44) & 3, b.control(of, 'memory_enable'), b.control(of, 'bus_master')]).toEqual([0, 1n, 1n]);
      b.write(of, 0x44, 3);
      expect([b.read(of, 0x44) & 3, b.control(of, 'memory_enable'), b.control(of, 'bus_master')]).toEqual([3, 0n, 0n]);
      expect(b.read(of, 4)).toBe(0x0010_0006);
      b.write(of, 0x44, 0);
    }
    // The drive keeps its state, the card begins anew.
    expect([b.control(0, 'resetting'), b.control(0, 'bus_master'), b.read(0, 4)]).toEqual([0n, 1n, 0x0010_0006]);
    expect([b.control(1, 'resetting'), b.ask(1, 4).retry]).toEqual([1n, true]);
    b.cycles(20);
    expect([b.control(1, 'resetting'), b.read(1, 4), b.read(1, 0x10), b.read(1, 0x44)]).toEqual([0n, 0x0010_0000, 0xc, 0]);
    expect(b.control(1, 'id')).toBe(0x801n);
  });

  test('C84: a function level reset lasts 16 cycles and until all is quiet, and clears what is not sticky', () => {
    using b = make([drive, card]);
    b.write(0, 4, 0x146);
    b.write(0, 0x18, 0xa000_0000);
    b.write(0, deviceControl, 0x2f | (5 << 12) | (1 << 5));
    b.write(0, 0x10c, 0);
    b.write(0, 0x50, 0x8000_0000);
    b.write(1, 4, 6);
    b.error(1, 12);
    b.cycles(4);
    b.sim.poke(b.sim.dut.quiet, 0b10);
    b.write(0, deviceControl, 0x8000, 0b0010);
    const start = b.sim.cycle;
    expect([b.control(0, 'resetting'), b.control(0, 'memory_enable'), b.control(0, 'bus_master')]).toEqual([1n, 0n, 0n]);
    expect(b.control(1, 'resetting')).toBe(0n);
    b.cycles(40);
    expect([b.control(0, 'resetting'), b.ask(0, 0).retry, b.ask(1, 0).retry]).toEqual([1n, true, false]);
    b.sim.poke(b.sim.dut.quiet, 0b11);
    b.cycles(1);
    expect(b.control(0, 'resetting')).toBe(0n);
    expect(b.sim.cycle - start).toBeGreaterThan(16);
    // Payload limit, error registers and numbers are kept, and the header of the error that is logged.
    expect([b.read(0, 4), b.read(0, 0x18), b.read(0, 0x50) >>> 30]).toEqual([0x0010_0000, 0xc, 0]);
    expect(b.read(0, deviceControl)).toBe(0x2810 | (1 << 5));
    expect([b.read(0, 0x104), b.read(0, 0x10c), b.read(0, 0x118) & 31]).toEqual([1 << 12, 0, 12]);
    expect(b.control(0, 'id')).toBe(0x800n);
    expect(b.read(1, 4)).toBe(0x0010_0006);

    // Quiet from the start: 16 cycles.
    b.write(0, deviceControl, 0x8000);
    let cycles = 0;
    for (; b.control(0, 'resetting') === 1n; cycles++) b.cycle();
    expect(cycles).toBe(16);
  });

  test('C84: a hot reset clears the payload limit and the numbers too, and keeps what is sticky', () => {
    using b = make([drive]);
    b.write(0, deviceControl, 0x40);
    b.write(0, 0x10c, 0);
    b.write(0, 0x90, 2);
    b.sim.poke(b.sim.dut.hot_reset, 1);
    b.cycle();
    expect([b.control(0, 'resetting'), b.ask(0, 0).retry]).toEqual([1n, true]);
    b.sim.poke(b.sim.dut.hot_reset, 0);
    expect([b.control(0, 'resetting'), b.control(0, 'id')]).toEqual([0n, 0n]);
    expect([b.read(0, deviceControl), b.read(0, 0x10c), b.read(0, 0x90)]).toEqual([0x2810, 0, 2]);
  });

  test('C81: a function of memory alone has no bus master enable', () => {
    using b = make([memoryOnly]);
    b.write(0, 4, 6);
    expect([b.read(0, 4), b.control(0, 'bus_master')]).toEqual([0x0010_0002, 0n]);
  });

  test('C99: relaxed ordering and no snoop are allowed after reset, and can be forbidden', () => {
    using b = make([drive]);
    expect(['relaxed_ordering', 'no_snoop'].map(name => b.control(0, name))).toEqual([1n, 1n]);
    b.write(0, deviceControl, 0);
    expect(['relaxed_ordering', 'no_snoop'].map(name => b.control(0, name))).toEqual([0n, 0n]);
  });

  test('C71a: tags are 5 bits wide after reset, 8 and 10 by enable', () => {
    using b = make([drive, card]);
    const widths = (of: number) => ['extended_tag', 'ten_bit_tag'].map(name => b.control(of, name));
    expect([widths(0), widths(1)]).toEqual([
      [0n, 0n],
      [0n, 0n],
    ]);
    for (const of of [0, 1]) {
      b.write(of, deviceControl, 0x100);
      b.write(of, 0x88, 0x1000);
    }
    expect([widths(0), widths(1)]).toEqual([
      [1n, 1n],
      [1n, 0n],
    ]);
  });

  test('C94: a BAR is resized while memory is disabled, and its low bits are 0 then', () => {
    using b = make([drive]);
    const control = 0x188;
    expect([b.read(0, 0x184) >>> 4, b.read(0, 0x18c) >>> 4]).toEqual([(1 << 8) | (1 << 11) | (1 << 14), 3]);
    expect(b.read(0, control)).toBe(2 | (2 << 5) | (8 << 8));
    b.write(0, 0x18, 0xf000_0000);
    b.write(0, 0x1c, 0x7);
    b.write(0, 4, 2);
    b.write(0, control, 14 << 8);
    expect(b.read(0, control) >>> 8).toBe(8);
    b.write(0, 4, 0);
    b.write(0, control, 13 << 8);
    expect(b.read(0, control) >>> 8).toBe(8);
    b.write(0, control, 14 << 8);
    expect(b.read(0, control) >>> 8).toBe(14);
    expect([b.read(0, 0x18), b.read(0, 0x1c)]).toEqual([0xc, 4]);
    b.write(0, 0x18, ones);
    b.write(0, 0x1c, ones);
    expect([b.read(0, 0x18), b.read(0, 0x1c)]).toEqual([0xc, 0xffff_fffc]);
    expect(b.bar(0, 1)).toEqual({ base: 0xffff_fffc_0000_0000n, compare: 2n ** 52n - 2n ** 22n });
  });

  test('C95: ATS has its enable and smallest unit', () => {
    using b = make([drive, card]);
    b.write(0, 0x1c4, 0x8005_0000);
    expect([b.read(0, 0x1c4), b.control(0, 'ats_enable'), b.control(0, 'ats_unit')]).toEqual([0x8005_0020, 1n, 5n]);
    b.write(1, 0x1c4, ones);
    expect([b.read(1, 0x1c4), b.control(1, 'ats_enable')]).toEqual([0, 0n]);
  });
});

test('parameters that no function can have', () => {
  const bar = { slot: 0, bytes: 4096, width: 32, prefetchable: false } as const;
  const tries: Partial<FunctionParams>[] = [
    { bars: [{ ...bar, slot: 5, width: 64 }] },
    {
      bars: [
        { ...bar, width: 64 },
        { ...bar, slot: 1 },
      ],
    },
    { bars: [{ ...bar, bytes: 2048 }] },
    { bars: [{ ...bar, bytes: 2 ** 32 }] },
    { bars: [{ ...bar, bytes: 2 ** 20, resizable: [2 ** 21] }] },
    { max_payload: 300 },
    { msix: { vectors: 2049, table: { slot: 0, offset: 0 }, pending: { slot: 0, offset: 0 } }, bars: [bar] },
    { msix: { vectors: 1, table: { slot: 1, offset: 0 }, pending: { slot: 0, offset: 0 } }, bars: [bar] },
    { ats: { queue_depth: 33 } },
  ];
  const messages = tries.map(more => {
    try {
      checkFunction({ ...memoryOnly, ...more });
    } catch (error) {
      return error instanceof Error ? error.message.split('\n')[0] : error;
    }
    return 'no error';
  });
  expect(messages).toMatchInlineSnapshot(`
    [
      "a BAR of 64 bits stands in slot 5",
      "two BARs want slot 1",
      "BAR 0 has 2048 bytes",
      "BAR 0 has 4294967296 bytes",
      "BAR 0 cannot be resized to 2097152",
      "the largest payload is 300 bytes",
      "a function has 2049 MSI-X vectors",
      "an MSI-X structure stands at 0 of BAR 1",
      "the invalidation queue has 33 entries",
    ]
  `);
  expect(() => make([])).toThrow('an endpoint has 1 to 8 functions');
});
