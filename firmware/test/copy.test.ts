import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BlockDriver, copyFile, type Flow, readDrive, userDataRanges } from '../host/src/index.ts';
import { at, type Bench, bench, drives, FragileBacking, randomBytes } from './bench.ts';

const MiB = 1 << 20;
const capacity = 2 * MiB;
const flows: readonly Flow[] = ['peer-write', 'peer-read', 'host-memory'];
const original = randomBytes(capacity, 11);
const media = [original.slice(), new Uint8Array(capacity)] as const;
const drive0and1 = media.map(bytes => new FragileBacking(bytes));
let on: Bench;
let source: BlockDriver;
let target: BlockDriver;
beforeAll(async () => {
  on = await bench();
  const all = await drives(on, drive0and1);
  source = at(all, 0);
  target = at(all, 1);
  on.testbench.links.setDataRanges(userDataRanges(on.host, all));
});
afterAll(() => on.testbench[Symbol.dispose]());
const run = <T>(main: () => Promise<T>) => on.testbench.scheduler.run(main);

/** User data bytes of the links since `clear`, each down and up. */
async function linkBytes(): Promise<{ [link: string]: readonly number[] }> {
  await on.testbench.scheduler.delay(50);
  const entries = on.testbench.links.snapshot().map(({ link, down, up }) => [link, [down.data_bytes, up.data_bytes]] as const);
  return Object.fromEntries(entries);
}

test.each(flows)('%s copies files of any length, byte for byte, over the links that it should use', flow =>
  run(async () => {
    for (const length of [1, 31, 511, 4095, 4096, 4097, 70_001, MiB + 3]) {
      media[1].fill(0xa5);
      on.testbench.links.clear();
      await copyFile({ source, target, length, flow });
      expect(Buffer.compare(media[1].subarray(0, length), original.subarray(0, length)), `${length} bytes`).toBe(0);
      expect(
        media[1].subarray(length).every(byte => byte === 0xa5),
        `behind ${length} bytes`,
      ).toBe(true);
      const root = flow === 'host-memory' ? length : 0;
      expect(await linkBytes()).toEqual({ root: [root, root], drive0: [0, length], drive1: [length, 0], spare0: [0, 0] });
    }
    expect(Buffer.compare(media[0], original)).toBe(0);
  }));

test.each([
  'peer-write',
  'peer-read',
] as const)('%s keeps the busy link busy: payload on more than 95 percent of the beats', flow =>
  run(async () => {
    on.testbench.links.clear();
    await copyFile({ source, target, length: MiB, flow });
    await on.testbench.scheduler.delay(50);
    const { up } = at(on.testbench.links.snapshot(), 1);
    expect(up.data_beats).toBe(MiB / 32);
    expect(up.data_beats / (up.last_data_cycle - up.first_data_cycle + 1)).toBeGreaterThan(0.95);
  }));

test('progress is told chunk by chunk, up to the length', () =>
  run(async () => {
    const seen: number[] = [];
    const onProgress = (done: number, length: number) => {
      expect(length).toBe(10_000);
      seen.push(done);
    };
    await copyFile({ source, target, length: 10_000, flow: 'peer-write', chunkBytes: 4096, onProgress });
    expect(seen).toEqual([4096, 8192, 10_000]);
  }));

test('a chunk that leaves room for one buffer only works as well', () =>
  run(async () => {
    media[1].fill(0);
    await copyFile({ source, target, length: MiB + 5, flow: 'peer-write', chunkBytes: 256 * 1024 });
    expect(Buffer.compare(media[1].subarray(0, MiB + 5), original.subarray(0, MiB + 5))).toBe(0);
  }));

test('a drive can be read back in order', () =>
  run(async () => {
    const parts: Uint8Array[] = [];
    const onChunk = (bytes: Uint8Array, offset: number) => {
      expect(offset).toBe(parts.reduce((sum, part) => sum + part.length, 0));
      parts.push(bytes);
    };
    await readDrive({ drive: source, length: 300_001, chunkBytes: 4096, onChunk });
    expect(Buffer.compare(Buffer.concat(parts), original.subarray(0, 300_001))).toBe(0);
  }));

test('what cannot be copied is told, and the buffers come back', () =>
  run(async () => {
    const free = on.host.data.available;
    const copy = { source, target, length: 1000, flow: 'host-memory' } as const;
    await expect(copyFile({ ...copy, length: capacity + 1 })).rejects.toThrow(
      /cannot move 2097153 bytes: drive0 has 2097152 bytes/,
    );
    await expect(copyFile({ ...copy, length: 0 })).rejects.toThrow(/at least 1 is moved/);
    await expect(copyFile({ ...copy, chunkBytes: 100 })).rejects.toThrow(/multiple of 32 bytes, not 100/);
    await expect(copyFile({ ...copy, flow: 'peer-write', chunkBytes: 512 * 1024 })).rejects.toThrow(
      /does not fit .* BAR memory of drive1/,
    );
    await expect(copyFile({ ...copy, chunkBytes: 2 ** 30 })).rejects.toThrow(/free bytes of host memory/);
    expect(on.host.data.available).toBe(free);
  }));

test.each(flows)('%s: an error of a drive ends the copy, and all works again when it is mended', flow =>
  run(async () => {
    const free = on.host.data.available;
    const copy = { source, target, length: 300_000, chunkBytes: 32_768, flow } as const;
    for (const drive of drive0and1) {
      drive.broken = true;
      drive.from = 150_000;
      let done = 0;
      const onProgress = (bytes: number) => {
        done = bytes;
      };
      await expect(copyFile({ ...copy, onProgress })).rejects.toThrow(/drive[01]: (READ|WRITE) .* media error/);
      expect(done).toBeLessThan(300_000);
      drive.broken = false;
    }
    media[1].fill(0);
    await copyFile(copy);
    expect(Buffer.compare(media[1].subarray(0, 300_000), original.subarray(0, 300_000))).toBe(0);
    expect(on.host.data.available).toBe(free);
  }));

test('a peer read that the source does not answer ends with an error', () =>
  run(async () => {
    // Without memory space the source's BAR memory is nobody's.
    await on.host.config.write(source.device.bdf, 4, 0b100, 0b0011);
    await expect(target.write(0, 4096, source.memory?.base ?? 0n)).rejects.toThrow(/drive1: WRITE .* DMA error/);
    await on.host.config.write(source.device.bdf, 4, 0b110, 0b0011);
    await target.write(0, 4096, source.memory?.base ?? 0n);
  }));
