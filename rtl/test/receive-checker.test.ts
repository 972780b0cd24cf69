import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import type { Stream } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { TlpChecker } from '../src/endpoint/receive/tlp-checker.ts';
import { type Packet, type PacketClass, packetName } from '../src/tlp/packet.ts';
import { type TlpBeatType, TlpType } from '../src/tlp/tlp.ts';
import { classOf, run, Sink, Source } from './link-bench.ts';
import { Receiver } from './receive-bench.ts';
import { tlp } from './receive-packets.ts';
import { malformed, ReferenceEndpoint, rightLength } from './receive-reference.ts';

/** A header of a class whose fields are right half of the time each. */
function header(random: Random, of: PacketClass): Packet {
  const types = {
    posted: [0, 0, 16, 18, 19, 20, 21, 23],
    'non-posted': [0, 0, 1, 2, 4, 5, 12, 13, 14, 27, 6],
    completion: [10, 10, 11],
  };
  const type = random.pick(types[of]);
  const near = random.pick([0, 0, 4, 0xff8, 0xffc]);
  const length = random.chance(0.05) ? random.below(1024) : random.pick([1, 1, 2, 2, 3, 4, 8, 31, 32, 33, 63, 64, 65]);
  const code = random.pick([
    0x00,
    0x01,
    0x02,
    0x04,
    0x14,
    0x18,
    0x19,
    0x1b,
    0x20,
    0x31,
    0x43,
    0x50,
    0x52,
    0x53,
    0x7e,
    0x7f,
    random.below(256),
  ]);
  const enables =
    type >= 16
      ? { last_be: code >> 4, first_be: code & 15 }
      : { last_be: length === 1 && random.chance(0.7) ? 0 : random.below(16), first_be: random.below(16) };
  const whole = random.chance(0.5);
  const count = random.chance(0.6) ? 4 * length - random.below(9) : random.below(4096);
  const data = of === 'posted' && type < 16 ? 2 : random.pick([0, 2]);
  return tlp(random, {
    fmt:
      (random.chance(0.03) ? 4 : 0) |
      (of === 'non-posted' && type === 0 ? 0 : data) |
      (type >= 16 && !random.chance(0.1) ? 1 : random.below(2)),
    type,
    tc: random.chance(0.7) ? 0 : random.below(8),
    attr: random.chance(0.7) ? 0 : random.below(8),
    at: random.chance(0.8) ? 0 : random.below(4),
    th: random.chance(0.1) ? 1 : 0,
    td: random.below(2),
    length,
    ...enables,
    ...(whole && type < 16 ? { first_be: 15, last_be: length === 1 ? 0 : 15 } : {}),
    address:
      of === 'completion'
        ? (BigInt(random.chance(0.8) ? 0 : random.below(8)) << 45n) | (BigInt(count & 0xfff) << 32n) | BigInt(random.below(128))
        : BigInt(0x10000 * random.below(9)) + BigInt(near + 4 * random.below(3)),
  });
}

describe.each<PacketClass>(['posted', 'non-posted', 'completion'])('%s TLPs', of => {
  test.each([
    [64, 2],
    [512, 1],
  ])('C1 C2 C3 C4 C5 C8 C9 C10 C11 C15 C53 C55 C71d C98: of random headers just the malformed ones are dropped (width %d, MPS code %d)', (width, mps) => {
    const random = new Random(width);
    using sim = simulate(() => new TlpChecker({ width, of }));
    sim.port(sim.dut.mps).words[0] = mps;
    const source = new Source(sim, sim.dut.in, random, 0.9);
    const sink = new Sink(sim, sim.dut.out as unknown as Stream<TlpBeatType>, random, 0.9);
    let errors = 0;
    const watch = {
      drive() {},
      sample() {
        errors += sim.port(sim.dut.error.valid).words[0] ?? 0;
      },
    };
    const packets: Packet[] = [];
    while (packets.length < 1500) {
      const packet = header(random, of);
      const name = of === 'non-posted' ? 'non_posted' : of;
      if (classOf(packet) === name && (packet.fmt < 4 || packet.type !== 0)) packets.push(packet);
    }
    source.queue.push(...packets);
    const good = packets.filter(p => !malformed(p, 128 << mps));
    run(sim, [source, sink, watch], 60_000, () => source.queue.length === 0);
    run(sim, [source, sink, watch], 5, () => false);
    sink.rate = 1;
    run(sim, [source, sink, watch], 5);
    const text = (p: Packet) =>
      `${packetName(p)} fmt ${p.fmt} type ${p.type} length ${p.length} be ${p.first_be} ${p.last_be} address ${p.address.toString(16)} tc ${p.tc} tag`;
    const steered = (p: Packet) =>
      p.th && p.type < 2 && p.fmt < 2 ? { ...p, first_be: 15, last_be: p.length === 1 ? 0 : 15 } : p;
    expect(sink.received.map(text), 'what passes').toEqual(good.map(steered).map(text));
    expect(errors, 'reports').toBe(packets.length - good.length);
    expect(good.length).toBeGreaterThan(200);
    expect(errors).toBeGreaterThan(200);
  });
});

/** One TLP for each rule that makes it malformed; `undefined` in a field leaves it as in a good one. */
const at = 0x12_3400_4000n;
const write = { fmt: 3, type: 0, length: 8, first_be: 15, last_be: 15, address: at + 0x1000n };
const read = { ...write, fmt: 1 };
const config = { fmt: 0, type: 4, length: 1, first_be: 15, address: 0x4328_0010n };
const message = (code: number, route: number, more: Partial<Packet> = {}) => ({
  fmt: 1,
  type: 16 | route,
  first_be: code & 15,
  last_be: code >> 4,
  ...more,
});
const cpl = (bytes: number, more: Partial<Packet> = {}) => ({
  fmt: 2,
  type: 10,
  length: 4,
  requester_id: 0x4328,
  address: BigInt(bytes) << 32n,
  ...more,
});
type Shape = Parameters<typeof tlp>[1];
const cases: readonly (readonly [rule: string, shape: Shape, body?: (p: Packet, beat: number) => Uint8Array])[] = [
  ['C1: a prefix', { ...write, fmt: 4, type: 16 }],
  ['C1: a local prefix in place of a read', { ...config, fmt: 4 }],
  ['C2: type 00011', { ...config, type: 3 }],
  ['C2: type 00110', { ...config, type: 6 }],
  ['C2: type 11011', { ...config, type: 27, fmt: 2 }],
  ['C2: a locked write', { ...write, type: 1 }],
  ['C2: configuration with 4 DW', { ...config, fmt: 1 }],
  ['C2: I/O with 4 DW', { ...config, type: 2, fmt: 3 }],
  ['C2: an AtomicOp without data', { ...read, type: 12, length: 1 }],
  ['C2: a message with 3 DW', { ...message(0x7f, 4), fmt: 0 }],
  ['C2: a completion with 4 DW', { ...cpl(16), fmt: 3 }],
  ['C3: a write too short', write, (p, beat) => p.payload.slice(0, Math.max(0, p.payload.length - beat))],
  ['C3: a write too long', write, (p, beat) => new Uint8Array(p.payload.length + beat).fill(0x77)],
  ['C3: a long write much too long', { ...write, length: 32 }, (_, beat) => new Uint8Array(128 + 40 * beat).fill(0x77)],
  ['C3: a long write, one beat came', { ...write, length: 64 }, (p, beat) => p.payload.slice(0, beat)],
  ['C3: a read with a second beat', read, (_, beat) => new Uint8Array(2 * beat)],
  ['C3: a configuration write too long', { ...config, fmt: 2 }, (_, beat) => new Uint8Array(2 * beat)],
  ['C3: a CAS too long', { ...write, type: 14, length: 8 }, (p, beat) => new Uint8Array(p.payload.length + beat)],
  [
    'C3: a CAS of 128 bits too short',
    { ...write, type: 14, length: 8, td: 1 },
    (p, beat) => p.payload.slice(0, Math.max(0, 32 - 2 * beat)),
  ],
  ['C3: a completion too long', cpl(64, { length: 16 }), (p, beat) => new Uint8Array(p.payload.length + beat)],
  ['C3: a completion too short', cpl(256, { length: 64 }), (p, beat) => p.payload.slice(0, p.payload.length - beat)],
  ['C4: a write beyond MPS', { ...write, length: 65 }],
  ['C4: a message beyond MPS', { ...message(0x7f, 4), fmt: 3, length: 65 }],
  ['C4: a completion beyond MPS', cpl(260, { length: 65 })],
  ['C5: a write across 4 KiB', { ...write, address: at + 0xff0n }],
  ['C5: a read across 4 KiB', { ...read, address: at + 0xffcn, length: 2 }],
  ['C5: a read of 4 KiB not from its start', { ...read, address: at + 4n, length: 0 }],
  ['C8: last byte enables of a single DW', { ...write, length: 1, last_be: 1 }],
  ['C8: no first byte enables', { ...write, first_be: 0 }],
  ['C8: no last byte enables', { ...read, last_be: 0 }],
  ['C8: a hole in the first byte enables', { ...write, first_be: 10 }],
  ['C8: a hole in the last byte enables', { ...read, last_be: 5 }],
  ['C8: first byte enables that end early', { ...write, first_be: 7 }],
  ['C8: holes over two DW that are no QW', { ...write, length: 2, first_be: 9, address: at + 0x1004n }],
  ['C9: configuration of two DW', { ...config, length: 2, last_be: 15 }],
  ['C9: configuration with a traffic class', { ...config, tc: 3 }],
  ['C9: I/O with attributes', { ...config, type: 2, attr: 1 }],
  ['C9: I/O write with last byte enables', { ...config, type: 2, fmt: 2, last_be: 1 }],
  ['C11: configuration with an address type', { ...config, type: 5, at: 2 }],
  [
    'C10: a digest announced and missing',
    { ...write, length: 16, td: 1 },
    (p, beat) => p.payload.slice(0, 64 - Math.min(beat, 60)),
  ],
  ['C15: INTx to the root complex', message(0x20, 0)],
  ['C15: PME_Turn_Off local', message(0x19, 4)],
  ['C15: ERR_FATAL broadcast', message(0x33, 3)],
  ['C15: vendor-defined by address', message(0x7f, 1)],
  ['C15 C71d: INTx with a traffic class', message(0x24, 4, { tc: 1 })],
  ['C15: PME_Turn_Off with data', message(0x19, 3, { fmt: 3 })],
  ['C15: Set_Slot_Power_Limit without data', message(0x50, 4)],
  ['C53: a failed completion with data', cpl(16, { address: (1n << 45n) | (16n << 32n) })],
  ['C55: more data than bytes remain', cpl(12)],
  ['C55: more data than bytes remain behind the first', cpl(13, { length: 5, address: (13n << 32n) | 3n })],
  ['C98: FetchAdd of three DW', { ...write, type: 12, length: 3 }],
  ['C98: FetchAdd of 64 bits, not aligned', { ...write, type: 12, length: 2, address: at + 4n }],
  ['C98: Swap of four DW', { ...write, type: 13, length: 4 }],
  ['C98: CAS of one DW', { ...write, type: 14, length: 1 }],
  ['C98: CAS of 64 bits, not aligned', { ...write, type: 14, length: 4, address: at + 4n }],
  ['C98: CAS of 128 bits, not aligned', { ...write, type: 14, length: 8, address: at + 8n }],
];

describe.each([64, 256, 512])('width %d', width => {
  test('C1 C2 C3 C4 C5 C8 C9 C10 C11 C15 C53 C55 C71d C98: every malformed TLP is dropped and reported once, and the TLPs after it find nothing changed', () => {
    const random = new Random(3);
    using bench = new Receiver({ width, random });
    const model = new ReferenceEndpoint(width);
    for (const [rule, shape, body] of cases) {
      const made = tlp(random, shape);
      const bad = body ? { ...made, payload: body(made, width / 8) } : made;
      // What is one beat both ways cannot be told from a good one.
      if (!malformed(bad, 256) && rightLength(bad, width)) continue;
      const good = [
        tlp(random, { ...write, address: at + 0x1800n, length: 20 }),
        tlp(random, { ...read, address: at + 0x1000n, length: 128, tag: 7 }),
        tlp(random, { ...read, address: at + 0x1800n, length: 20, tag: 8 }),
        tlp(random, { ...config, fmt: 2, tag: 9 }),
        tlp(random, { ...cpl(16) }),
      ];
      const expected = [bad, ...good].flatMap(p => {
        bench.send(p);
        return model.perform(p);
      });
      bench.run(() => bench.tx.received.length >= expected.length);
      expect(bench.tx.received.splice(0), rule).toEqual(expected);
      const { payload: _, digest: __, ...header } = bad;
      expect(bench.reports.received.splice(0), rule).toEqual([{ functions: 0xff, kind: 18, advisory: 0, header }]);
      expect(bench.requested.splice(0), rule).toEqual(model.requested.splice(0));
      expect(Buffer.compare(bench.memory, model.memory), rule).toBe(0);
    }
    expect(model.reports.length).toBeGreaterThan(cases.length - 6);
    expect(bench.bad_requested, 'completions that the requester must not use').toBeGreaterThan(0);
  });
});

test('C58: completions for nobody, and locked ones, are dropped and reported as unexpected', () => {
  const random = new Random(1);
  using bench = new Receiver({ width: 64, random });
  const wanted = tlp(random, { ...cpl(64), length: 16, requester_id: 0x432a });
  const bad = [
    tlp(random, { ...cpl(64), length: 16, requester_id: 0x432b }),
    tlp(random, { ...cpl(16), type: TlpType.completionLocked }),
  ];
  bench.send(wanted, ...bad, wanted);
  bench.run();
  expect(bench.requested).toEqual([wanted, wanted]);
  expect(bench.reports.received.map(r => [r.kind, r.functions, r.advisory, r.header.type])).toEqual([
    [16, 0xff, 1, 10],
    [16, 0xff, 1, 11],
  ]);
});

test('C15: messages that an endpoint takes, ignores and refuses', () => {
  const random = new Random(1);
  using bench = new Receiver({ width: 64, random });
  const { dut } = bench.sim;
  const seen: string[] = [];
  bench.actors.push({
    drive() {},
    sample() {
      if (bench.sim.peek(dut.pme_turn_off)) seen.push('turn off');
      if (bench.sim.peek(dut.slot_power_valid)) seen.push(`power ${bench.sim.peek(dut.slot_power)}`);
    },
  });
  const power = { ...tlp(random, message(0x50, 4, { fmt: 3, length: 1 })), payload: Uint8Array.from([0x5a, 0x02, 0, 0]) };
  for (const p of [
    message(0x00, 3),
    message(0x14, 4),
    message(0x48, 4),
    message(0x7f, 2),
    message(0x7f, 0, { fmt: 3, length: 9 }),
  ])
    bench.send(tlp(random, p));
  bench.send(tlp(random, message(0x19, 3)), power, { ...power, ep: 1 });
  bench.run();
  expect(seen).toEqual(['turn off', 'power 602']);
  expect(bench.reports.received.map(r => r.kind)).toEqual([12]);
  bench.reports.received.length = 0;
  for (const [code, route] of [
    [0x7e, 2],
    [0x20, 4],
    [0x18, 0],
    [0x30, 0],
    [0x99, 3],
  ] as const) {
    bench.send(tlp(random, message(code, route)));
    bench.run();
    expect(
      bench.reports.received.splice(0).map(r => [r.kind, r.advisory]),
      `code ${code}`,
    ).toEqual([[20, 0]]);
  }
});
