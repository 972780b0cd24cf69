import { expect, test } from 'vitest';
import { BackingError, MemoryBacking } from '../device/src/backing.ts';
import { RawHost } from './nvme-raw-host.ts';

/** Every way in which a command can be wrong, and the status that the specification gives it: status code type << 8 | status code. */

const started = async (host: RawHost) => {
  await host.enable();
  await host.createPair();
};

test('admin commands that are wrong', () => {
  const host = new RawHost({ bufferBytes: 1 << 20, firmware: { maxEntries: 64 } });
  return host.run(async () => {
    await started(host);
    const cases: readonly (readonly [what: string, status: number, dwords: readonly number[]])[] = [
      ['unknown opcode', 0x001, [0x7f]],
      ['an I/O opcode that is no admin one', 0x001, [0x03]],
      ['fused', 0x002, [0x106, 0, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 1]],
      ['SGL', 0x002, [0x4006, 0, 0, 0, 0, 0, 0x1_0000, 0, 4096, 0, 1]],
      ['Identify: unknown structure', 0x002, [0x06, 0, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x10]],
      ['Identify: namespace 0', 0x00b, [0x06, 0, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 0]],
      ['Identify: namespace beyond the last', 0x00b, [0x06, 2, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 0]],
      ['Identify: all namespaces', 0x00b, [0x06, 0xffff_ffff, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 0]],
      ['Identify: list above all namespaces', 0x00b, [0x06, 0xffff_fffe, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 2]],
      ['Identify: descriptors of no namespace', 0x00b, [0x06, 9, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 3]],
      ['Identify: PRP1 not at a DW', 0x013, [0x06, 0, 0, 0, 0, 0, 0x1_0002, 0, 0, 0, 1]],
      ['Identify: PRP2 inside a page', 0x013, [0x06, 0, 0, 0, 0, 0, 0x1_0800, 0, 0x2_0010, 0, 1]],
      ['Identify: nobody at the address', 0x004, [0x06, 0, 0, 0, 0, 0, 0, 0x99, 0, 0, 1]],
      ['Create CQ: identifier 0', 0x101, [0x05, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, 15 << 16, 1]],
      ['Create CQ: identifier in use', 0x101, [0x05, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, (15 << 16) | 1, 1]],
      ['Create CQ: identifier beyond the doorbells', 0x101, [0x05, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, (15 << 16) | 16, 1]],
      ['Create CQ: one entry', 0x102, [0x05, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, 2, 1]],
      ['Create CQ: more entries than MQES', 0x102, [0x05, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, (64 << 16) | 2, 1]],
      ['Create CQ: not contiguous', 0x002, [0x05, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, (15 << 16) | 2, 0]],
      ['Create CQ: inside a page', 0x013, [0x05, 0, 0, 0, 0, 0, 0x6010, 0, 0, 0, (15 << 16) | 2, 1]],
      ['Create CQ: vector that is not there', 0x108, [0x05, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, (15 << 16) | 2, (8 << 16) | 3]],
      ['Create SQ: identifier 0', 0x101, [0x01, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, 15 << 16, (1 << 16) | 1]],
      ['Create SQ: identifier in use', 0x101, [0x01, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, (15 << 16) | 1, (1 << 16) | 1]],
      ['Create SQ: for the admin CQ', 0x101, [0x01, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, (15 << 16) | 2, 1]],
      ['Create SQ: for a CQ beyond the doorbells', 0x101, [0x01, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, (15 << 16) | 2, (99 << 16) | 1]],
      ['Create SQ: for a CQ that is not there', 0x100, [0x01, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, (15 << 16) | 2, (5 << 16) | 1]],
      ['Create SQ: one entry', 0x102, [0x01, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, 2, (1 << 16) | 1]],
      ['Create SQ: not contiguous', 0x002, [0x01, 0, 0, 0, 0, 0, 0x6000, 0, 0, 0, (15 << 16) | 2, 1 << 16]],
      ['Create SQ: inside a page', 0x013, [0x01, 0, 0, 0, 0, 0, 0x6400, 0, 0, 0, (15 << 16) | 2, (1 << 16) | 1]],
      ['Delete SQ 0', 0x101, [0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
      ['Delete SQ that is not there', 0x101, [0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]],
      ['Delete CQ 0', 0x101, [0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
      ['Delete CQ that is not there', 0x101, [0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]],
      ['Delete CQ that is used', 0x10c, [0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
      ['Get Features: unknown', 0x002, [0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x55]],
      ['Get Features: reserved selection', 0x002, [0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x401]],
      ['Get Features: error recovery of no namespace', 0x00b, [0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x05]],
      ['Get Features: vector that is not there', 0x002, [0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, 8]],
      ['Set Features: unknown', 0x002, [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x55]],
      ['Set Features: save', 0x10d, [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x8000_0001, 1]],
      ['Set Features: of a namespace', 0x10f, [0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 1]],
      ['Set Features: of a namespace that is not there', 0x00b, [0x09, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 1]],
      ['Set Features: power state 1', 0x002, [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 1]],
      ['Set Features: temperature sensor 5', 0x002, [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x04, 5 << 16]],
      ['Set Features: temperature threshold of a reserved type', 0x002, [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x04, 2 << 20]],
      ['Set Features: errors for deallocated blocks', 0x002, [0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x05, 1 << 16]],
      ['Set Features: number of queues while there are some', 0x00c, [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x07, 0]],
      ['Get Log Page: unknown', 0x109, [0x02, 0, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x70]],
      ['Get Log Page: of a namespace', 0x002, [0x02, 1, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x02]],
      ['Get Log Page: offset behind the end', 0x002, [0x02, 0, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x02, 0, 516]],
      ['Get Log Page: offset not at a DW', 0x002, [0x02, 0, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x02, 0, 2]],
      ['Get Log Page: more than the largest transfer', 0x002, [0x02, 0, 0, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x02, 1]],
    ];
    for (const [what, status, dwords] of cases)
      expect([what, (await host.admin(dwords)).toString(16)]).toEqual([what, status.toString(16)]);
    // Nothing of it did harm.
    expect((await host.command(1, [0x00, 1])).status).toBe(0);
  });
});

test('number of queues: all ones is no count (5.21.1.7)', () => {
  const host = new RawHost();
  return host.run(async () => {
    await host.enable();
    expect(await host.admin([0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x07, 0xffff])).toBe(0x002);
    expect(await host.admin([0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x07, 0xffff_0000])).toBe(0x002);
  });
});

test('entry sizes of I/O queues that CC does not have (3.1.5)', () => {
  const host = new RawHost();
  return host.run(async () => {
    await host.enable();
    host.hardware.hostWrite(0x14, 0x0000_0001);
    expect(await host.admin([0x05, 0, 0, 0, 0, 0, 0x5000, 0, 0, 0, (15 << 16) | 1, 1])).toBe(0x102);
    host.hardware.hostWrite(0x14, 0x0040_0001);
    expect(await host.admin([0x05, 0, 0, 0, 0, 0, 0x5000, 0, 0, 0, (15 << 16) | 1, 1])).toBe(0);
    expect(await host.admin([0x01, 0, 0, 0, 0, 0, 0x4000, 0, 0, 0, (15 << 16) | 1, (1 << 16) | 1])).toBe(0x102);
  });
});

test('I/O commands that are wrong', () => {
  const host = new RawHost({ capacity: 1 << 20 });
  return host.run(async () => {
    await started(host);
    const { bytes } = host.memory;
    const view = new DataView(bytes.buffer);
    // A list whose second entry is inside a page, and one that continues at such an address.
    view.setBigUint64(0x3_0000, 0x4_0000n, true);
    view.setBigUint64(0x3_0008, 0x4_1004n, true);
    view.setBigUint64(0x3_1ff8, 0x3_2008n, true);
    // Ranges of Dataset Management: one block too many.
    view.setUint32(0x3_3004, 1, true);
    view.setBigUint64(0x3_3008, 2048n, true);
    const cases: readonly (readonly [what: string, status: number, dwords: readonly number[]])[] = [
      ['unknown opcode', 0x001, [0x77, 1]],
      ['Write Uncorrectable, which is optional', 0x001, [0x04, 1]],
      ['fused', 0x002, [0x202, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 0, 0, 0]],
      ['reserved pointer kind', 0x002, [0xc002, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 0, 0, 0]],
      ['namespace 0', 0x00b, [0x02, 0, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 0, 0, 0]],
      ['namespace beyond the last', 0x00b, [0x02, 2, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 0, 0, 0]],
      ['a read of all namespaces', 0x00b, [0x02, 0xffff_ffff, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 0, 0, 0]],
      ['a flush of no namespace', 0x00b, [0x00, 7]],
      ['read behind the end', 0x080, [0x02, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 2048, 0, 0]],
      ['read across the end', 0x080, [0x02, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 2047, 0, 1]],
      ['write with a wrapping LBA', 0x080, [0x01, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 0xffff_ffff, 0xffff_ffff, 0]],
      ['write zeroes across the end', 0x080, [0x08, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2047, 0, 1]],
      ['compare behind the end', 0x080, [0x05, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 2048, 0, 0]],
      ['deallocate behind the end', 0x080, [0x09, 1, 0, 0, 0, 0, 0x3_3000, 0, 0, 0, 0, 4]],
      ['more than the largest transfer', 0x002, [0x02, 1, 0, 0, 0, 0, 0x2_0000, 0, 0x3_0000, 0, 0, 0, 256]],
      ['PRP1 not at a DW', 0x013, [0x02, 1, 0, 0, 0, 0, 0x2_0001, 0, 0, 0, 0, 0, 0]],
      ['PRP2 inside a page', 0x013, [0x02, 1, 0, 0, 0, 0, 0x2_0e00, 0, 0x3_0004, 0, 0, 0, 1]],
      ['a list that is not at 8 bytes', 0x013, [0x02, 1, 0, 0, 0, 0, 0x2_0000, 0, 0x3_0004, 0, 0, 0, 31]],
      ['an entry of a list inside a page', 0x013, [0x02, 1, 0, 0, 0, 0, 0x2_0000, 0, 0x3_0000, 0, 0, 0, 31]],
      ['a list that goes on inside a page', 0x013, [0x02, 1, 0, 0, 0, 0, 0x2_0000, 0, 0x3_1ff8, 0, 0, 0, 31]],
      ['a list where nobody is', 0x004, [0x02, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0x99, 0, 0, 31]],
      ['data where nobody is', 0x004, [0x01, 1, 0, 0, 0, 0, 0, 0x99, 0, 0, 0, 0, 0]],
    ];
    for (const [what, status, dwords] of cases)
      expect([what, (await host.command(1, dwords)).status.toString(16)]).toEqual([what, status.toString(16)]);
    // Without the attribute AD, ranges beyond the end are only hints.
    expect((await host.command(1, [0x09, 1, 0, 0, 0, 0, 0x3_3000, 0, 0, 0, 0, 3])).status).toBe(0);
    bytes[0x2_0000] = 1;
    expect(await host.command(1, [0x05, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 0, 0, 0])).toMatchObject({
      status: 0x285,
      doNotRetry: 1,
    });
    expect((await host.command(1, [0x00, 0xffff_ffff])).status).toBe(0);
  });
});

test('SGLs that are wrong (4.4)', () => {
  const host = new RawHost();
  return host.run(async () => {
    await started(host);
    const descriptor = (at: number, address: number, length: number, identifier: number) => {
      const view = new DataView(host.memory.bytes.buffer, at, 16);
      view.setBigUint64(0, BigInt(address), true);
      view.setUint32(8, length, true);
      view.setUint8(15, identifier);
    };
    const pointer = (identifier: number, address: number, length: number, opcode = 0x02) =>
      host.command(1, [0x4000 | opcode, 1, 0, 0, 0, 0, address, 0, length, (identifier << 24) >>> 0, 0, 0, 0]);
    const cases: (readonly [what: string, status: number, ended: () => Promise<{ readonly status: number }>])[] = [
      ['too short', 0x00f, () => pointer(0x00, 0x2_0000, 511)],
      ['too long', 0x00f, () => pointer(0x00, 0x2_0000, 513)],
      ['unknown type', 0x011, () => pointer(0x40, 0x2_0000, 512)],
      ['unknown subtype', 0x011, () => pointer(0x01, 0x2_0000, 512)],
      ['last segment of no bytes', 0x00d, () => pointer(0x30, 0x3_0000, 0)],
      ['segment of half a descriptor', 0x00d, () => pointer(0x20, 0x3_0000, 24)],
      ['a segment in the last segment', 0x00d, () => pointer(0x30, 0x3_0100, 16)],
      ['a segment that does not end with one', 0x00d, () => pointer(0x20, 0x3_0200, 16)],
      ['a segment before the end of a segment', 0x00e, () => pointer(0x20, 0x3_0100, 32)],
      ['a segment that points to itself', 0x00e, () => pointer(0x20, 0x3_0400, 16)],
      ['a segment where nobody is', 0x004, () => host.command(1, [0x4002, 1, 0, 0, 0, 0, 0, 0x99, 16, 0x3000_0000, 0, 0, 0])],
      ['a write that counts a bit bucket', 0x00f, () => pointer(0x30, 0x3_0300, 32, 0x01)],
    ];
    descriptor(0x3_0100, 0x3_0000, 16, 0x30);
    descriptor(0x3_0110, 0x3_0000, 16, 0x30);
    descriptor(0x3_0200, 0x2_0000, 512, 0x00);
    descriptor(0x3_0300, 0x2_0000, 256, 0x00);
    descriptor(0x3_0310, 0, 256, 0x10);
    descriptor(0x3_0400, 0x3_0400, 16, 0x20);
    for (const [what, status, ended] of cases)
      expect([what, (await ended()).status.toString(16)]).toEqual([what, status.toString(16)]);
    // Of a read, the bit bucket does take its part.
    expect((await pointer(0x30, 0x3_0300, 32)).status).toBe(0);
  });
});

test('media that fails', () => {
  class Broken extends MemoryBacking {
    override read(): void {
      throw new BackingError('broken');
    }
    override write(): void {
      throw new BackingError('broken');
    }
    flush(): void {
      throw new BackingError('broken');
    }
  }
  const host = new RawHost({ media: new Broken(new Uint8Array(1 << 16)) });
  return host.run(async () => {
    await started(host);
    const block = (opcode: number) => [opcode, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 0, 0, 0];
    expect(await host.command(1, block(0x02))).toMatchObject({ status: 0x281, doNotRetry: 1 });
    expect(await host.command(1, block(0x01))).toMatchObject({ status: 0x280, doNotRetry: 0 });
    expect((await host.command(1, block(0x05))).status).toBe(0x281);
    expect((await host.command(1, block(0x08))).status).toBe(0x280);
    expect((await host.command(1, [0x00, 1])).status).toBe(0x280);
    // SMART: media errors at byte 160, error log entries at byte 176.
    expect(await host.admin([0x02, 0, 0, 0, 0, 0, 0x2_1000, 0, 0, 0, (127 << 16) | 2])).toBe(0);
    const view = new DataView(host.memory.bytes.buffer, 0x2_1000);
    expect([view.getBigUint64(160, true), view.getBigUint64(176, true)]).toEqual([5n, 5n]);
  });
});

test('an identifier that is in use (4.6.1.2.1)', () => {
  const host = new RawHost({ latency: () => 50 });
  return host.run(async () => {
    await started(host);
    host.lay(1, [0x02, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 0, 0, 0], 77);
    host.lay(1, [0x02, 1, 0, 0, 0, 0, 0x2_0000, 0, 0, 0, 0, 0, 0], 77);
    host.ring(1);
    const statuses = [(await host.completion(1)).status, (await host.completion(1)).status];
    expect(statuses).toEqual([0x003, 0]);
    // Free again.
    host.lay(1, [0x00, 1], 77);
    host.ring(1);
    expect(await host.completion(1)).toMatchObject({ status: 0, identifier: 77 });
  });
});
