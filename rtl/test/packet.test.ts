import { describe, expect, test } from 'vitest';
import { Random } from '../../hdl/test/random.ts';
import {
  completion,
  completionOf,
  configRead,
  configTarget,
  configWrite,
  dwCount,
  headerBits,
  memoryRead,
  memoryWrite,
  type PacketHeader,
  packetClass,
  packetName,
  packHeader,
  unpackHeader,
} from '../src/tlp/packet.ts';
import { TlpHeader } from '../src/tlp/tlp.ts';

const from = { requester_id: 0x0100, tag: 5 };

/** Which bytes of the address space a request touches, from its byte enables. */
function touched(h: PacketHeader): bigint[] {
  const count = dwCount(h);
  return Array.from({ length: 4 * count }, (_, i) => i)
    .filter(i => {
      const enables = i < 4 ? h.first_be : i >= 4 * (count - 1) ? h.last_be : 0xf;
      return (enables >> (i % 4)) & 1;
    })
    .map(i => h.address + BigInt(i));
}

test('headers survive packing, and the layout is that of the hardware', () => {
  const random = new Random(1);
  expect(headerBits).toBe(TlpHeader.width);
  for (let i = 0; i < 200; i++) {
    const word =
      BigInt(`0x${[...random.bytes(20)].map(b => b.toString(16).padStart(2, '0')).join('')}`) & ((1n << BigInt(headerBits)) - 1n);
    expect(packHeader(unpackHeader(word))).toBe(word);
  }
  const header = memoryRead({ ...from, address: 0x1_2345_6780n, bytes: 64 });
  expect(packHeader(header) & 0xffff_ffff_ffff_ffffn).toBe(0x1_2345_6780n);
  expect(packHeader(header) >> BigInt(headerBits - 3)).toBe(1n);
  expect(() => packHeader({ ...header, tag: 1024 })).toThrow('the TLP header field tag cannot be 1024: at most 1023');
});

test('byte enables of memory requests cover exactly the bytes asked for', () => {
  const random = new Random(2);
  for (let i = 0; i < 500; i++) {
    const offset = random.below(4096);
    const bytes = 1 + random.below(Math.min(random.pick([4, 8, 300, 4096]), 4096 - offset));
    const address = BigInt(random.pick([0x8000_0000, 0x1_0000_0000])) + BigInt(offset);
    const data = random.bytes(bytes);
    const write = memoryWrite({ ...from, address, data });
    const expected = Array.from({ length: bytes }, (_, k) => address + BigInt(k));
    expect(touched(write)).toEqual(expected);
    expect(touched(memoryRead({ ...from, address, bytes }))).toEqual(expected);
    expect(write.payload.length).toBe(4 * dwCount(write));
    expect(write.payload.subarray(offset % 4, (offset % 4) + bytes)).toEqual(data);
    expect(write.fmt).toBe(address >> 32n ? 0b011 : 0b010);
    // Rule C8.
    expect(write.length === 1 ? write.last_be === 0 : write.first_be !== 0 && write.last_be !== 0).toBe(true);
  }
  expect(memoryRead({ ...from, address: 0x1000n, bytes: 0 })).toMatchObject({ length: 1, first_be: 0, last_be: 0 });
  expect(memoryRead({ ...from, address: 0x1000n, bytes: 4096 }).length).toBe(0);
  expect(() => memoryRead({ ...from, address: 0x1ffcn, bytes: 8 })).toThrow('4 KiB boundary');
});

describe('names and classes', () => {
  const read = memoryRead({ ...from, address: 0x1000n, bytes: 4 });
  const target = { bus: 3, device: 31, function: 7, register: 0x3ff };
  const cfg = configWrite({ ...from, ...target, kind: 1, data: 0x8765_4321 });
  test.each([
    ['MRd', read, 'non-posted'],
    ['MWr', memoryWrite({ ...from, address: 0n, data: new Uint8Array(4) }), 'posted'],
    ['CfgWr1', cfg, 'non-posted'],
    ['CfgRd0', configRead({ ...from, ...target, kind: 0 }), 'non-posted'],
    ['CplD', completion(read, { completer_id: 0x0200 }, new Uint8Array(4)), 'completion'],
    ['Cpl', completion(read, { completer_id: 0x0200, status: 1 }), 'completion'],
    ['Msg', { ...read, fmt: 1, type: 0b10000 }, 'posted'],
  ] as const)('%s', (name, packet, kind) => {
    expect(packetName(packet)).toBe(name);
    expect(packetClass(packet)).toBe(kind);
  });
  test('fields over the address', () => {
    expect(configTarget(cfg)).toEqual(target);
    expect([...cfg.payload]).toEqual([0x21, 0x43, 0x65, 0x87]);
    const fields = { completer_id: 0xfedc, status: 4, byte_count: 4096, lower_address: 0x7d };
    expect(completionOf(completion(read, fields))).toEqual(fields);
  });
});
