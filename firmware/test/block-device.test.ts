import { afterAll, beforeAll, expect, test } from 'vitest';
import { BlockDeviceFirmware, MemoryBacking } from '../device/src/index.ts';
import { BlockDriver, HostError } from '../host/src/index.ts';
import { at, type Bench, bench, drives, FragileBacking, randomBytes } from './bench.ts';

const capacity = 100_003;
const media = [randomBytes(capacity, 1), new Uint8Array(capacity)] as const;
let on: Bench;
let near: BlockDriver;
let far: BlockDriver;
beforeAll(async () => {
  on = await bench();
  const all = await drives(
    on,
    media.map(bytes => new MemoryBacking(bytes)),
  );
  near = at(all, 0);
  far = at(all, 1);
});
afterAll(() => on.testbench[Symbol.dispose]());
const run = <T>(main: () => Promise<T>) => on.testbench.scheduler.run(main);

const memoryOf = (drive: BlockDriver) => drive.memory?.base ?? 0n;

test('IDENTIFY tells capacity, BAR memory and alignment', () => {
  expect(near.identity).toEqual({ capacity: BigInt(capacity), memoryBytes: 1 << 20, alignment: 32 });
  expect(far.identity).toEqual({ capacity: BigInt(capacity), memoryBytes: 1 << 18, alignment: 32 });
});

test('READ to host memory and WRITE back, at any media offset and length', () =>
  run(async () => {
    const { host } = on;
    const buffer = host.data.allocate(64 * 1024, 4096);
    for (const [offset, bytes] of [
      [0, 1],
      [1, 31],
      [777, 33],
      [capacity - 5000, 5000],
    ] as const) {
      host.writeMemory(buffer.base, new Uint8Array(bytes + 64).fill(0xee));
      await near.read(offset, bytes, buffer.base);
      const got = host.readMemory(buffer.base, bytes + 64);
      expect(got.subarray(0, bytes)).toEqual(media[0].subarray(offset, offset + bytes));
      expect([...got.subarray(bytes)]).toEqual(Array(64).fill(0xee));

      media[1].fill(0x55);
      await far.write(offset, bytes, buffer.base);
      expect(media[1].subarray(offset, offset + bytes)).toEqual(media[0].subarray(offset, offset + bytes));
      expect(media[1].filter(byte => byte !== 0x55).length).toBeLessThanOrEqual(bytes);
      expect([...media[1].subarray(0, offset)].every(byte => byte === 0x55)).toBe(true);
    }
    host.data.release(buffer);
  }));

test('a read into the own BAR memory stays inside the drive, and a PUSH goes to the peer only', () =>
  run(async () => {
    const { links } = on.testbench;
    links.setDataRanges([{ base: memoryOf(near), limit: memoryOf(far) + (1n << 18n) }]);
    const bytes = () => new Map(links.snapshot().map(({ link, down, up }) => [link, [down.data_bytes, up.data_bytes]]));
    links.clear();
    await near.read(0, 5000, memoryOf(near) + 4096n);
    expect([...bytes().values()].flat().every(count => count === 0)).toBe(true);
    await near.push(4096, 5000, memoryOf(far) + 8192n);
    await on.testbench.scheduler.delay(50);
    expect(Object.fromEntries(bytes())).toEqual({ root: [0, 0], drive0: [0, 5000], drive1: [5000, 0], spare0: [0, 0] });
    media[1].fill(0);
    await far.write(3, 5000, memoryOf(far) + 8192n);
    expect(media[1].subarray(3, 5003)).toEqual(media[0].subarray(0, 5000));
  }));

test('many commands at once, more than slots, each with its own data', () =>
  run(async () => {
    const { host } = on;
    const size = 512;
    const buffer = host.data.allocate(40 * size, 4096);
    await Promise.all(Array.from({ length: 40 }, (_, i) => near.read(i * 700, size, buffer.base + BigInt(i * size))));
    for (let i = 0; i < 40; i++)
      expect(host.readMemory(buffer.base + BigInt(i * size), size)).toEqual(media[0].subarray(i * 700, i * 700 + size));
    host.data.release(buffer);
  }));

test('what a drive cannot do comes back as a status', () =>
  run(async () => {
    const { base } = on.host.data.range;
    const memory = memoryOf(near);
    const end = memory + (1n << 20n);
    await expect(near.read(capacity - 4, 5, base)).rejects.toThrow(
      /drive0: READ of 5 bytes at 99999.* failed: length 0, or beyond the end/,
    );
    await expect(near.read(0, 0, base)).rejects.toThrow(/length 0/);
    await expect(near.push((1 << 20) - 32, 64, memoryOf(far))).rejects.toThrow(/beyond the end/);
    await expect(near.write(0, 8, base + 8n)).rejects.toThrow(/not a multiple of the data width/);
    await expect(near.push(8, 32, memoryOf(far))).rejects.toThrow(/not a multiple/);
    await expect(near.read(0, 64, end - 32n)).rejects.toThrow(/conflicts with the device's own BAR memory/);
    await expect(near.push(0, 64, memory)).rejects.toThrow(/conflicts/);
    await expect(far.write(0, 100, 0xd000_0000n)).rejects.toThrow(HostError);
    await expect(far.write(0, 100, 0xd000_0000n)).rejects.toThrow(/drive1: WRITE .* DMA error/);
    await near.read(0, 64, base);
    expect(on.host.readMemory(base, 64)).toEqual(media[0].subarray(0, 64));
  }));

test('with bus mastering off a drive cannot answer, and the driver does not wait for ever', async () => {
  const other = await bench();
  using _ = other.testbench;
  const { scheduler } = other.testbench;
  BlockDeviceFirmware.start(scheduler, at(other.testbench.devices, 0), new MemoryBacking(new Uint8Array(64)));
  await scheduler.run(async () => {
    const device = at(other.endpoints, 0);
    await other.host.config.write(device.bdf, 4, 0b010, 0b0011);
    const probe = BlockDriver.probe(other.host, device, { name: 'mute', timeoutCycles: 5000 });
    await expect(probe).rejects.toThrow(/mute did not complete command 1 \(opcode 1\) in 5000 cycles: does its firmware run/);
  });
});

test('a run that an engine refuses leaves nothing behind in the media streams', async () => {
  const other = await bench();
  using _ = other.testbench;
  const { scheduler } = other.testbench;
  const backing = new MemoryBacking(randomBytes(8192, 4));
  BlockDeviceFirmware.start(scheduler, at(other.testbench.devices, 0), backing);
  await scheduler.run(async () => {
    const device = at(other.endpoints, 0);
    const drive = await BlockDriver.probe(other.host, device, { timeoutCycles: 5000 });
    const { base } = other.host.data.range;
    await other.host.config.write(device.bdf, 4, 0b010, 0b0011);
    await expect(drive.read(0, 64, base)).rejects.toThrow(/did not complete/);
    await expect(drive.write(0, 64, base)).rejects.toThrow(/did not complete/);
    await other.host.config.write(device.bdf, 4, 0b110, 0b0011);
    await drive.read(4096, 4096, base);
    expect(other.host.readMemory(base, 4096)).toEqual(backing.bytes.slice(4096));
    await drive.write(0, 4096, base);
    expect(backing.bytes.slice(0, 4096)).toEqual(backing.bytes.slice(4096));
  });
});

test('a medium that fails ends the command with its own status, and the next one works', async () => {
  const other = await bench();
  using _ = other.testbench;
  const backing = new FragileBacking(randomBytes(40_000, 9));
  const [drive] = await drives(other, [backing]);
  await other.testbench.scheduler.run(async () => {
    const { base } = other.host.data.range;
    backing.broken = true;
    await expect(drive?.read(0, 40_000, base)).rejects.toThrow(/media error/);
    await expect(drive?.write(0, 40_000, base)).rejects.toThrow(/media error/);
    backing.broken = false;
    await drive?.read(0, 40_000, base);
    expect(other.host.readMemory(base, 40_000)).toEqual(backing.bytes);
  });
});

test('what a command costs the processor shows in the cycles', async () => {
  const cycles = async (stepCycles: number) => {
    const other = await bench();
    using _ = other.testbench;
    const [drive] = await drives(other, [new MemoryBacking(new Uint8Array(64))], { stepCycles });
    const { scheduler } = other.testbench;
    const start = scheduler.now;
    await scheduler.run(async () => drive?.read(0, 64, other.host.data.range.base));
    return scheduler.now - start;
  };
  expect((await cycles(1020)) - (await cycles(20))).toBe(2000);
});
