import { expect, test } from 'vitest';
import type { BufferProvider } from '../host/src/nvme/index.ts';
import { MemoryBufferUse } from '../nvme/registers.ts';
import { Computer, random } from './nvme-computer.ts';
import { RawHost } from './nvme-raw-host.ts';

const bufferBytes = 256 * 1024;

test('B-15: CMBLOC and CMBSZ show after CRE only, and CMSE sets the memory space (3.1.11, 3.1.12, 3.1.16)', () => {
  const host = new RawHost({ bufferBytes });
  const { hardware } = host;
  return host.run(async () => {
    await host.enable();
    expect([hardware.hostRead(0x38), hardware.hostRead(0x3c)]).toEqual([0, 0]);
    hardware.hostWrite(0x50, 1);
    await host.until(() => hardware.hostRead(0x3c) !== 0);
    // 64 units of 4 KiB for all five uses; BAR 2 from 4 KiB on; CDPMLS, CDPCILS, CDMMMS.
    expect(hardware.hostRead(0x3c)).toBe((64 << 12) | 0x1f);
    expect(hardware.hostRead(0x38)).toBe((1 << 12) | 0xe2);
    // A base from which the buffer would pass the end of all addresses is invalid: CMBSTS.CBAI.
    hardware.hostWrite(0x54, 0xffff_ffff);
    hardware.hostWrite(0x50, 0xffff_f003);
    await host.until(() => hardware.hostRead(0x58) === 1);
    hardware.hostWrite(0x54, 0x40);
    hardware.hostWrite(0x50, 0x1003);
    await host.until(() => hardware.hostRead(0x58) === 0);
    // CMBMSC stays over a controller reset, and over one of the function (7.3.2).
    hardware.hostWrite(0x14, 0);
    await host.until(() => hardware.hostRead(0x1c) === 0);
    expect([hardware.hostRead(0x50), hardware.hostRead(0x54)]).toEqual([0x1003, 0x40]);
    hardware.resetFunction();
    await host.scheduler.delay(50);
    expect([hardware.hostRead(0x50), hardware.hostRead(0x3c)]).toEqual([0x1003, (64 << 12) | 0x1f]);
    hardware.hostWrite(0x50, 0);
    await host.until(() => hardware.hostRead(0x3c) === 0);
    expect(hardware.hostRead(0x38)).toBe(0);
  });
});

test('B-16: data, lists and segments in the own memory move inside, also mixed with host memory', () => {
  const on = new Computer({ hardware: { bufferBytes } });
  return on.run(async () => {
    const driver = await on.probe({ queuesInController: false, pointers: 'prp' });
    const [namespace] = driver.namespaces;
    const { memoryBuffer } = driver;
    const own = memoryBuffer?.allocate(65_536);
    if (!namespace || !own) throw new Error('there is no namespace, or no memory buffer');
    const data = random(1).bytes(65_536);
    const inside = { base: own.bus, bytes: own.bytes };
    on.hardware.bar2?.write(own.bus, data);
    const before = on.hardware.requests.length;
    await namespace.write(7, [inside]);
    // The command is fetched, its list of pages is read, its completion written: nothing else leaves.
    const left = on.hardware.requests.slice(before).map(({ kind, bytes }) => [kind, bytes]);
    expect(left).toEqual([
      ['read', 64],
      ['read', 15 * 8],
      ['write', 16],
    ]);
    const stored = new Uint8Array(65_536);
    on.media.read(7 * 512, stored);
    expect(Buffer.compare(stored, data)).toBe(0);
    on.hardware.bar2?.write(own.bus, new Uint8Array(65_536));
    await namespace.read(7, [inside]);
    expect(Buffer.compare(on.content([inside]), data)).toBe(0);
    // B-14: one command for both memories.
    const outside = on.buffer(new Uint8Array(8192));
    const mixed = [
      { base: own.bus + 4096n, bytes: 4096n },
      { base: outside.base, bytes: 8192n },
      { base: own.bus + 16_384n, bytes: 4096n },
    ];
    for (const pointers of ['prp', 'sgl'] as const) {
      const again = await on.probe({ pointers, queuesInController: false });
      on.hardware.requests.length = 0;
      await again.namespaces[0]?.read(100, mixed);
      on.media.read(100 * 512, stored);
      expect(Buffer.compare(on.content(mixed), stored.subarray(0, 16_384))).toBe(0);
      const moved = on.hardware.requests.filter(({ bytes }) => bytes >= 4096);
      expect(moved).toEqual([{ kind: 'write', address: outside.base, bytes: 8192 }]);
    }
  });
});

test('B-17: submission queues in the own memory are never fetched over the link', () => {
  const on = new Computer({ hardware: { bufferBytes } });
  return on.run(async () => {
    const driver = await on.probe({ queues: 4, entries: 1024 });
    // 64 KiB each: 1,024 entries.
    expect(driver.queuesInController).toBe(4);
    const [namespace] = driver.namespaces;
    const buffer = on.buffer(random(2).bytes(4096));
    on.hardware.requests.length = 0;
    for (let i = 0; i < 8; i++) await namespace?.write(8 * i, [buffer]);
    expect(on.hardware.requests.filter(({ kind, bytes }) => kind === 'read' && bytes < 4096)).toEqual([]);
    for (let i = 0; i < 8; i++) await namespace?.compare(8 * i, [buffer]);
  });
});

test('B-17: queues shrink to the room that there is, and below 64 entries stay in host memory', () => {
  const cases = [
    { bytes: 32_768, queues: 2, entries: 1024, inside: 2, outstanding: 256 },
    { bytes: 16_384, queues: 4, entries: 1024, inside: 4, outstanding: 64 },
    { bytes: 8192, queues: 4, entries: 1024, inside: 0, outstanding: 1024 },
    { bytes: 8192, queues: 2, entries: 16, inside: 2, outstanding: 16 },
  ];
  return Promise.all(
    cases.map(({ bytes, queues, entries, inside }) => {
      const on = new Computer({ hardware: { bufferBytes: bytes } });
      return on.run(async () => {
        const driver = await on.probe({ queues, entries });
        expect([bytes, driver.queuesInController]).toEqual([bytes, inside]);
        const buffer = on.buffer(new Uint8Array(512).fill(9));
        await Promise.all(Array.from({ length: 300 }, (_, i) => driver.namespaces[0]?.write(i, [buffer])));
        await driver.namespaces[0]?.compare(299, [buffer]);
      });
    }),
  );
});

test('the provider gets the memory, and one that does not take it leaves the buffer off', () => {
  const on = new Computer({ hardware: { bufferBytes } });
  const calls: unknown[][] = [];
  const provider = (fails: boolean): BufferProvider => ({
    addResource(...args) {
      calls.push(['add', ...args]);
      if (fails) throw new Error('no room');
    },
    publish: on => calls.push(['publish', on]),
    alloc: () => undefined,
    free() {},
  });
  return on.run(async () => {
    const driver = await on.probe({ provider: provider(false) });
    expect(calls).toEqual([
      ['add', 2, 4096n, BigInt(bufferBytes)],
      ['publish', true],
    ]);
    // Nothing to allocate: queues stay in host memory.
    expect(driver.queuesInController).toBe(0);
    expect(driver.memoryBuffer?.range).toEqual({ base: (on.hardware.bar2?.base ?? 0n) + 4096n, bytes: BigInt(bufferBytes) });
    const without = await on.probe({ provider: provider(true) });
    expect(without.memoryBuffer).toBeUndefined();
    expect(on.hardware.hostRead(0x50)).toBe(0);
    await without.namespaces[0]?.flush();
  });
});

test('memory for reads only is not published', () => {
  const on = new Computer({ hardware: { bufferBytes }, firmware: { bufferUses: MemoryBufferUse.readData } });
  return on.run(async () => {
    let published = false;
    const provider: BufferProvider = {
      addResource() {},
      publish() {
        published = true;
      },
      alloc: () => undefined,
      free() {},
    };
    const driver = await on.probe({ provider });
    expect([published, driver.memoryBuffer?.may('readData'), driver.memoryBuffer?.may('writeData')]).toEqual([
      false,
      true,
      false,
    ]);
  });
});

test('what the buffer does not allow, and what lies half in it, is an invalid use (4.7)', () => {
  const base = 0x40_0000_1000n;
  const statuses = (bufferUses: number) => {
    const host = new RawHost({ bufferBytes, firmware: { bufferUses } });
    return host.run(async () => {
      host.hardware.hostWrite(0x54, 0x40);
      host.hardware.hostWrite(0x50, 0x1003);
      await host.enable();
      await host.createPair();
      const low = Number(base & 0xffff_ffffn);
      const results = [
        await host.admin([0x05, 0, 0, 0, 0, 0, low, 0x40, 0, 0, (15 << 16) | 2, 1]),
        await host.admin([0x01, 0, 0, 0, 0, 0, low, 0x40, 0, 0, (15 << 16) | 2, (1 << 16) | 1]),
        (await host.command(1, [0x02, 1, 0, 0, 0, 0, low, 0x40, 0, 0, 0, 0, 0])).status,
        (await host.command(1, [0x01, 1, 0, 0, 0, 0, low, 0x40, 0, 0, 0, 0, 0])).status,
        // A list of pages, of zeros, in the buffer: the pages are at address 0 of host memory.
        (await host.command(1, [0x01, 1, 0, 0, 0, 0, 0x2_0000, 0, low + 0x1000, 0x40, 0, 0, 31])).status,
      ];
      return results;
    });
  };
  const { submissionQueues, completionQueues, lists, readData, writeData } = MemoryBufferUse;
  const wrong = 0x012;
  return Promise.all(
    (
      [
        [submissionQueues, [wrong, 0, wrong, wrong, wrong]],
        [completionQueues, [0, wrong, wrong, wrong, wrong]],
        [readData, [wrong, wrong, 0, wrong, wrong]],
        [writeData, [wrong, wrong, wrong, 0, wrong]],
        [lists, [wrong, wrong, wrong, wrong, 0]],
      ] as const
    ).map(async ([uses, expected]) => expect([uses, await statuses(uses)]).toEqual([uses, [...expected]])),
  );
});

test('a range that lies half in the buffer is an invalid use (4.7)', () => {
  const host = new RawHost({ bufferBytes });
  return host.run(async () => {
    host.hardware.hostWrite(0x54, 0x40);
    host.hardware.hostWrite(0x50, 0x1003);
    await host.enable();
    await host.createPair();
    const sgl = (low: number) => host.command(1, [0x4002, 1, 0, 0, 0, 0, low, 0x40, 1024, 0, 0, 0, 1]);
    expect((await sgl(0x1000 + bufferBytes - 1024)).status).toBe(0);
    expect((await sgl(0x1000 + bufferBytes - 512)).status).toBe(0x012);
    expect((await sgl(0x1000 - 512)).status).toBe(0x012);
    // The whole queue must fit.
    expect(await host.admin([0x05, 0, 0, 0, 0, 0, bufferBytes, 0x40, 0, 0, (511 << 16) | 2, 1])).toBe(0x012);
    // With the memory space off, the same address is one of the fabric, where nobody is.
    host.hardware.hostWrite(0x50, 0x1001);
    await host.scheduler.delay(10);
    expect((await sgl(0x1000)).status).toBe(0x004);
  });
});
