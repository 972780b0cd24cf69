import { expect, test } from 'vitest';
import { MemoryBacking } from '../device/src/backing.ts';
import { NvmeError } from '../host/src/nvme/index.ts';
import type { AddressRange } from '../host/src/pci-function.ts';
import { Computer, random } from './nvme-computer.ts';

test('the driver finds what the controller is', () => {
  const on = new Computer({
    capacity: 3 << 20,
    firmware: { serial: 'S1', namespaces: [{ bytes: 1 << 20 }, { bytes: 2 << 20, blockBytes: 4096 }] },
  });
  return on.run(async () => {
    const driver = await on.probe({ queues: 4 });
    expect(driver.identity).toMatchObject({ serial: 'S1', namespaces: 2, version: 0x1_0400, totalCapacity: 3n << 20n });
    expect(driver.namespaces.map(({ id, blocks, blockBytes }) => [id, blocks, blockBytes])).toEqual([
      [1, 2048, 512],
      [2, 512, 4096],
    ]);
    expect(driver.queueCount).toBe(4);
    expect(driver.maxTransfer).toBe(128 * 1024);
    expect(driver.memoryBuffer).toBeUndefined();
  });
});

test('more queues are asked for than there are', () => {
  const on = new Computer({ hardware: { doorbells: 6, vectors: 2 } });
  return on.run(async () => {
    const driver = await on.probe({ queues: 8 });
    expect(driver.queueCount).toBe(2);
    const buffer = on.buffer(new Uint8Array(512).fill(3));
    for (const queue of [0, 1]) await driver.namespaces[0]?.write(queue, [buffer], { queue });
    await expect(driver.namespaces[0]?.write(9, [buffer], { queue: 5 })).rejects.toThrow('has no such queue');
  });
});

test('doorbells with a larger stride', () => {
  const on = new Computer({ hardware: { doorbellStride: 32 } });
  return on.run(async () => {
    const driver = await on.probe({ queues: 3 });
    for (let queue = 0; queue < 3; queue++) await driver.namespaces[0]?.flush({ queue });
  });
});

test('transfers beyond the largest one are split, and lists of pages chained', () => {
  const on = new Computer({ capacity: 8 << 20, firmware: { maxTransfer: 0 } });
  const split = new Computer({ capacity: 8 << 20 });
  const data = random(5).bytes((4 << 20) + 4096);
  return Promise.all(
    [on, split].map(computer =>
      computer.run(async () => {
        const driver = await computer.probe();
        const buffer = computer.buffer(data);
        await driver.namespaces[0]?.write(3, [buffer]);
        const stored = new Uint8Array(data.length);
        computer.media.read(3 * 512, stored);
        expect(Buffer.compare(stored, data)).toBe(0);
        computer.memory.write(buffer.base, new Uint8Array(data.length));
        await driver.namespaces[0]?.read(3, [buffer]);
        expect(Buffer.compare(computer.content([buffer]), data)).toBe(0);
      }),
    ),
  );
});

/** Cuts `bytes` into ranges that lie anywhere in memory, whole pages for PRPs, anything for SGLs; `areas` gets what is to be released. */
function scattered(
  on: Computer,
  bytes: number,
  pages: boolean,
  { below }: ReturnType<typeof random>,
  areas: AddressRange[],
): AddressRange[] {
  const ranges: AddressRange[] = [];
  const start = pages ? 4 * below(1024) : below(4096);
  for (let left = bytes; left > 0; ) {
    const first = ranges.length === 0;
    const room = pages ? (first ? 4096 - start : 4096 * (1 + below(3))) : 1 + below(3000);
    const size = Math.min(room, left);
    const skip = first ? start : pages ? 0 : below(8);
    const area = on.pool.allocate(skip + size, 4096);
    areas.push(area);
    ranges.push({ base: area.base + BigInt(skip), bytes: BigInt(size) });
    left -= size;
  }
  return ranges;
}

for (const seed of [1, 2, 3])
  test(`random I/O against a model, seed ${seed}`, () => {
    const dice = random(seed);
    const { below, bytes, pick } = dice;
    const blockBytes = pick([512, 4096]);
    const capacity = 1 << 20;
    const blocks = capacity / blockBytes;
    const media = new MemoryBacking(bytes(capacity));
    const model = media.bytes.slice();
    const on = new Computer({
      media,
      hardware: { latency: () => 1 + below(40) },
      firmware: { namespaces: [{ bytes: capacity, blockBytes }], commands: pick([2, 8, 64]) },
    });
    return on.run(async () => {
      const driver = await on.probe({ queues: 3, entries: pick([4, 16]) });
      const [namespace] = driver.namespaces;
      if (!namespace) throw new Error('there is no namespace');
      for (let round = 0; round < 12; round++) {
        const areas: AddressRange[] = [];
        /** Blocks of the round are apart, so that the model knows what each command finds. */
        const stripe = Math.floor(blocks / 20);
        const commands = Array.from({ length: 20 }, async (_, i) => {
          const start = i * stripe + below(stripe / 2);
          const count = 1 + below(stripe / 2);
          const [from, size] = [start * blockBytes, count * blockBytes];
          const kind = below(8);
          if (kind === 0) {
            model.fill(0, from, from + size);
            return namespace.writeZeroes({ start, count });
          }
          if (kind === 1) {
            model.fill(0, from, from + size);
            return namespace.trim([{ start, count }]);
          }
          if (kind === 2) return namespace.flush();
          const ranges = scattered(on, size, below(2) === 0, dice, areas);
          const data = kind < 5 ? bytes(size) : model.slice(from, from + size);
          let at = 0;
          for (const range of ranges) {
            const part = data.subarray(at, at + Number(range.bytes));
            on.memory.write(range.base, kind === 7 ? new Uint8Array(part.length) : part);
            at += part.length;
          }
          if (kind < 5) {
            model.set(data, from);
            return namespace.write(start, ranges, { forceUnitAccess: kind === 3 });
          }
          if (kind < 7) return namespace.compare(start, ranges);
          await namespace.read(start, ranges);
          expect(Buffer.compare(on.content(ranges), data)).toBe(0);
        });
        await Promise.all(commands);
        expect(Buffer.compare(media.bytes, model)).toBe(0);
        for (const area of areas) on.pool.release(area);
      }
      expect(driver.statistics).toEqual({ lostInterrupts: 0, aborts: 0, resets: 0, retries: 0 });
    });
  });

test('errors come back as such, and leave the driver alive', () => {
  const on = new Computer();
  return on.run(async () => {
    const driver = await on.probe();
    const [namespace] = driver.namespaces;
    const buffer = on.buffer(new Uint8Array(1024).fill(7));
    await expect(namespace?.read(2047, [buffer])).rejects.toThrow(
      'nvme0: Read of 2 blocks at 2047 of namespace 1 failed: LBA out of range',
    );
    await expect(namespace?.compare(0, [buffer])).rejects.toThrow(NvmeError);
    await expect(namespace?.read(0, [{ base: buffer.base, bytes: 700n }])).rejects.toThrow('has blocks of 512 bytes');
    on.hardware.refuse = address => address === buffer.base;
    await expect(namespace?.read(0, [buffer])).rejects.toThrow('data transfer error');
    expect(driver.statistics.retries).toBe(2);
    on.hardware.refuse = () => false;
    await namespace?.write(0, [buffer]);
    await namespace?.compare(0, [buffer]);
  });
});

test('PRPs refuse what only SGLs can say', () => {
  const on = new Computer();
  return on.run(async () => {
    const driver = await on.probe({ pointers: 'prp' });
    const buffer = on.buffer(new Uint8Array(4096));
    const halves = [
      { base: buffer.base + 1n, bytes: 511n },
      { base: buffer.base + 1000n, bytes: 1n },
    ];
    await expect(driver.namespaces[0]?.write(0, halves)).rejects.toThrow('use SGLs');
    // The first part does not end with its page.
    const short = [
      { base: buffer.base, bytes: 512n },
      { base: buffer.base + 4096n, bytes: 512n },
    ];
    await expect(driver.namespaces[0]?.write(0, short)).rejects.toThrow('use SGLs');
  });
});
