import { expect, test } from 'vitest';
import { type RawCompletion, RawHost } from './nvme-raw-host.ts';

/** Queues, events and aborts of the controller, seen by a host that knows only the specification. */

const started = async (host: RawHost) => {
  await host.enable();
  await host.createPair();
};
const block = (opcode: number, lba: number) => [opcode, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, lba, 0, 0];

test('a completion queue that is full holds the controller up, and nothing is lost (4.1)', () => {
  const host = new RawHost();
  return host.run(async () => {
    await host.enable();
    // A completion queue of 4 entries, 3 of which can be used, for a submission queue of 16.
    expect(await host.admin([0x05, 0, 0, 0, 0, 0, 0x5000, 0, 0, 0, (3 << 16) | 1, (1 << 16) | 3])).toBe(0);
    expect(await host.admin([0x01, 0, 0, 0, 0, 0, 0x4000, 0, 0, 0, (15 << 16) | 1, (1 << 16) | 1])).toBe(0);
    host.queue(1, 0x4000, 0x5000, 16);
    for (let i = 0; i < 15; i++) host.lay(1, [0x00, 1]);
    host.ring(1);
    await host.scheduler.delay(500);
    const entries = () => [0, 1, 2, 3].map(i => host.memory.bytes[0x5000 + 16 * i + 14]);
    expect(entries()).toEqual([1, 1, 1, 0]);
    let seen = 0;
    const phaseAt = (n: number) => 1 - (Math.floor(n / 4) & 1);
    while (seen < 15) {
      await host.until(() => ((host.memory.bytes[0x5000 + 16 * (seen % 4) + 14] ?? 0) & 1) === phaseAt(seen));
      seen++;
      host.hardware.hostWrite(0x100c, seen % 4);
    }
    expect(seen).toBe(15);
  });
});

test('deleting a submission queue ends its commands first, and the completion queue can go then (5.5, 5.6)', () => {
  const host = new RawHost({ latency: () => 30 });
  return host.run(async () => {
    await started(host);
    const identifiers = Array.from({ length: 8 }, (_, i) => host.lay(1, block(0x02, i)));
    host.ring(1);
    await host.scheduler.delay(40);
    const deleted = host.command(0, [0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    const first = await Promise.race([deleted, host.completion(1).then(() => 'a read')]);
    expect(first).toBe('a read');
    expect((await deleted).status).toBe(0);
    // All entries are there when the deletion is.
    const there = Array.from({ length: 8 }, (_, i) => host.memory.bytes[0x5000 + 16 * i + 14]);
    expect(there).toEqual(identifiers.map(() => 1));
    expect(await host.admin([0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])).toBe(0);
    host.memory.bytes.fill(0, 0x5000, 0x6000);
    await host.createPair();
    expect((await host.command(1, [0x00, 1])).status).toBe(0);
  });
});

test('a submission queue whose completion queue is full can be deleted', () => {
  const host = new RawHost();
  return host.run(async () => {
    await host.enable();
    expect(await host.admin([0x05, 0, 0, 0, 0, 0, 0x5000, 0, 0, 0, (1 << 16) | 1, 1])).toBe(0);
    expect(await host.admin([0x01, 0, 0, 0, 0, 0, 0x4000, 0, 0, 0, (15 << 16) | 1, (1 << 16) | 1])).toBe(0);
    host.queue(1, 0x4000, 0x5000, 16);
    for (let i = 0; i < 9; i++) host.lay(1, [0x00, 1]);
    host.ring(1);
    expect(await host.admin([0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])).toBe(0);
    expect(await host.admin([0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])).toBe(0);
  });
});

test('queues take turns: a burst each (4.13.1)', () => {
  const host = new RawHost({ latency: () => 1, firmware: { commands: 1 } });
  return host.run(async () => {
    await host.enable();
    for (const id of [1, 2]) {
      expect(await host.admin([0x05, 0, 0, 0, 0, 0, 0x5000 + 0x2000 * id, 0, 0, 0, (63 << 16) | id, 1])).toBe(0);
      expect(await host.admin([0x01, 0, 0, 0, 0, 0, 0x4000 + 0x2000 * id, 0, 0, 0, (63 << 16) | id, (id << 16) | 1])).toBe(0);
      host.queue(id, 0x4000 + 0x2000 * id, 0x5000 + 0x2000 * id, 64);
      for (let i = 0; i < 40; i++) host.lay(id, block(0x02, i));
    }
    host.ring(1);
    host.ring(2);
    for (const id of [1, 2]) for (let i = 0; i < 20; i++) await host.completion(id);
    const fetched = host.hardware.requests.filter(
      ({ kind, address }) => kind === 'read' && address >= 0x6000n && address < 0xa000n,
    );
    const order = fetched.map(({ address }) => (address < 0x8000n ? 1 : 2)).slice(2, 22);
    expect(order.filter(id => id === 1)).toHaveLength(10);
  });
});

test('doorbells that make no sense are told as events, once, until the log page was read (5.2.1)', () => {
  const host = new RawHost();
  const { hardware } = host;
  return host.run(async () => {
    await started(host);
    const event = () => {
      host.lay(0, [0x0c]);
      host.ring(0);
      return host.completion(0);
    };
    // Tail beyond the queue: type 0, information 1, log page 1.
    hardware.hostWrite(0x1008, 16);
    expect((await event()).result).toBe(0x0001_0100);
    // More of it waits until the log page was read.
    hardware.hostWrite(0x1008, 200);
    hardware.hostWrite(0x1000 + 8 * 9, 1);
    const waiting = event();
    expect(await Promise.race([waiting, host.scheduler.delay(200)])).toBeUndefined();
    // Reading with RAE does not help.
    const read = (retain: number) => {
      host.lay(0, [0x02, 0, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, (15 << 16) | (retain << 15) | 1]);
      host.ring(0);
    };
    read(1);
    expect((await waiting).result).toBe(0);
    const next = host.completion(0);
    expect(await Promise.race([next, host.scheduler.delay(200)])).toBeUndefined();
    read(0);
    const both = [(await next).result, (await host.completion(0)).result].sort();
    expect(both).toEqual([0, 0x0001_0100]);
    // A doorbell of no queue: information 0. A head beyond what there is: information 1.
    read(0);
    await host.completion(0);
    expect((await event()).result).toBe(0x0001_0000);
    read(0);
    await host.completion(0);
    hardware.hostWrite(0x100c, 5);
    expect((await event()).result).toBe(0x0001_0100);
    // None of it had another effect.
    expect((await host.command(1, [0x00, 1])).status).toBe(0);
  });
});

test('event requests: the limit, a temperature, and an abort (5.1, 5.2, 5.21.1.4)', () => {
  const host = new RawHost({ firmware: { temperature: 300 } });
  return host.run(async () => {
    await host.enable();
    const identifiers = Array.from({ length: 4 }, () => host.lay(0, [0x0c]));
    host.ring(0);
    expect(await host.admin([0x0c])).toBe(0x105);
    // Asks for health events; then a threshold of 299 K makes one: type 1, information 1, log page 2.
    expect(await host.admin([0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b, 0x1f])).toBe(0);
    host.lay(0, [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x04, 299]);
    host.ring(0);
    const ended = [await host.completion(0), await host.completion(0)].sort((a, b) => b.result - a.result);
    expect(ended[0]).toMatchObject({ result: 0x0002_0101, identifier: identifiers[0], status: 0 });
    expect(await host.admin([0x02, 0, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, (127 << 16) | 2])).toBe(0);
    expect(host.memory.bytes[0x2_0000]).toBe(2);
    // Abort of the second request: it ends with 007, the abort says yes; again, it says no.
    host.lay(0, [0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, ((identifiers[1] ?? 0) << 16) >>> 0]);
    host.ring(0);
    const aborted = [await host.completion(0), await host.completion(0)];
    expect(aborted.map(({ identifier, status }) => [identifier === identifiers[1], status]).sort()).toEqual([
      [false, 0],
      [true, 0x007],
    ]);
    const again = await host.command(0, [0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, ((identifiers[1] ?? 0) << 16) >>> 0]);
    expect([again.status, again.result]).toEqual([0, 1]);
  });
});

test('an I/O command that is aborted stops between two parts of its data (5.1)', () => {
  const host = new RawHost({ latency: () => 20 });
  return host.run(async () => {
    await started(host);
    // 31 pages that do not continue each other.
    const view = new DataView(host.memory.bytes.buffer, 0x3_0000);
    for (let i = 0; i < 31; i++) view.setBigUint64(8 * i, BigInt(0x8_0000 - 0x2000 * i), true);
    const identifier = host.lay(1, [0x01, 1, 0, 0, 0, 0, 0x2_0000, 0, 0x3_0000, 0, 0, 0, 255]);
    host.ring(1);
    await host.scheduler.delay(150);
    const completions: RawCompletion[] = [];
    const io = host.completion(1).then(each => completions.push(each));
    const admin = await host.command(0, [0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, ((identifier << 16) | 1) >>> 0]);
    expect([admin.status, admin.result]).toEqual([0, 0]);
    await io;
    expect(completions[0]).toMatchObject({ status: 0x007, doNotRetry: 0 });
    const pages = host.hardware.requests.filter(({ bytes }) => bytes === 4096).length;
    expect(pages).toBeGreaterThan(1);
    expect(pages).toBeLessThan(20);
  });
});

test('write cache: a flush, FUA and a cache that is off reach the media (5.21.1.6, 6.8, 6.15)', () => {
  let flushes = 0;
  const bytes = new Uint8Array(1 << 16);
  const media = {
    capacity: bytes.length,
    read: (offset: number, target: Uint8Array) => target.set(bytes.subarray(offset, offset + target.length)),
    write: (offset: number, source: Uint8Array) => bytes.set(source, offset),
    flush: () => {
      flushes++;
    },
  };
  const host = new RawHost({ media });
  return host.run(async () => {
    await started(host);
    await host.command(1, block(0x01, 0));
    expect(flushes).toBe(0);
    await host.command(1, [0x00, 1]);
    expect(flushes).toBe(1);
    await host.command(1, [...block(0x01, 0).slice(0, 12), 0x4000_0000]);
    expect(flushes).toBe(2);
    expect(await host.admin([0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x06, 0])).toBe(0);
    await host.command(1, block(0x01, 0));
    expect(flushes).toBe(3);
  });
});
