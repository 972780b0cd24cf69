import { expect, test } from 'vitest';
import { Computer, random } from './nvme-computer.ts';
import { RawHost } from './nvme-raw-host.ts';

/** Commands that are under way at the same time, and what ends them. */

/** A host whose I/O queue pair 1 has commands that take long: 16 pages each, one request per page. */
async function busyHost(commands: number, opcode: number): Promise<RawHost> {
  const host = new RawHost({ latency: () => 30, capacity: 1 << 20 });
  host.media.write(0, random(9).bytes(1 << 20));
  await host.run(async () => {
    await host.enable();
    await host.createPair();
    host.memory.bytes.fill(0xee, 0x10_0000, 0x40_0000);
    const view = new DataView(host.memory.bytes.buffer);
    for (let i = 0; i < commands; i++) {
      const pageAt = (n: number) => 0x20_0000 + 0x2_0000 * i + 0x2000 * (15 - n);
      for (let n = 1; n < 16; n++) view.setBigUint64(0x3_0000 + 0x1000 * i + 8 * n - 8, BigInt(pageAt(n)), true);
      host.lay(1, [opcode, 1, 0, 0, 0, 0, pageAt(0), 0, 0x3_0000 + 0x1000 * i, 0, 128 * i, 0, 127]);
    }
    host.ring(1);
    await host.scheduler.delay(100);
  });
  return host;
}
const pages = (host: RawHost) => host.hardware.requests.filter(({ bytes }) => bytes === 4096).length;

test('a reset waits for requests under way, begins no others, and nothing moves after it (7.3.2)', async () => {
  for (const opcode of [0x01, 0x02]) {
    const host = await busyHost(6, opcode);
    await host.run(async () => {
      const { hardware } = host;
      hardware.hostWrite(0x14, 0);
      await host.until(() => hardware.hostRead(0x1c) === 0);
      const memory = host.memory.bytes.slice();
      const media = new Uint8Array(1 << 20);
      host.media.read(0, media);
      expect(pages(host)).toBeLessThan(30);
      await host.scheduler.delay(1000);
      const after = new Uint8Array(1 << 20);
      host.media.read(0, after);
      expect([Buffer.compare(host.memory.bytes, memory), Buffer.compare(after, media)]).toEqual([0, 0]);
      expect(host.memory.bytes[0x5000 + 14]).toBe(0);
    });
  }
});

test('the deletion of a submission queue waits for its commands (5.6)', async () => {
  const host = await busyHost(6, 0x02);
  await host.run(async () => {
    expect(await host.admin([0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])).toBe(0);
    expect(pages(host)).toBe(6 * 16);
    expect([0, 1, 2, 3, 4, 5].map(i => host.memory.bytes[0x5000 + 16 * i + 14])).toEqual([1, 1, 1, 1, 1, 1]);
  });
});

test('shutdown waits for commands, and for no others (7.6.2)', async () => {
  const host = await busyHost(6, 0x01);
  await host.run(async () => {
    host.hardware.hostWrite(0x14, 0x0046_4001);
    await host.until(() => (host.hardware.hostRead(0x1c) & 0xc) === 8);
    expect(pages(host)).toBe(6 * 16);
    for (let i = 0; i < 6; i++) expect((await host.completion(1)).status).toBe(0);
  });
});

test('a list that is exactly full ends with a page, not with a pointer (4.3)', () => {
  const host = new RawHost();
  const data = random(10).bytes(3 * 4096);
  return host.run(async () => {
    await host.enable();
    await host.createPair();
    const view = new DataView(host.memory.bytes.buffer);
    for (const [i, at] of [0x8_0000, 0x8_4000, 0x8_2000].entries()) {
      host.memory.bytes.set(data.subarray(4096 * i, 4096 * (i + 1)), at);
      if (i > 0) view.setBigUint64(0x3_0ff0 + 8 * (i - 1), BigInt(at), true);
    }
    expect((await host.command(1, [0x01, 1, 0, 0, 0, 0, 0x8_0000, 0, 0x3_0ff0, 0, 0, 0, 23])).status).toBe(0);
    const stored = new Uint8Array(data.length);
    host.media.read(0, stored);
    expect(Buffer.compare(stored, data)).toBe(0);
  });
});

for (const seed of [1, 2])
  test(`no block is seen or left half written (6.4.1), seed ${seed}`, () => {
    const { below } = random(seed);
    const on = new Computer({ hardware: { latency: () => 1 + below(30) } });
    return on.run(async () => {
      const driver = await on.probe({ queues: 2, pointers: 'sgl' });
      const [namespace] = driver.namespaces;
      if (!namespace) throw new Error('there is no namespace');
      /** Four blocks in pieces of 100 bytes, with gaps between them: many requests each. */
      const pieces = (index: number) => {
        const base = on.memory.base + BigInt(8 << 20) + BigInt(8192 * index);
        return Array.from({ length: 21 }, (_, i) => ({ base: base + BigInt(128 * i), bytes: i === 20 ? 48n : 100n }));
      };
      const uniform = (data: Uint8Array) =>
        [0, 1, 2, 3].every(block => new Set(data.subarray(512 * block, 512 * (block + 1))).size === 1);
      const commands = Array.from({ length: 40 }, async (_, i) => {
        const ranges = pieces(i);
        for (const { base, bytes } of ranges) on.memory.write(base, new Uint8Array(Number(bytes)).fill(i + 1));
        await on.scheduler.delay(below(400));
        if (i % 4 === 3) {
          await namespace.read(below(3), ranges);
          expect(uniform(on.content(ranges))).toBe(true);
        } else await namespace.write(below(3), ranges);
      });
      await Promise.all(commands);
      const stored = new Uint8Array(6 * 512);
      on.media.read(0, stored);
      expect(uniform(stored)).toBe(true);
    });
  });
