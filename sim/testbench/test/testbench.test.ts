import {
  bar0Map,
  completionOf,
  configRead,
  configWrite,
  type EngineName,
  endpointIdentification,
  firmwareMap,
  memoryRead,
  memoryWrite,
  type Packet,
  topology,
} from '@hdl/pcie-rtl';
import { accessors } from '@hdl/ts-hdl';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../../hdl/test/random.ts';
import { type DevicePort, measureDirection, StalledError, Testbench, type TestbenchOptions } from '../src/index.ts';
import { take } from './root-bench.ts';

const sizes = { memory_bytes: 64 * 1024, doorbells: { count: 16, stride: 4 }, vectors: 8 };
const bar0Registers = bar0Map(sizes);
const registers = accessors(firmwareMap(sizes));
const { mailbox } = firmwareMap(sizes).description.regions;
const bar0 = 0x8000_0000n;
const bar2 = 0x40_0000_0000n;
const memoryBytes = 64 * 1024;
const bus = 1;

const one = topology({ endpoints: [{ name: 'drive0', parent: 'root', memory_bytes: memoryBytes }] });
const create = (options: Partial<TestbenchOptions> = {}) => Testbench.create({ topology: one, stallCycles: 20_000, ...options });

function device(bench: Testbench): DevicePort {
  const [port] = bench.devices;
  if (!port) throw new Error('the topology has an endpoint');
  return port;
}

const number = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

/** The least of a host: one request at a time. */
function host({ root }: Testbench) {
  const from = { requester_id: 0, tag: 7 };
  const ask = async (packet: Packet) => {
    await root.send(packet);
    const answer = await root.receive();
    expect(answer).toMatchObject({ ...from });
    return { ...completionOf(answer), payload: answer.payload };
  };
  const target = (register: number) => ({ ...from, kind: 0 as const, bus, device: 0, function: 0, register: register / 4 });
  const config = {
    read: async (offset: number) => number((await ask(configRead(target(offset)))).payload),
    write: async (offset: number, data: number) => expect((await ask(configWrite({ ...target(offset), data }))).status).toBe(0),
  };
  return {
    config,
    write: (address: bigint, data: Uint8Array) => root.send(memoryWrite({ ...from, address, data })),
    read: async (address: bigint, bytes: number) => {
      const read = { address, bytes, got: new Uint8Array(0) };
      await root.send(memoryRead({ ...from, address, bytes }));
      while (read.got.length < bytes) expect(take(read, await root.receive(), 128)).toBeUndefined();
      return read.got;
    },
    /** BARs, memory space and bus mastering; MPS stays 128. */
    async boot() {
      await config.write(0x10, Number(bar0));
      await config.write(0x18, Number(bar2 & 0xffff_ffffn));
      await config.write(0x1c, Number(bar2 >> 32n));
      await config.write(0x04, 6);
    },
  };
}

/** Starts an engine of the endpoint. */
async function runEngine(
  port: DevicePort,
  engine: EngineName,
  run: { readonly offset: number; readonly length: number; readonly address?: bigint },
): Promise<void> {
  if (run.address !== undefined) {
    await port.write(registers[`${engine}_address_low`].offset, Number(run.address & 0xffff_ffffn));
    await port.write(registers[`${engine}_address_high`].offset, Number(run.address >> 32n));
  }
  await port.write(registers[`${engine}_memory_offset`].offset, run.offset);
  await port.write(registers[`${engine}_length`].offset, run.length);
  const control = registers[`${engine}_control`];
  await port.write(control.offset, control.memory.set(control.start.set(0, 1), 1));
}

type Event = EngineName | 'doorbell';
const eventWord = (...events: Event[]) => events.reduce((word, name) => registers.events[name].set(word, 1), 0);
const enable = (port: DevicePort, ...events: Event[]) => port.write(registers.event_enable.offset, eventWord(...events));

/** Waits for an engine's event, and clears it. */
async function ended(port: DevicePort, engine: EngineName): Promise<void> {
  const event = eventWord(engine);
  await port.interrupt();
  expect((await port.read(registers.events.offset)) & event).toBe(event);
  await port.write(registers.events.offset, event);
}

describe('the root port', () => {
  test('finds the endpoint, and reads and writes its memory', async () => {
    using bench = await create();
    const data = new Random(51).bytes(128);
    await bench.scheduler.run(async () => {
      const cpu = host(bench);
      const [endpoint] = one.endpoints;
      expect(await cpu.config.read(0)).toBe(((0xe000 << 16) | 0x1d1d) >>> 0);
      await cpu.boot();
      expect(number(await cpu.read(bar0 + BigInt(accessors(bar0Registers).identification.offset), 4))).toBe(
        endpointIdentification,
      );
      expect(number(await cpu.read(bar0 + BigInt(accessors(bar0Registers).memory_bytes.offset), 4))).toBe(
        endpoint?.params.memory_bytes,
      );
      await cpu.write(bar2 + 0x1234n, data);
      expect(await cpu.read(bar2 + 0x1234n, 100)).toEqual(data.slice(0, 100));
      expect(await cpu.read(bar2 + 0x1234n - 4n, 4)).toEqual(new Uint8Array(4));
      // Each answer wakes the host when it is there: ten round trips.
      expect(bench.scheduler.now).toBeLessThan(500);
    });
  });
});

describe('a device', () => {
  test('registers keep the order of accesses, in batches larger than the ring', async () => {
    using bench = await create();
    const port = device(bench);
    await bench.scheduler.run(async () => {
      for (let round = 0; round < 3; round++)
        for (let i = 0; i < 256; i++) void port.write(mailbox.offset + 4 * i, round * 1000 + i);
      const values = await Promise.all(Array.from({ length: 256 }, (_, i) => port.read(mailbox.offset + 4 * i)));
      expect(values).toEqual(Array.from({ length: 256 }, (_, i) => 2000 + i));
      await port.write(mailbox.offset, 0xffff_fffe);
      expect(await port.read(mailbox.offset)).toBe(0xffff_fffe);
    });
  });

  test('a doorbell of the host interrupts the firmware, again only when it rings again', async () => {
    using bench = await create();
    const port = device(bench);
    await bench.scheduler.run(async () => {
      const cpu = host(bench);
      await cpu.boot();
      await enable(port, 'doorbell');
      const rung: (readonly number[])[] = [];
      bench.scheduler.spawn('firmware', async () => {
        for (;;) {
          await port.interrupt();
          const { doorbell_next, doorbell_value } = registers;
          const next = await port.read(doorbell_next.offset);
          expect(doorbell_next.valid.get(next)).toBe(1);
          rung.push([doorbell_next.doorbell.get(next), await port.read(doorbell_value.offset)]);
        }
      });
      for (const bell of [3, 0, 15]) {
        await cpu.write(
          bar0 + BigInt(bar0Registers.description.regions.doorbells.offset + 4 * bell),
          Uint8Array.of(bell, 1, 0, 0),
        );
        await bench.scheduler.delay(400);
      }
      expect(rung).toEqual([
        [3, 0x103],
        [0, 0x100],
        [15, 0x10f],
      ]);
      await expect(port.interrupt()).rejects.toThrow(/two actors wait for an interrupt of drive0/);
    });
  });

  test('bytes go from the medium into BAR memory and back, a word per cycle, the last word filled up', async () => {
    using bench = await create();
    const port = device(bench);
    const bytes = new Random(52).bytes(memoryBytes - 13);
    await bench.scheduler.run(async () => {
      await enable(port, 'fill', 'drain');
      const cpu = host(bench);
      await cpu.boot();
      const begin = bench.scheduler.now;
      await runEngine(port, 'fill', { offset: 0, length: bytes.length });
      await port.mediaIn.write(bytes);
      await ended(port, 'fill');
      const cycles = bench.scheduler.now - begin;
      expect(cycles).toBeGreaterThanOrEqual(memoryBytes / 32);
      expect(cycles).toBeLessThan(memoryBytes / 32 + 60);
      expect(await cpu.read(bar2 + 0x8000n, 128)).toEqual(bytes.slice(0x8000, 0x8080));

      await runEngine(port, 'drain', { offset: 0, length: bytes.length });
      expect(await port.mediaOut.read(bytes.length)).toEqual(bytes);
      await ended(port, 'drain');
    });
  });
});

describe('links', () => {
  const length = 8192;

  /** DMA from the device to host memory and nothing else; what the counters say then. */
  async function measured(options: Partial<TestbenchOptions> = {}) {
    using bench = await create(options);
    const port = device(bench);
    const { hostMemory } = bench.root;
    const data = new Random(53).bytes(length);
    return bench.scheduler.run(async () => {
      const cpu = host(bench);
      await cpu.boot();
      for (let i = 0; i < length; i += 128) await cpu.write(bar2 + BigInt(i), data.subarray(i, i + 128));
      await enable(port, 'write_dma');
      await cpu.read(bar2, 4);
      bench.links.setDataRanges([{ base: hostMemory.base, limit: hostMemory.base + 0x1000n }]);
      bench.links.clear();
      expect(bench.links.snapshot()[0]?.down.beats).toBe(0);
      await runEngine(port, 'write_dma', { offset: 0, length, address: hostMemory.base });
      await ended(port, 'write_dma');
      await bench.scheduler.delay(50);
      expect(hostMemory.read(hostMemory.base, length)).toEqual(data);
      return { links: bench.links.snapshot(), cycle: bench.scheduler.now };
    });
  }

  test('tell user data from the rest by its address, byte by byte and beat by beat', async () => {
    const { links } = await measured();
    expect(links.map(l => l.link)).toEqual(['root']);
    const up = links[0]?.up;
    if (!up) throw new Error('a link has two directions');
    expect(up).toMatchObject({ posted: length / 128, non_posted: 0, completions: 0, beats: length / 32 });
    expect(up).toMatchObject({ data_bytes: 0x1000, data_beats: 0x1000 / 32, other_bytes: length - 0x1000 });
    expect(measureDirection(up, 250e6)).toEqual({ busyCycles: 128, busySeconds: 512e-9, gbps: 8, share: 1 });
    expect(links[0]?.down).toMatchObject({ posted: 0, non_posted: 0, completions: 0, beats: 0, data_bytes: 0 });
  });

  test('know ranges beyond 4 GiB, and both ends of one', async () => {
    using bench = await create();
    await bench.scheduler.run(async () => {
      const cpu = host(bench);
      await cpu.boot();
      bench.links.setDataRanges([{ base: bar2 + 128n, limit: bar2 + 256n }]);
      bench.links.clear();
      for (const offset of [0n, 124n, 128n, 252n, 256n]) await cpu.write(bar2 + offset, Uint8Array.of(1, 2, 3));
      await cpu.read(bar2 + 128n, 64);
    });
    const [root] = bench.links.snapshot();
    expect(root?.down).toMatchObject({ posted: 5, non_posted: 1, data_bytes: 6, data_beats: 2, other_bytes: 9 });
    expect(root?.up).toMatchObject({ completions: 1, data_bytes: 64, data_beats: 2, other_bytes: 0 });
  });

  test('count the same in every run, to the cycle; progress reports change nothing', async () => {
    const first = await measured();
    expect(await measured()).toEqual(first);
    const told: number[] = [];
    expect(await measured({ onProgress: cycle => told.push(cycle), progressCycles: 20 })).toEqual(first);
    expect(told.length).toBeGreaterThan(5);
    expect(told.length).toBeLessThanOrEqual(first.cycle / 20);
  });
});

describe('nothing that needs a run of its own', () => {
  let bench: Testbench;
  beforeAll(async () => {
    bench = await create({ hostBytes: 64 * 1024 });
  });
  afterAll(() => bench[Symbol.dispose]());

  test('host memory is reached by address, in its bounds only', () => {
    const { hostMemory } = bench.root;
    const end = hostMemory.base + BigInt(hostMemory.bytes);
    hostMemory.write(end - 3n, Uint8Array.of(1, 2, 3));
    expect(hostMemory.read(end - 4n, 4)).toEqual(Uint8Array.of(0, 1, 2, 3));
    expect(hostMemory.bytes).toBe(64 * 1024);
    expect(() => hostMemory.read(end - 3n, 4)).toThrow(RangeError);
    expect(() => hostMemory.write(hostMemory.base - 1n, Uint8Array.of(1))).toThrow(/not in host memory/);
  });

  test('a payload limit that does not exist is refused', () => {
    for (const bytes of [0, 64, 200, 8192]) expect(() => bench.root.setMaxPayload(bytes)).toThrow(/one of 128, 256/);
  });

  test('link counters know only so many ranges', () => {
    const ranges = Array.from({ length: 5 }, () => ({ base: 0n, limit: 1n }));
    expect(() => bench.links.setDataRanges(ranges)).toThrow(/4 data ranges/);
  });

  test.each<[string, (port: DevicePort) => Promise<unknown>]>([
    ['words of the media stream out of the endpoint of drive0', port => port.mediaOut.read(32)],
    ['room in the media stream into the endpoint of drive0', port => port.mediaIn.write(new Uint8Array(1 << 20))],
    ['a packet at the root port', () => bench.root.receive()],
    ['an interrupt of drive0', port => port.interrupt()],
  ])('software that waits in vain is told what for: %s', async (what, wait) => {
    const failed = bench.scheduler.run(() => wait(device(bench)));
    await expect(failed).rejects.toThrow(StalledError);
    await expect(failed).rejects.toThrow(what);
  });
});

test.each([64, 128, 512])('a fabric of %d bits moves media, BAR memory and packets as well', async width => {
  using bench = await create({ width });
  const port = device(bench);
  const bytes = new Random(width).bytes(1000);
  await bench.scheduler.run(async () => {
    const cpu = host(bench);
    await cpu.boot();
    await enable(port, 'fill');
    await runEngine(port, 'fill', { offset: 512, length: bytes.length });
    await port.mediaIn.write(bytes);
    await ended(port, 'fill');
    expect(await cpu.read(bar2 + 512n + 100n, 100)).toEqual(bytes.slice(100, 200));
    await runEngine(port, 'drain', { offset: 512, length: 77 });
    expect(await port.mediaOut.read(77)).toEqual(bytes.slice(0, 77));
  });
});
