import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Bundle, bool, input, Module, output, uint, unpack } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import {
  atomic,
  completion,
  creditsOf,
  memoryRead,
  memoryWrite,
  message,
  messageCode,
  type Packet,
  type PacketHeader,
  packetClass,
  packetName,
  packHeader,
  poisoned,
} from '../src/tlp/packet.ts';
import {
  dataCredits,
  isAtomic,
  isCompletion,
  isMessage,
  isNonPosted,
  isPosted,
  MessageRoute,
  TlpHeader,
  TlpType,
} from '../src/tlp/tlp.ts';
import { framingBytes, linkBytes, withDigest } from '../src/tlp/wire.ts';
import { classOf, dataCreditsOf } from './link-bench.ts';

class Kinds extends Bundle({ posted: bool, non_posted: bool, completion: bool, message: bool, atomic: bool, credits: uint(9) }) {}

class Classifier extends Module {
  readonly header = input(uint(TlpHeader.width));
  readonly kinds = output(Kinds);
  protected override logic() {
    const h = unpack(TlpHeader, this.header);
    this.kinds.set({
      posted: isPosted(h),
      non_posted: isNonPosted(h),
      completion: isCompletion(h),
      message: isMessage(h),
      atomic: isAtomic(h),
      credits: dataCredits(h),
    });
  }
}

const from = { requester_id: 0x1234, tag: 9 };

test('C2 C70a: classes and data credits of every type, in hardware and in software', () => {
  using sim = simulate(() => new Classifier());
  const random = new Random(1);
  const { kinds, header } = sim.dut;
  for (let type = 0; type < 32; type++)
    for (let fmt = 0; fmt < 4; fmt++)
      for (const length of [0, 1, 3, 4, 5, random.below(1024)]) {
        const h: PacketHeader = { ...memoryRead({ ...from, address: 0x1000n, bytes: 4 }), fmt, type, length };
        sim.poke(header, packHeader(h));
        const name = classOf(h);
        const value = (signal: typeof kinds.posted) => sim.peek(signal) === 1n;
        const seen = { posted: value(kinds.posted), non_posted: value(kinds.non_posted), completion: value(kinds.completion) };
        expect(seen, `type ${type}, fmt ${fmt}`).toEqual({
          posted: name === 'posted',
          non_posted: name === 'non_posted',
          completion: name === 'completion',
        });
        expect(packetClass(h)).toBe(name.replace('_', '-'));
        expect(value(kinds.message)).toBe(type >= 16 && type < 24);
        expect(value(kinds.atomic)).toBe(type >= 12 && type < 15);
        expect(Number(sim.peek(kinds.credits))).toBe(dataCreditsOf(h));
        expect(creditsOf(h)).toBe(dataCreditsOf(h));
      }
});

describe('AtomicOps', () => {
  test.each([
    ['FetchAdd', TlpType.fetchAdd, 8],
    ['Swap', TlpType.swap, 4],
    ['CAS', TlpType.compareSwap, 32],
  ] as const)('%s', (name, type, bytes) => {
    const data = new Random(1).bytes(bytes);
    const packet = atomic(type, { ...from, address: 0x1_0000_0020n, data });
    expect(packet).toMatchObject({ fmt: 3, type, length: bytes / 4, requester_id: 0x1234, tag: 9, first_be: 15, payload: data });
    expect(packetName(packet)).toBe(name);
    expect(packetClass(packet)).toBe('non-posted');
    expect(creditsOf(packet)).toBe(bytes > 16 ? 2 : 1);
  });
  test('sizes and alignment', () => {
    const data = new Uint8Array(16);
    expect(() => atomic(TlpType.swap, { ...from, address: 0n, data })).toThrow('Swap carries 4 or 8 bytes, not 16');
    expect(() => atomic(TlpType.compareSwap, { ...from, address: 4n, data })).toThrow("not a multiple of its operand's 8 bytes");
  });
});

test('C15: messages', () => {
  const plain = message({ requester_id: 0x0100, route: MessageRoute.local, code: 0x20 });
  expect(plain).toMatchObject({ fmt: 1, type: 0b10100, length: 0, last_be: 2, first_be: 0 });
  expect([messageCode(plain), packetName(plain), packetClass(plain), creditsOf(plain)]).toEqual([0x20, 'Msg', 'posted', 0]);
  const payload = new Uint8Array(8);
  const routed = message({
    requester_id: 0x0100,
    tag: 3,
    route: MessageRoute.byId,
    code: 0x7f,
    address: 0x0208n << 48n,
    payload,
  });
  expect(routed).toMatchObject({ fmt: 3, type: 0b10010, length: 2, tag: 3 });
  expect([messageCode(routed), packetName(routed), creditsOf(routed)]).toEqual([0x7f, 'MsgD', 1]);
  expect(() => message({ requester_id: 0, route: 0, code: 0, payload: new Uint8Array(3) })).toThrow('whole DW, not 3 bytes');
});

test('C71b: a poisoned TLP differs in EP alone', () => {
  const packet = memoryWrite({ ...from, address: 0n, data: new Uint8Array(4) });
  expect(poisoned(packet)).toEqual({ ...packet, ep: 1 });
});

test('C16: bytes on the link give the known efficiencies', () => {
  const efficiency = (packet: Packet) => Number(((100 * packet.payload.length) / linkBytes(packet)).toFixed(2));
  const write = (address: bigint, bytes: number) => memoryWrite({ ...from, address, data: new Uint8Array(bytes) });
  const answer = completion(from, { completer_id: 0 }, new Uint8Array(128));
  expect(framingBytes).toBe(8);
  expect([64, 256, 4096].map(n => efficiency(write(0n, n)))).toEqual([76.19, 92.75, 99.51]);
  expect([64, 256, 4096].map(n => efficiency(write(1n << 32n, n)))).toEqual([72.73, 91.43, 99.42]);
  expect([64, 256, 4096].map(n => efficiency(withDigest(write(1n << 32n, n))))).toEqual([69.57, 90.14, 99.32]);
  expect(efficiency(answer)).toBe(86.49);
});
