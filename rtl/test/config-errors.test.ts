import { afterAll, describe, expect, test } from 'vitest';
import { Random } from '../../hdl/test/random.ts';
import { ErrorKind } from '../src/config/error-report.ts';
import { memoryWrite } from '../src/tlp/packet.ts';
import { headerBytes } from '../src/tlp/wire.ts';
import { ConfigBench, card, drive, memoryOnly, noHeader } from './config-bench.ts';

/** Error messages of ERR_COR, ERR_NONFATAL, ERR_FATAL. */
const [cor, nonfatal, fatal] = [0x30, 0x31, 0x33];
const reportAll = 0x281f;
/** All uncorrectable errors of an endpoint, and those that are fatal by default. */
/** Those that only ports of a switch find. */
const ofPorts = ['surpriseDown', 'multicastBlocked', 'atomicEgressBlocked'];
const kinds = Object.entries(ErrorKind).filter(([name]) => !ofPorts.includes(name));
const fatalKinds: number[] = [
  ErrorKind.dataLink,
  ErrorKind.flowControl,
  ErrorKind.overflow,
  ErrorKind.malformed,
  ErrorKind.internal,
];
const bit = (kind: number) => 2 ** kind;

/** One simulation for all tests, as it was after reset. */
const shared = new ConfigBench({ functions: [drive, card] }, new Random(1));
const fresh = shared.sim.save();
afterAll(() => shared[Symbol.dispose]());

function bench(): ConfigBench {
  shared.sim.restore(fresh);
  shared.messages.length = 0;
  shared.takeRate = 1;
  for (const of of [0, 1]) shared.write(of, 0x68, reportAll);
  return shared;
}
const codes = (b: ConfigBench) => b.messages.splice(0).map(({ code }) => code);

describe('each uncorrectable error', () => {
  const b = bench();
  test.each(kinds)('C87 C88 C90: %s', (_, kind) => {
    const { payload: _payload, ...packet } = memoryWrite({
      requester_id: 0x1234,
      tag: 5,
      address: 0x1_2345_6780n,
      data: new Uint8Array(16),
    });
    b.write(0, 0x108, 0);
    const severity = b.read(0, 0x10c);
    expect(Math.floor(severity / bit(kind)) % 2 === 1).toBe(fatalKinds.includes(kind));
    for (const isFatal of [0, 1]) {
      b.write(0, 0x10c, isFatal ? bit(kind) : 0);
      b.error(0b01, kind, false, packet);
      b.cycles(6);
      expect(codes(b)).toEqual([isFatal ? fatal : nonfatal]);
      expect([b.read(0, 0x104), b.read(0, 0x118) & 31]).toEqual([bit(kind), kind]);
      const hasHeader = ![4, 13, 14, 22].includes(kind);
      const words = hasHeader ? [0, 4, 8, 12].map(i => new DataView(headerBytes(packet).buffer).getUint32(i)) : [0, 0, 0, 0];
      expect([0x11c, 0x120, 0x124, 0x128].map(offset => b.read(0, offset))).toEqual(words);
      const detected = (isFatal ? 4 : 2) + (kind === ErrorKind.unsupported ? 8 : 0);
      expect((b.read(0, 0x68) >>> 16) & 15).toBe(detected);
      expect([b.read(1, 0x104), b.read(1, 0x68) >>> 16]).toEqual([0, 0]);
      b.write(0, 0x104, bit(kind));
      b.write(0, 0x68, 0x000f_0000 | reportAll);
      expect([b.read(0, 0x104), b.read(0, 0x118) & 31]).toEqual([0, 0]);

      // Masked: status only.
      b.write(0, 0x108, bit(kind));
      b.error(0b01, kind);
      b.cycles(6);
      expect(codes(b)).toEqual([]);
      expect([b.read(0, 0x104), b.read(0, 0x118) & 31, (b.read(0, 0x68) >>> 16) & 15]).toEqual([bit(kind), 0, detected]);
      b.write(0, 0x108, 0);
      b.write(0, 0x104, bit(kind));
      b.write(0, 0x68, 0x000f_0000 | reportAll);
    }
    b.write(0, 0x10c, severity);
  });
});

test('C88: the first error keeps its header until it is cleared, whatever comes after it', () => {
  const b = bench();
  const header = (tag: number) => ({ ...noHeader, tag });
  b.error(1, ErrorKind.malformed, false, header(1));
  b.error(1, ErrorKind.poisoned, false, header(2));
  b.error(1, ErrorKind.ecrc, false, header(3));
  b.cycles(8);
  const tag = () => (b.read(0, 0x120) >>> 8) & 0xff;
  expect([b.read(0, 0x118) & 31, tag(), codes(b)]).toEqual([18, 1, [fatal, nonfatal, nonfatal]]);
  b.write(0, 0x104, bit(12));
  expect([b.read(0, 0x118) & 31, tag()]).toEqual([18, 1]);
  b.write(0, 0x104, bit(18));
  expect([b.read(0, 0x118) & 31, b.read(0, 0x104)]).toEqual([0, bit(19)]);
  b.error(1, ErrorKind.ecrc, false, header(4));
  b.cycles(4);
  expect([b.read(0, 0x118) & 31, tag()]).toEqual([19, 4]);
});

describe('C89: an advisory Unsupported Request', () => {
  const advise = (b: ConfigBench) => {
    b.error(1, ErrorKind.unsupported, true);
    b.cycles(6);
    return {
      codes: codes(b),
      uncorrectable: b.read(0, 0x104),
      correctable: b.read(0, 0x110),
      status: (b.read(0, 0x68) >>> 16) & 15,
    };
  };
  test('C89: is masked after reset: only status', () => {
    const b = bench();
    expect(advise(b)).toEqual({ codes: [], uncorrectable: 0, correctable: bit(13), status: 0b1001 });
  });
  test('C89: unmasked is ERR_COR, with its header', () => {
    const b = bench();
    b.write(0, 0x114, 0);
    expect(advise(b)).toEqual({ codes: [cor], uncorrectable: bit(20), correctable: bit(13), status: 0b1001 });
    expect(b.read(0, 0x118) & 31).toBe(20);
  });
  test('C89: masked as uncorrectable has no header', () => {
    const b = bench();
    b.write(0, 0x114, 0);
    b.write(0, 0x108, bit(20));
    expect(advise(b)).toEqual({ codes: [cor], uncorrectable: bit(20), correctable: bit(13), status: 0b1001 });
    expect(b.read(0, 0x118) & 31).toBe(0);
  });
  test('C89: of fatal severity is fatal', () => {
    const b = bench();
    b.write(0, 0x10c, bit(20));
    expect(advise(b)).toEqual({ codes: [fatal], uncorrectable: bit(20), correctable: 0, status: 0b1100 });
  });
  test.each([
    ['no enable', 0x2810],
    ['no enable for correctable errors', 0x2818],
    ['no enable for Unsupported Requests', 0x2811],
  ])('C89: with %s is not reported', (_, control) => {
    const b = bench();
    b.write(0, 0x114, 0);
    b.write(0, 0x68, control);
    expect(advise(b).codes).toEqual([]);
  });
});

test.each([
  ['non-fatal enable', 0x2812, 0, ErrorKind.poisoned, [nonfatal], 0],
  ['fatal enable does not stand for non-fatal', 0x2814, 0, ErrorKind.poisoned, [], 0],
  ['SERR enable', 0x2810, 0x100, ErrorKind.poisoned, [nonfatal], 1],
  ['fatal enable', 0x2814, 0, ErrorKind.malformed, [fatal], 0],
  ['SERR enable, fatal', 0x2810, 0x100, ErrorKind.malformed, [fatal], 1],
  ['Unsupported Request without its enable', 0x2812, 0, ErrorKind.unsupported, [], 0],
  ['Unsupported Request with its enable alone', 0x2818, 0, ErrorKind.unsupported, [], 0],
  ['Unsupported Request with both enables', 0x281a, 0, ErrorKind.unsupported, [nonfatal], 0],
  ['Unsupported Request with SERR enable', 0x2810, 0x100, ErrorKind.unsupported, [nonfatal], 1],
] as const)('C88 C90: %s', (_, control, command, kind, expected, signalled) => {
  const b = bench();
  b.write(0, 0x68, control);
  b.write(0, 0x04, command);
  b.error(1, kind);
  b.cycles(6);
  expect(codes(b)).toEqual(expected);
  expect((b.read(0, 0x04) >>> 30) & 1).toBe(signalled);
});

test('C88 C90: an error of no function is logged by all; one message, the worst one, of the lowest function that sends it', () => {
  const b = bench();
  b.error(0xff, ErrorKind.malformed);
  b.cycles(6);
  expect(b.messages.splice(0).map(({ requester_id, code }) => [requester_id & 7, code])).toEqual([[0, fatal]]);
  expect([0, 1].map(of => b.read(of, 0x104))).toEqual([bit(18), bit(18)]);
  b.write(0, 0x10c, 0);
  b.error(0xff, ErrorKind.malformed);
  b.cycles(6);
  expect(b.messages.splice(0).map(({ requester_id, code }) => [requester_id & 7, code])).toEqual([[1, fatal]]);
  b.write(1, 0x108, bit(18));
  b.error(0xff, ErrorKind.malformed);
  b.cycles(6);
  expect(b.messages.splice(0).map(({ requester_id, code }) => [requester_id & 7, code])).toEqual([[0, nonfatal]]);
});

test('C88: what the link corrected is logged by all functions and reported once', () => {
  const b = bench();
  for (const kind of [0, 6, 7, 8, 12]) b.correctable(kind);
  b.cycles(8);
  expect([codes(b), b.read(0, 0x110), b.read(1, 0x110)]).toEqual([[cor, cor, cor, cor, cor], 0x11c1, 0x11c1]);
  b.write(0, 0x114, 0xffff_ffff);
  b.write(1, 0x114, 0xffff_ffff);
  b.correctable(6);
  b.cycles(6);
  expect(codes(b)).toEqual([]);
});

test('C87: the status register tells what kind of abort or parity error it was', () => {
  const b = bench();
  const status = () => {
    const value = b.read(0, 4) >>> 16;
    b.write(0, 4, 0xffff_0000);
    return value & 0xf900;
  };
  b.event(0, 'received_abort');
  expect(status()).toBe(1 << 12);
  b.event(0, 'received_unsupported');
  expect(status()).toBe(1 << 13);
  b.event(0, 'poisoned_data');
  expect(status()).toBe(0);
  b.write(0, 4, 0x40);
  b.event(0, 'poisoned_data');
  expect(status()).toBe(1 << 8);
  b.error(1, ErrorKind.poisoned);
  b.cycles(3);
  expect(status()).toBe(1 << 15);
  b.error(1, ErrorKind.completerAbort);
  b.cycles(3);
  expect(status()).toBe(1 << 11);
});

test('C88: an error every cycle is never refused; beyond 16 that wait, messages of a function and severity become one', () => {
  const b = bench();
  for (const of of [0, 1]) b.write(of, 0x114, 0);
  b.takeRate = 0;
  b.sim.poke(b.sim.dut.errors.valid, 1);
  for (let i = 0; i < 60; i++) {
    const [kind, advisory] = i < 40 ? [ErrorKind.unsupported, true] : [i % 2 === 0 ? ErrorKind.malformed : ErrorKind.ecrc, false];
    b.offerError(i % 3 === 0 ? 2 : 1, kind, advisory, noHeader);
    b.cycle();
  }
  b.sim.poke(b.sim.dut.errors.valid, 0);
  b.cycles(10);
  b.takeRate = 1;
  b.cycles(60);
  const got = b.messages.map(({ requester_id, code }) => `${requester_id & 7} ${code.toString(16)}`);
  // 16 wait in the queue and one at the output; then one of each.
  expect(got.slice(0, 17)).toEqual(Array.from({ length: 17 }, (_, i) => `${i % 3 === 0 ? 1 : 0} 30`));
  expect(got.slice(17).sort()).toEqual(['0 30', '0 31', '0 33', '1 30', '1 31', '1 33']);
});

test('C90: messages at full rate, 4 cycles after the error', () => {
  const b = bench();
  const start = b.sim.cycle;
  b.sim.poke(b.sim.dut.errors.valid, 1);
  for (let i = 0; i < 40; i++) {
    b.offerError(1, i % 2 === 0 ? ErrorKind.malformed : ErrorKind.poisoned, false, noHeader);
    b.cycle();
  }
  b.sim.poke(b.sim.dut.errors.valid, 0);
  b.cycles(10);
  expect(b.messages.map(({ code, cycle }) => [code, cycle - start])).toEqual(
    Array.from({ length: 40 }, (_, i) => [i % 2 === 0 ? fatal : nonfatal, i + 4]),
  );
});

test.each([64, 128, 256, 512])('C90: an error message in beats of %d bits', width => {
  using b = new ConfigBench({ functions: [memoryOnly], width }, new Random(1));
  b.write(0, 0x68, reportAll);
  b.error(1, ErrorKind.malformed);
  b.cycles(6);
  expect(b.messages.map(({ requester_id, code }) => [requester_id, code])).toEqual([[0x800, fatal]]);
});
