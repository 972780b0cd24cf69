import { describe, expect, test } from 'vitest';
import { Bar0, FirmwareMap } from '../src/config/register-map.ts';
import { setFields } from './dma-model.ts';
import { RegisterBench, vectors } from './register-bench.ts';

describe('C92: MSI-X', () => {
  const entry = (v: number) => ({ low: 0xfee0_0000 + 16 * v, high: v % 2, data: 0x4100 + v });
  const row = (v: number) => Bar0.msix_table + 16 * v;
  const mask = (b: RegisterBench, v: number, masked: number) => b.hostWrite(row(v) + 12, masked, 1);

  function prepared(seed: number): RegisterBench {
    const b = new RegisterBench(seed);
    for (let v = 0; v < vectors; v++) {
      b.hostWrite(row(v), entry(v).low);
      b.hostWrite(row(v) + 4, entry(v).high);
      b.hostWrite(row(v) + 8, entry(v).data);
    }
    return b;
  }
  const message = (v: number) => ['message', (BigInt(entry(v).high) << 32n) | BigInt(entry(v).low), entry(v).data];
  const taken = (b: RegisterBench) => b.posted.splice(0).map(({ from, address, data }) => [from, address, data]);

  test('the table reads back; vectors are masked after reset; byte masks are obeyed', () => {
    using b = prepared(10);
    for (let v = 0; v < vectors; v++) {
      const { low, high, data } = entry(v);
      expect([0, 4, 8, 12].map(i => b.hostRead(row(v) + i))).toEqual([low, high, data, 1]);
    }
    b.hostWrite(row(2) + 8, 0xffff_ffff, 0b0010);
    expect(b.hostRead(row(2) + 8)).toBe(0xff02);
    b.hostWrite(row(2) + 12, 0, 0b1110);
    expect(b.hostRead(row(2) + 12)).toBe(1);
    b.hostWrite(row(2) + 12, 0xffff_fffe);
    expect([b.hostRead(row(2) + 12), b.hostRead(row(3) + 12)]).toEqual([0, 1]);
  });

  test('a trigger sends the message of its vector, 5 cycles later', () => {
    using b = prepared(11);
    for (let v = 0; v < vectors; v++) mask(b, v, 0);
    for (let v = 0; v < vectors; v++) {
      const start = b.sim.cycle;
      b.write(FirmwareMap.msix_trigger, v);
      b.cycles(10);
      // One cycle for the request slice.
      expect((b.posted[0]?.cycle ?? 0) - start).toBe(1 + 5);
      expect(taken(b)).toEqual([message(v)]);
    }
    b.write(FirmwareMap.msix_trigger, vectors);
    b.write(FirmwareMap.msix_trigger, 0x100);
    b.cycles(20);
    expect(taken(b)).toEqual([]);
  });

  test('masked: pending and not sent; unmasked: sent once and not pending', () => {
    using b = prepared(12);
    mask(b, 1, 0);
    for (const v of [5, 3, 5]) b.write(FirmwareMap.msix_trigger, v);
    b.cycles(20);
    expect(taken(b)).toEqual([]);
    expect(b.hostRead(Bar0.msix_pending)).toBe((1 << 5) | (1 << 3));
    mask(b, 5, 0);
    b.cycles(20);
    expect(taken(b)).toEqual([message(5)]);
    expect(b.hostRead(Bar0.msix_pending)).toBe(1 << 3);
    mask(b, 3, 0);
    b.cycles(20);
    expect(taken(b)).toEqual([message(3)]);
    expect(b.hostRead(Bar0.msix_pending)).toBe(0);
  });

  test.each([
    ['MSI-X is disabled', { msix_enable: 0 }, { msix_enable: 1 }],
    ['the function is masked', { msix_mask: 1 }, { msix_mask: 0 }],
    ['bus mastering is off', { bus_master: 0 }, { bus_master: 1 }],
  ])('pending while %s', (_, off, on) => {
    using b = prepared(13);
    mask(b, 0, 0);
    setFields(b.sim, b.sim.dut.state, off);
    b.write(FirmwareMap.msix_trigger, 0);
    b.cycles(20);
    expect([taken(b), b.hostRead(Bar0.msix_pending)]).toEqual([[], 1]);
    setFields(b.sim, b.sim.dut.state, on);
    b.cycles(20);
    expect([taken(b), b.hostRead(Bar0.msix_pending)]).toEqual([[message(0)], 0]);
  });

  test('a trigger in the cycle in which its pending bit is cleared sends a second message', () => {
    using b = prepared(15);
    mask(b, 2, 0);
    for (let i = 0; i < 2; i++) b.firmware.push({ write: true, address: FirmwareMap.msix_trigger, data: 2 });
    b.cycles(30);
    expect(taken(b)).toEqual([message(2), message(2)]);
  });

  test('triggers at once are all sent, and one that comes while its message waits is sent again', () => {
    using b = prepared(14);
    for (let v = 0; v < vectors; v++) mask(b, v, 0);
    b.takeRate = 0;
    for (let v = vectors - 1; v >= 0; v--) b.firmware.push({ write: true, address: FirmwareMap.msix_trigger, data: v });
    b.cycles(40);
    // The first one waits to be taken.
    b.firmware.push({ write: true, address: FirmwareMap.msix_trigger, data: vectors - 1 });
    b.cycles(10);
    b.takeRate = 0.3;
    b.cycles(400);
    const got = taken(b);
    expect(got).toHaveLength(vectors + 1);
    expect(got[0]).toEqual(message(vectors - 1));
    for (let v = 0; v < vectors; v++) expect(got).toContainEqual(message(v));
  });
});
