import { expect, test } from 'vitest';
import { RawHost } from './nvme-raw-host.ts';

/** What the controller reads and writes, byte by byte as the tables of NVMe 1.4 have it: nothing here goes through the project's encoders. */

const bytesAt = (host: RawHost, address: number, count: number) => [...host.memory.bytes.subarray(address, address + count)];
const text = (host: RawHost, address: number, count: number) => String.fromCharCode(...bytesAt(host, address, count));
const view = (host: RawHost, address: number) => new DataView(host.memory.bytes.buffer, address);
const pattern = (bytes: number, seed: number) =>
  Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8) * 31 + seed) & 0xff);

test('CAP and VS (3.1.1, 3.1.2)', () => {
  const host = new RawHost({ bufferBytes: 65_536, firmware: { maxEntries: 1024 } });
  return host.run(async () => {
    await host.until(() => host.hardware.hostRead(8) !== 0);
    // MQES 1023, CQR, TO 20; DSTRD 0, CSS bit 0 (37), MPSMIN 0, MPSMAX 4, CMBS (57).
    expect(host.hardware.hostRead(0)).toBe(0x1401_03ff);
    expect(host.hardware.hostRead(4)).toBe(0x0240_0020);
    expect(host.hardware.hostRead(8)).toBe(0x0001_0400);
    expect(host.hardware.hostRead(0x1c)).toBe(0);
    // The host cannot change them.
    for (const offset of [0, 4, 8, 0x1c, 0x38, 0x3c, 0x58]) {
      const before = host.hardware.hostRead(offset);
      host.hardware.hostWrite(offset, 0xffff_ffff);
      expect(host.hardware.hostRead(offset)).toBe(before);
    }
  });
});

test('Identify controller, namespace, list and descriptors (5.15)', () => {
  const host = new RawHost({
    capacity: 3 << 20,
    firmware: {
      serial: 'ABC',
      model: 'A model',
      vendor: 0x1234,
      namespaces: [{ bytes: 1 << 20 }, { bytes: 2 << 20, blockBytes: 4096 }],
    },
  });
  return host.run(async () => {
    await host.enable();
    // CNS 1, to 0x10000.
    expect(await host.admin([0x06, 0, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 1])).toBe(0);
    const at = 0x1_0000;
    expect(bytesAt(host, at, 4)).toEqual([0x34, 0x12, 0x34, 0x12]);
    expect(text(host, at + 4, 20)).toBe('ABC'.padEnd(20));
    expect(text(host, at + 24, 40)).toBe('A model'.padEnd(40));
    expect(text(host, at + 64, 8)).toBe('1.0     ');
    expect(bytesAt(host, at + 77, 1)).toEqual([5]); // MDTS
    expect(bytesAt(host, at + 80, 4)).toEqual([0, 4, 1, 0]); // VER
    expect(bytesAt(host, at + 111, 1)).toEqual([1]); // CNTRLTYPE
    expect(bytesAt(host, at + 256, 8)).toEqual([0, 0, 3, 3, 3, 6, 63, 0]); // OACS, ACL, AERL, FRMW, LPA, ELPE, NPSS
    expect(view(host, at).getUint16(266, true)).toBe(343); // WCTEMP
    expect(view(host, at).getBigUint64(280, true)).toBe(3n << 20n); // TNVMCAP
    expect(bytesAt(host, at + 512, 2)).toEqual([0x66, 0x44]); // SQES, CQES
    expect(view(host, at).getUint32(516, true)).toBe(2); // NN
    expect(bytesAt(host, at + 520, 6)).toEqual([0x1d, 0, 0, 0, 0, 7]); // ONCS, FUSES, FNA, VWC
    expect(view(host, at).getUint32(536, true)).toBe(0x0001_0001); // SGLS
    expect(text(host, at + 768, 8)).toBe('nqn.2026');

    // CNS 0, namespace 2, to a buffer that begins in the middle of a page: PRP1 0x11800, PRP2 0x13000.
    expect(await host.admin([0x06, 2, 0, 0, 0, 0, 0x1_1800, 0, 0x1_3000, 0, 0])).toBe(0);
    expect(view(host, 0x1_1800).getBigUint64(0, true)).toBe(512n); // NSZE
    expect(view(host, 0x1_1800).getBigUint64(8, true)).toBe(512n); // NCAP
    expect(bytesAt(host, 0x1_1800 + 24, 3)).toEqual([0, 0, 0]); // NSFEAT, NLBAF, FLBAS
    expect(bytesAt(host, 0x1_1800 + 33, 1)).toEqual([0b01001]); // DLFEAT
    expect(bytesAt(host, 0x1_1800 + 128, 4)).toEqual([0, 0, 12, 0]); // LBAF0: MS 0, LBADS 12
    const eui64 = bytesAt(host, 0x1_1800 + 120, 8);
    const guid = bytesAt(host, 0x1_1800 + 104, 16);

    // CNS 2: active namespaces above 0, above 1, above 2.
    const lists = [];
    for (const above of [0, 1, 2]) {
      expect(await host.admin([0x06, above, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 2])).toBe(0);
      lists.push([0, 4, 8].map(offset => view(host, at).getUint32(offset, true)));
    }
    expect(lists).toEqual([
      [1, 2, 0],
      [2, 0, 0],
      [0, 0, 0],
    ]);

    // CNS 3, namespace 2: an EUI-64 of 8 bytes, an NGUID of 16, the end.
    expect(await host.admin([0x06, 2, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 3])).toBe(0);
    expect(bytesAt(host, at, 36)).toEqual([1, 8, 0, 0, ...eui64, 2, 16, 0, 0, ...guid, 0, 0, 0, 0]);
  });
});

test('completions: phase, head pointer, queue, interrupts by vector (4.6)', () => {
  const host = new RawHost();
  return host.run(async () => {
    const vectors: number[] = [];
    host.hardware.onInterrupt = vector => vectors.push(vector);
    await host.enable();
    await host.createPair();
    expect(vectors).toEqual([0, 0]);
    // 40 flushes through a queue of 16 entries: the phase turns over twice.
    for (let i = 1; i <= 40; i++) {
      const { head, queue, status } = await host.command(1, [0x00, 1]);
      expect({ head, queue, status }).toEqual({ head: i % 16, queue: 1, status: 0 });
    }
    expect(vectors.filter(vector => vector === 1)).toHaveLength(40);
  });
});

test('write and read with one entry, two, a list and chained lists (4.3, 6.9, 6.15)', () => {
  const host = new RawHost({ firmware: { maxTransfer: 0 }, capacity: 4 << 20 });
  return host.run(async () => {
    await host.enable();
    await host.createPair();
    const { bytes } = host.memory;
    const media = new Uint8Array(4 << 20);

    // Write 1 block at LBA 5 from 0x20004, inside one page: opcode 1, NSID 1, PRP1; CDW10 LBA, CDW12 NLB 0.
    bytes.set(pattern(512, 1), 0x2_0004);
    expect((await host.command(1, [0x01, 1, 0, 0, 0, 0, 0x2_0004, 0, 0, 0, 5, 0, 0])).status).toBe(0);
    host.media.read(5 * 512, media.subarray(0, 512));
    expect(media.subarray(0, 512)).toEqual(pattern(512, 1));

    // Read 8 blocks at LBA 2 to 0x21e00 and, behind the page, 0x30000.
    bytes.fill(0xee, 0x2_0000, 0x4_0000);
    host.media.write(1024, pattern(4096, 2));
    expect((await host.command(1, [0x02, 1, 0, 0, 0, 0, 0x2_1e00, 0, 0x3_0000, 0, 2, 0, 7])).status).toBe(0);
    expect(bytes.subarray(0x2_1e00, 0x2_2000)).toEqual(pattern(4096, 2).subarray(0, 512));
    expect(bytes.subarray(0x3_0000, 0x3_0e00)).toEqual(pattern(4096, 2).subarray(512));
    expect(bytesAt(host, 0x2_1dff, 1)).toEqual([0xee]);
    expect(bytesAt(host, 0x3_0e00, 1)).toEqual([0xee]);

    // Write 16 blocks (8 KiB) from 0x40800, with a list at 0x50008 of two entries: 0x43000 and 0x41000.
    const data = pattern(8192, 3);
    bytes.set(data.subarray(0, 2048), 0x4_0800);
    bytes.set(data.subarray(2048, 6144), 0x4_3000);
    bytes.set(data.subarray(6144), 0x4_1000);
    view(host, 0x5_0008).setBigUint64(0, 0x4_3000n, true);
    view(host, 0x5_0008).setBigUint64(8, 0x4_1000n, true);
    expect((await host.command(1, [0x01, 1, 0, 0, 0, 0, 0x4_0800, 0, 0x5_0008, 0, 100, 0, 15])).status).toBe(0);
    host.media.read(100 * 512, media.subarray(0, 8192));
    expect(media.subarray(0, 8192)).toEqual(data);

    // Write 520 pages, which lie in falling order: the first list, at 0x60fe0, has room for 3 entries and a pointer to a full one at 0x61000, whose last entry
    // points to the third, at 0x62000, with the last 5 entries.
    const blocks = 4160;
    const pages = blocks / 8;
    const pageAt = (i: number) => 0x30_0000 - 4096 * i;
    const large = pattern(4096 * pages, 4);
    for (let i = 0; i < pages; i++) bytes.set(large.subarray(4096 * i, 4096 * (i + 1)), pageAt(i));
    const slots = [0x6_0fe0, 0x6_0fe8, 0x6_0ff0];
    for (let i = 0; i < 511; i++) slots.push(0x6_1000 + 8 * i);
    for (let i = 0; i < 5; i++) slots.push(0x6_2000 + 8 * i);
    for (const [i, slot] of slots.entries()) view(host, slot).setBigUint64(0, BigInt(pageAt(i + 1)), true);
    view(host, 0x6_0ff8).setBigUint64(0, 0x6_1000n, true);
    view(host, 0x6_1ff8).setBigUint64(0, 0x6_2000n, true);
    const completion = await host.command(1, [0x01, 1, 0, 0, 0, 0, pageAt(0), 0, 0x6_0fe0, 0, 1000, 0, blocks - 1]);
    expect(completion.status).toBe(0);
    host.media.read(1000 * 512, media.subarray(0, large.length));
    expect(Buffer.compare(media.subarray(0, large.length), large)).toBe(0);
  });
});

test('SGL: a data block, a segment, a last segment, bit buckets (4.4)', () => {
  const host = new RawHost();
  return host.run(async () => {
    await host.enable();
    await host.createPair();
    const { bytes } = host.memory;
    const put = (at: number, address: number, length: number, identifier: number) => {
      const each = new DataView(bytes.buffer, at, 16);
      each.setBigUint64(0, BigInt(address), true);
      each.setUint32(8, length, true);
      each.setUint8(15, identifier);
    };
    const stored = new Uint8Array(1024);

    // PSDT 01 (DW0 bits 15:14); the descriptor in DW6 to DW9: address, length, type 0 in the upper half of its last byte.
    bytes.set(pattern(1024, 5), 0x2_0001);
    expect((await host.command(1, [0x4001, 1, 0, 0, 0, 0, 0x2_0001, 0, 1024, 0, 7, 0, 1])).status).toBe(0);
    host.media.read(7 * 512, stored);
    expect(stored).toEqual(pattern(1024, 5));

    // Read into: 100 bytes, then a segment whose descriptors are 24 dropped bytes, 400 bytes and a last segment with 500 bytes.
    put(0x3_0000, 0x2_1000, 100, 0x00);
    put(0x3_0010, 0x3_1000, 48, 0x20);
    put(0x3_1000, 0, 24, 0x10);
    put(0x3_1010, 0x2_2003, 400, 0x00);
    put(0x3_1020, 0x3_2000, 16, 0x30);
    put(0x3_2000, 0x2_3000, 500, 0x00);
    expect((await host.command(1, [0x4002, 1, 0, 0, 0, 0, 0x3_0000, 0, 32, 0x2000_0000, 7, 0, 1])).status).toBe(0);
    const got = [...bytesAt(host, 0x2_1000, 100), ...bytesAt(host, 0x2_2003, 400), ...bytesAt(host, 0x2_3000, 500)];
    expect(got).toEqual([...stored.subarray(0, 100), ...stored.subarray(124)]);
  });
});

test('Set and Get Features, log pages and Dataset Management (5.13, 5.14, 5.21, 6.7)', () => {
  const host = new RawHost();
  return host.run(async () => {
    await host.enable();
    // Number of Queues: 32 doorbells are 15 pairs beside the admin queues, counted from 0.
    expect((await host.command(0, [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x07, 0x0003_0003])).result).toBe(0x000e_000e);
    // Arbitration burst 1, read back; the default stays 3.
    expect((await host.command(0, [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 1])).status).toBe(0);
    expect((await host.command(0, [0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x001])).result).toBe(1);
    expect((await host.command(0, [0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x101])).result).toBe(3);
    expect((await host.command(0, [0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x301])).result).toBe(4);
    await host.createPair();
    host.media.write(0, pattern(4096, 6));
    // Deallocate LBA 1 (1 block) and LBA 4 (2 blocks): NR 1, AD.
    for (const [i, [blocks, start]] of [
      [1, 1],
      [2, 4],
    ].entries()) {
      view(host, 0x2_0000).setUint32(16 * i + 4, blocks ?? 0, true);
      view(host, 0x2_0000).setBigUint64(16 * i + 8, BigInt(start ?? 0), true);
    }
    expect((await host.command(1, [0x09, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 1, 4])).status).toBe(0);
    const expected = pattern(4096, 6).fill(0, 512, 1024).fill(0, 2048, 3072);
    const stored = new Uint8Array(4096);
    host.media.read(0, stored);
    expect(stored).toEqual(expected);
    // A read of 8 blocks, so that the health log counts it: 4096 bytes are one unit.
    expect((await host.command(1, [0x02, 1, 0, 0, 0, 0, 0x2_1000, 0, 0, 0, 0, 0, 7])).status).toBe(0);
    // SMART: LID 2, NUMD 127.
    expect(await host.admin([0x02, 0xffff_ffff, 0, 0, 0, 0, 0x2_2000, 0, 0, 0, (127 << 16) | 2])).toBe(0);
    expect(bytesAt(host, 0x2_2000, 4)).toEqual([0, 310 & 0xff, 310 >> 8, 100]);
    expect(view(host, 0x2_2000).getBigUint64(32, true)).toBe(1n);
    expect(view(host, 0x2_2000).getBigUint64(64, true)).toBe(1n);
    // The error log tells of a command that failed: opcode 0x7f on queue 1.
    const failed = await host.command(1, [0x7f, 1]);
    expect(failed).toMatchObject({ status: 0x001, more: 1, doNotRetry: 1 });
    expect(await host.admin([0x02, 0, 0, 0, 0, 0, 0x2_3000, 0, 0, 0, (15 << 16) | 1])).toBe(0);
    expect(view(host, 0x2_3000).getBigUint64(0, true)).toBe(1n);
    expect(bytesAt(host, 0x2_3008, 8)).toEqual([1, 0, failed.identifier & 0xff, failed.identifier >> 8, 0x02, 0xc0, 0, 0]);
    // Firmware slot: slot 1 is active.
    expect(await host.admin([0x02, 0, 0, 0, 0, 0, 0x2_3000, 0, 0, 0, (3 << 16) | 3])).toBe(0);
    expect(bytesAt(host, 0x2_3000, 1)).toEqual([1]);
    expect(text(host, 0x2_3008, 8)).toBe('1.0     ');
  });
});
