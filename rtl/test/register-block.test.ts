import { describe, expect, test } from 'vitest';
import { Bar0, Engine, FirmwareEvent, FirmwareMap, identification } from '../src/config/register-map.ts';
import { numberOf, setFields, setNumber } from './dma-model.ts';
import { doorbells, memory_bytes, RegisterBench, vectors } from './register-bench.ts';

const merge = (old: number, data: number, mask: number): number => {
  const bits = [0, 1, 2, 3].reduce((m, i) => ((mask >> i) & 1 ? m | (0xff << (8 * i)) : m), 0);
  return ((old & ~bits) | (data & bits)) >>> 0;
};

test('identification and what does not exist', () => {
  using b = new RegisterBench(1);
  expect(b.hostRead(Bar0.id)).toBe(identification);
  expect(b.hostRead(Bar0.memory_bytes)).toBe(memory_bytes);
  expect(b.hostRead(Bar0.doorbell_count)).toBe(doorbells);
  for (const address of [0x000c, 0x0800, Bar0.doorbell, Bar0.msix_table + 16 * vectors, Bar0.msix_pending + 4, 0x3ffc]) {
    b.hostWrite(address, 0xffff_ffff);
    expect(b.hostRead(address), address.toString(16)).toBe(0);
  }
  b.hostWrite(Bar0.id, 0);
  expect(b.hostRead(Bar0.id)).toBe(identification);
  expect(b.read(FirmwareMap.bar2_low)).toBe(0x3456_0000);
  expect(b.read(FirmwareMap.bar2_high)).toBe(0x12);
  expect(b.read(FirmwareMap.memory_bytes)).toBe(memory_bytes);
  expect(b.read(FirmwareMap.function_state)).toBe(0x3_0428);
  b.write(0x0ffc, 5);
  b.write(0xfffc, 5);
  expect([b.read(0x0ffc), b.read(0xfffc), b.read(0x0180 + 0x20)]).toEqual([0, 0, 0]);
});

describe('mailbox', () => {
  test('what one side writes the other reads, with byte masks', () => {
    using b = new RegisterBench(2);
    const words = Array.from({ length: 256 }, () => b.random.below(2 ** 32));
    words.forEach((data, i) => {
      if (i % 2) b.hostWrites.push({ address: Bar0.mailbox + 4 * i, data, mask: 15 });
      else b.firmware.push({ write: true, address: FirmwareMap.mailbox + 4 * i, data });
    });
    b.drain();
    for (let i = 0; i < 64; i++) {
      const at = b.random.below(256);
      const [data, mask] = [b.random.below(2 ** 32), b.random.below(16)];
      b.hostWrites.push({ address: Bar0.mailbox + 4 * at, data, mask });
      words[at] = merge(words[at] ?? 0, data, mask);
    }
    b.drain();
    for (let i = 0; i < 256; i++) {
      b.hostReads.push(Bar0.mailbox + 4 * i);
      b.firmware.push({ write: false, address: FirmwareMap.mailbox + 4 * i, data: 0 });
    }
    b.drain();
    expect(b.hostData).toEqual(words);
    expect(b.firmwareData).toEqual(words);
  });

  test.each([
    [1, 1],
    [0.6, 1],
    [1, 0.5],
  ])('both sides at once: the link never waits, nothing is lost: host %d, firmware %d', (hostRate, firmwareRate) => {
    using b = new RegisterBench(3);
    Object.assign(b, { hostRate, firmwareRate, takeRate: 0.8 });
    // The host works on the lower half, the firmware on the upper one, each with a model of its own.
    const host = new Array<number>(128).fill(0);
    const firmware = new Array<number>(128).fill(0);
    const expected: { host: number[]; firmware: number[] } = { host: [], firmware: [] };
    for (let i = 0; i < 128; i++) {
      b.hostWrites.push({ address: Bar0.mailbox + 4 * i, data: 0, mask: 15 });
      b.firmware.push({ write: true, address: FirmwareMap.mailbox + 4 * (128 + i), data: 0 });
    }
    b.drain();
    for (let round = 0; round < 30; round++) {
      for (let k = 0; k < 8; k++) {
        const [at, data, mask] = [b.random.below(128), b.random.below(2 ** 32), b.random.below(16)];
        b.hostWrites.push({ address: Bar0.mailbox + 4 * at, data, mask });
        host[at] = merge(host[at] ?? 0, data, mask);
        const index = b.random.below(128);
        const write = b.random.chance(0.5);
        b.firmware.push({ write, address: FirmwareMap.mailbox + 4 * (128 + index), data });
        if (write) firmware[index] = data;
        else expected.firmware.push(firmware[index] ?? 0);
      }
      while (b.hostWrites.length > 0) b.cycle();
      for (let k = 0; k < 8; k++) {
        const at = b.random.below(128);
        b.hostReads.push(Bar0.mailbox + 4 * at);
        expected.host.push(host[at] ?? 0);
      }
      while (b.hostReads.length > 0) b.cycle();
    }
    b.drain();
    expect(b.hostData).toEqual(expected.host);
    expect(b.firmwareData).toEqual(expected.firmware);
  });
});

test('firmware writes take a cycle each, reads are answered in order after 3', () => {
  using b = new RegisterBench(4);
  b.cycles(2);
  const from = b.sim.cycle;
  for (let i = 0; i < 16; i++) b.firmware.push({ write: true, address: FirmwareMap.mailbox + 4 * i, data: i });
  while (b.firmware.length > 0) b.cycle();
  expect(b.sim.cycle - from).toBe(16);
  b.cycles(3);
  const before = b.sim.cycle;
  b.firmware.push({ write: false, address: FirmwareMap.mailbox + 20, data: 0 });
  while (b.firmwareData.length === 0) b.cycle();
  expect([b.sim.cycle - 1 - before, b.firmwareData[0]]).toEqual([3, 5]);
});

test('doorbells become pending, interrupt while enabled, and are cleared one by one', () => {
  using b = new RegisterBench(5);
  b.hostWrite(Bar0.doorbell + 4 * 3, 0);
  expect([b.read(FirmwareMap.doorbell_pending), b.read(FirmwareMap.events), b.interrupt]).toEqual([
    1 << 3,
    FirmwareEvent.doorbell,
    false,
  ]);
  b.write(FirmwareMap.event_enable, FirmwareEvent.doorbell);
  expect(b.interrupt).toBe(true);
  b.hostWrite(Bar0.doorbell + 4 * 15, 0xffff, 1);
  b.hostWrite(Bar0.doorbell + 4 * 7, 1, 0);
  b.hostWrite(Bar0.doorbell + 4 * 16, 1);
  expect(b.read(FirmwareMap.doorbell_pending)).toBe((1 << 15) | (1 << 3));
  b.write(FirmwareMap.doorbell_pending, 1 << 3);
  expect([b.read(FirmwareMap.doorbell_pending), b.interrupt]).toEqual([1 << 15, true]);
  // The doorbell event follows the doorbells: clearing it as an event does nothing.
  b.write(FirmwareMap.events, FirmwareEvent.doorbell);
  expect(b.interrupt).toBe(true);
  b.write(FirmwareMap.doorbell_pending, 1 << 15);
  expect([b.read(FirmwareMap.events), b.interrupt]).toEqual([0, false]);
});

test('a doorbell that rings while it is cleared stays pending', () => {
  using b = new RegisterBench(6);
  for (let gap = 0; gap < 6; gap++) {
    b.hostWrite(Bar0.doorbell, 1);
    b.firmware.push({ write: true, address: FirmwareMap.doorbell_pending, data: 1 });
    b.cycles(gap);
    b.hostWrites.push({ address: Bar0.doorbell, data: 1, mask: 15 });
    b.drain();
    // The clear takes effect 2 cycles after it was asked for, so a ring from then on counts.
    expect(b.read(FirmwareMap.doorbell_pending), `gap ${gap}`).toBe(gap >= 1 ? 1 : 0);
    b.write(FirmwareMap.doorbell_pending, 1);
    expect(b.read(FirmwareMap.doorbell_pending)).toBe(0);
  }
});

describe('engines', () => {
  const engines = ['write_dma', 'read_dma', 'fill', 'drain'] as const;

  test.each(engines)('%s: registers, start, busy, event', name => {
    using b = new RegisterBench(7);
    const base = FirmwareMap[name];
    const { dut } = b.sim;
    const dma = name === 'write_dma' || name === 'read_dma';
    const words = {
      offset: 0x1234_5600,
      length: 0x7654_3210,
      ...(dma ? { address_low: 0x89ab_cde0, address_high: 0x0f1e_2d3c } : {}),
    };
    for (const [register, value] of Object.entries(words)) b.write(base + Engine[register as keyof typeof words], value);
    for (const [register, value] of Object.entries(words))
      expect(b.read(base + Engine[register as keyof typeof words])).toBe(value);
    b.write(base + Engine.control, 2);
    expect(b.starts).toEqual([]);
    b.firmware.push({ write: true, address: base + Engine.control, data: 3 });
    b.firmware.push({ write: false, address: base + Engine.status, data: 0 });
    b.drain();
    expect(b.starts).toEqual([name]);
    // Read right behind the start: busy, though the engine had no time to say so.
    expect(b.firmwareData.pop()).toBe(1);
    const command = dut[name];
    expect(numberOf(b.sim.port(command.offset))).toBe(BigInt(words.offset));
    expect(numberOf(b.sim.port(command.length))).toBe(BigInt(words.length));
    if (dma) {
      expect(numberOf(b.sim.port(dut[name].address))).toBe(0x0f1e_2d3c_89ab_cde0n);
      expect(numberOf(b.sim.port(dut[name].memory))).toBe(1n);
    }
    const status = dut[`${name}_status`];
    setFields(b.sim, status, { busy: 1 });
    expect(b.read(base + Engine.status) & 1).toBe(1);
    b.write(FirmwareMap.event_enable, FirmwareEvent[name]);
    expect(b.interrupt).toBe(false);
    setFields(b.sim, status, { busy: 0, ...(dma ? { result: 4 } : {}) });
    b.pulse(status, 'done');
    expect([b.interrupt, b.read(FirmwareMap.events)]).toEqual([true, FirmwareEvent[name]]);
    expect(b.read(base + Engine.status)).toBe(dma ? 8 : 0);
    b.write(FirmwareMap.events, FirmwareEvent[name]);
    expect([b.interrupt, b.read(FirmwareMap.events)]).toEqual([false, 0]);
  });

  test('registers of one engine leave the others alone', () => {
    using b = new RegisterBench(8);
    engines.forEach((name, i) => {
      b.write(FirmwareMap[name] + Engine.length, 100 + i);
    });
    expect(engines.map(name => b.read(FirmwareMap[name] + Engine.length))).toEqual([100, 101, 102, 103]);
  });
});

test('a post has its address and data, holds the next one back, and gives its event', () => {
  using b = new RegisterBench(9);
  b.write(FirmwareMap.post_low, 0x1234_5678);
  b.write(FirmwareMap.post_high, 0x9abc_def0);
  expect([b.read(FirmwareMap.post_low), b.read(FirmwareMap.post_high)]).toEqual([0x1234_5678, 0x9abc_def0]);
  b.takeRate = 0;
  b.firmware.push(
    { write: true, address: FirmwareMap.post_data, data: 11 },
    { write: true, address: FirmwareMap.post_data, data: 12 },
  );
  b.firmware.push({ write: true, address: FirmwareMap.post_low, data: 0 });
  b.cycles(20);
  expect(b.posted).toEqual([]);
  b.takeRate = 0.5;
  b.drain();
  expect(b.posted.map(({ from, address, data }) => [from, address, data])).toEqual([
    ['post', 0x9abc_def0_1234_5678n, 11],
    ['post', 0x9abc_def0_1234_5678n, 12],
  ]);
  setNumber(b.sim.port(b.sim.dut.post_sent), 1);
  b.cycle();
  setNumber(b.sim.port(b.sim.dut.post_sent), 0);
  expect(b.read(FirmwareMap.events)).toBe(FirmwareEvent.post);
});
