import { describe, expect, test } from 'vitest';
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import { BridgeConfigSpace, droppedCapability } from '../src/config/bridge-config-space.ts';
import { EndpointConfigSpace } from '../src/config/endpoint-config-space.ts';

type Space = EndpointConfigSpace | BridgeConfigSpace;

/** The access port, as software sees it: byte offsets. */
function accessTo(sim: TypedSimulation<Space>) {
  const { dut } = sim;
  const access = (offset: number, write: number, data: number, mask: number) => {
    sim.poke(dut.access_valid, 1);
    sim.poke(dut.access_write, write);
    sim.poke(dut.access_register, offset / 4);
    sim.poke(dut.access_data, data >>> 0);
    sim.poke(dut.access_mask, mask);
    sim.step();
    sim.poke(dut.access_valid, 0);
    return Number(sim.peek(dut.read_data));
  };
  return {
    read: (offset: number) => access(offset, 0, 0, 0),
    write: (offset: number, data: number, mask = 0xf) => access(offset, 1, data, mask),
    /** The capability list: offset by identifier. */
    capabilities: () => {
      const found = new Map<number, number>();
      for (let at = access(0x34, 0, 0, 0) & 0xfc; at !== 0; at = (access(at, 0, 0, 0) >> 8) & 0xfc) {
        expect(found.size).toBeLessThan(16);
        found.set(access(at, 0, 0, 0) & 0xff, at);
      }
      return found;
    },
  };
}

const endpoint = { vendor_id: 0x1d1d, device_id: 0xe0a5, class_code: 0x018000, max_payload: 512 };
const withMemory = (memory_bytes: number) => simulate(() => new EndpointConfigSpace({ ...endpoint, memory_bytes }));

describe('endpoint', () => {
  test('identity, and registers that do not exist read 0 and ignore writes', () => {
    using sim = withMemory(0x1000);
    const { read, write } = accessTo(sim);
    expect(read(0)).toBe(0xe0a51d1d);
    expect(read(8) >>> 8).toBe(0x018000);
    expect((read(0x0c) >> 16) & 0xff).toBe(0);
    expect((read(4) >> 20) & 1).toBe(1);
    const fixed = [0x00, 0x08, 0x0c, 0x14, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38, 0x3c, 0x54, 0xfc, 0x100, 0xffc];
    const before = fixed.map(read);
    for (const offset of fixed) write(offset, 0xffffffff);
    expect(fixed.map(read)).toEqual(before);
    expect(read(0x30)).toBe(0);
  });

  test.each([0x1000, 0x10_0000, 2 ** 31, 2 ** 32, 2 ** 36])('sizing finds 16 KiB and %d bytes', bytes => {
    using sim = withMemory(bytes);
    const { read, write } = accessTo(sim);
    for (const offset of [0x10, 0x14, 0x18, 0x1c, 0x20, 0x24]) write(offset, 0xffffffff);
    expect(read(0x10)).toBe(0xffffc000);
    expect(read(0x14)).toBe(0);
    expect(read(0x18) & 0xf).toBe(0xc);
    const mask = (BigInt(read(0x1c)) << 32n) | (BigInt(read(0x18) & ~0xf) & 0xffff_ffffn);
    expect((~mask & 0xffff_ffff_ffff_ffffn) + 1n).toBe(BigInt(bytes));
    expect([read(0x20), read(0x24)]).toEqual([0, 0]);

    const base = 0xab00_0000_0000_0000n + BigInt(bytes);
    write(0x10, 0x8123_7abc);
    write(0x18, Number(base & 0xffff_ffffn));
    write(0x1c, Number(base >> 32n));
    expect(sim.peek(sim.dut.state.bar0)).toBe(0x8123_4000n);
    expect(sim.peek(sim.dut.state.bar2)).toBe(base);
  });

  test('without BAR memory there is no BAR2', () => {
    using sim = withMemory(0);
    const { read, write } = accessTo(sim);
    write(0x18, 0xffffffff);
    write(0x1c, 0xffffffff);
    expect([read(0x18), read(0x1c)]).toEqual([0, 0]);
    expect(sim.peek(sim.dut.state.bar2)).toBe(0n);
  });

  test('C8: enables, payload limits and MSI-X follow their bits; bytes are masked', () => {
    using sim = withMemory(0x1000);
    const { read, write, capabilities } = accessTo(sim);
    const { state } = sim.dut;
    const bits = () => [state.memory_enable, state.bus_master, state.msix_enable, state.msix_mask].map(b => Number(sim.peek(b)));
    const [express = 0, msix = 0] = [capabilities().get(0x10), capabilities().get(0x11)];
    expect(bits()).toEqual([0, 0, 0, 0]);
    expect([sim.peek(state.mps), sim.peek(state.mrrs)]).toEqual([0n, 2n]);
    expect((read(express + 8) >> 12) & 7).toBe(2);

    write(4, 0x0000_0006, 0b1110);
    expect(bits()).toEqual([0, 0, 0, 0]);
    write(4, 0xffff_0006, 0b0001);
    expect(bits()).toEqual([1, 1, 0, 0]);
    expect(read(4)).toBe(0x0010_0006);
    write(4, 0x0000_0002);
    expect(bits()).toEqual([1, 0, 0, 0]);

    write(0x1c, 0x11223344);
    write(0x1c, 0xaabbccdd, 0b0100);
    expect(read(0x1c)).toBe(0x11bb3344);
    write(0x10, 0x8ddd_c000, 0b0010);
    expect(read(0x10)).toBe(0x0000_c000);
    write(express + 8, (1 << 5) | (4 << 12));
    expect([sim.peek(state.mps), sim.peek(state.mrrs)]).toEqual([1n, 4n]);
    expect(read(express + 8) & 0x70e0).toBe((1 << 5) | (4 << 12));
    write(msix, 0x8000_0000);
    expect(bits()).toEqual([1, 0, 1, 0]);
    write(msix, 0x4000_0000);
    expect(bits()).toEqual([1, 0, 0, 1]);
  });

  test('the capability list names power management, MSI-X and PCI Express', () => {
    using sim = withMemory(0x1000);
    const { read, capabilities } = accessTo(sim);
    const list = capabilities();
    expect([...list.keys()].sort()).toEqual([0x01, 0x10, 0x11]);
    const [express = 0, msix = 0] = [list.get(0x10), list.get(0x11)];
    // Version 2, type endpoint; payload up to 512 bytes.
    expect((read(express) >>> 16) & 0xff).toBe(0x02);
    expect(read(express + 4) & 7).toBe(2);
    expect((read(msix) >> 16) & 0x7ff).toBe(7);
    expect([read(msix + 4), read(msix + 8)]).toEqual([0x2000, 0x3000]);
  });

  test('C24: the function takes its number from a completed configuration write', () => {
    using sim = withMemory(0x1000);
    const { dut } = sim;
    expect(sim.peek(dut.state.id)).toBe(0n);
    sim.poke(dut.capture_id, 0x1234);
    sim.step();
    expect(sim.peek(dut.state.id)).toBe(0n);
    sim.poke(dut.capture, 1);
    sim.step();
    expect(sim.peek(dut.state.id)).toBe(0x1230n);
  });

  test('reset clears what software wrote', () => {
    using sim = withMemory(0x1000);
    const { write } = accessTo(sim);
    write(4, 6);
    write(0x10, 0x8000_0000);
    const rst = sim.engine.ports.get('rst');
    if (rst) rst.words[0] = 1;
    sim.step();
    expect([sim.dut.state.memory_enable, sim.dut.state.bus_master, sim.dut.state.bar0].map(s => sim.peek(s))).toEqual([
      0n,
      0n,
      0n,
    ]);
  });
});

describe.each(['upstream', 'downstream'] as const)('%s bridge', direction => {
  const make = () => simulate(() => new BridgeConfigSpace({ vendor_id: 0x1d1d, device_id: 0x5100, direction, port_number: 9 }));

  test('header, port type and port number', () => {
    using sim = make();
    const { read, capabilities } = accessTo(sim);
    expect([read(0), read(8) >>> 8, (read(0x0c) >> 16) & 0x7f]).toEqual([0x51001d1d, 0x060400, 1]);
    const list = capabilities();
    const express = list.get(0x10) ?? 0;
    expect((read(express) >> 20) & 0xf).toBe(direction === 'upstream' ? 5 : 6);
    expect(read(express + 0x0c) >>> 24).toBe(9);
    // No I/O window, no BARs, no expansion ROM.
    expect([0x10, 0x14, 0x1c, 0x30, 0x38].map(read)).toEqual([0, 0, 0, 0, 0]);
  });

  test('windows are closed after reset, hold what software writes, and appear in the state', () => {
    using sim = make();
    const { read, write } = accessTo(sim);
    const { state } = sim.dut;
    expect(sim.peek(state.memory_base) > sim.peek(state.memory_limit)).toBe(true);
    expect(sim.peek(state.prefetch_base) > sim.peek(state.prefetch_limit)).toBe(true);
    expect(sim.peek(state.secondary)).toBe(0n);
    for (const offset of [0x18, 0x20, 0x24, 0x28, 0x2c]) write(offset, 0xffffffff);
    expect([0x18, 0x20, 0x24, 0x28, 0x2c].map(read)).toEqual([0x00ffffff, 0xfff0fff0, 0xfff1fff1, 0xffffffff, 0xffffffff]);
    write(0x18, 0x00_09_05_02);
    write(0x20, 0x9120_9010);
    write(0x24, 0x3450_1230);
    write(0x28, 0x0000_00ab);
    write(0x2c, 0x0000_00cd);
    const peeked = [
      state.secondary,
      state.subordinate,
      state.memory_base,
      state.memory_limit,
      state.prefetch_base,
      state.prefetch_limit,
    ];
    expect(peeked.map(s => sim.peek(s))).toEqual([5n, 9n, 0x901n, 0x912n, 0xab123n, 0xcd345n]);
    expect(read(0x24)).toBe(0x3451_1231);
    write(4, 2);
    expect([sim.peek(state.memory_enable), sim.peek(state.bus_master)]).toEqual([1n, 0n]);
    write(4, 4);
    expect([sim.peek(state.memory_enable), sim.peek(state.bus_master)]).toEqual([0n, 1n]);
  });

  test('the count of dropped TLPs is a vendor-specific capability', () => {
    using sim = make();
    const { read, capabilities } = accessTo(sim);
    expect(capabilities().get(0x09)).toBe(droppedCapability);
    sim.poke(sim.dut.dropped, 0x1234_5678);
    expect(read(droppedCapability + 4)).toBe(0x1234_5678);
  });
});
