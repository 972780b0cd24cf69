import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import type { Engine } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { engines } from '../../sim/testbench/src/on-engines.ts';
import { fcClasses } from '../src/link/fc-update.ts';
import { EcrcChecker } from '../src/tlp/ecrc-checker.ts';
import { EcrcGenerator } from '../src/tlp/ecrc-generator.ts';
import type { Packet } from '../src/tlp/packet.ts';
import { digestIsRight, ecrcOf, headerBytes, withDigest } from '../src/tlp/wire.ts';
import { type Actor, beatsOf, plainPacket, type Rate, randomPacket, run, Sink, Source } from './link-bench.ts';

/** A digest from the CRC-32 of zlib, over bytes of which the variant bits are set here. */
function digestOf(packet: Packet): number {
  const bytes = Buffer.concat([headerBytes(packet), packet.payload]);
  bytes.writeUInt8(bytes.readUInt8(0) | 1, 0);
  bytes.writeUInt8(bytes.readUInt8(2) | 0x40, 2);
  return crc32(bytes);
}

/** Without the digest and its mark. */
function stripped({ digest: _, ...packet }: Packet): Packet {
  return { ...packet, td: 0 };
}

/** TLPs of all kinds and lengths, some with a digest, right or wrong. */
function traffic(random: Random, count: number, digests: 'none' | 'some'): Packet[] {
  return Array.from({ length: count }, (_, i) => {
    const plain = stripped(randomPacket(random, random.pick(fcClasses), i, random.pick([4, 20, 70])));
    const packet = { ...plain, th: random.below(2), address: random.bits(64) };
    if (digests === 'none' || random.chance(0.25)) return packet;
    const right = withDigest(packet);
    return random.chance(0.3) ? { ...right, digest: (ecrcOf(right) ^ (1 << random.below(32))) >>> 0 } : right;
  });
}

interface Options {
  readonly seed?: number;
  readonly source?: Rate;
  readonly sink?: Rate;
  readonly engine?: Engine;
}

/** Runs packets through one of the modules. @returns what came out, and with the checker the verdicts. */
function through(
  kind: 'generator' | 'checker',
  width: number,
  packets: readonly Packet[],
  enabled: (packet: Packet) => boolean,
  options: Options = {},
) {
  const { seed = 1, source: sourceRate = 1, sink: sinkRate = 1, engine } = options;
  const random = new Random(seed);
  const made = simulate<EcrcGenerator | EcrcChecker>(
    () => (kind === 'generator' ? new EcrcGenerator({ width }) : new EcrcChecker({ width })),
    engine ? { engine } : {},
  );
  using sim = made;
  const { dut } = sim;
  const source = new Source(sim, dut.in, random, sourceRate);
  const sink = new Sink(sim, dut.out, random, sinkRate);
  source.queue.push(...packets);
  const verdicts: boolean[] = [];
  const error = dut instanceof EcrcChecker ? sim.port(dut.out.payload.ecrc_error) : undefined;
  sink.onPacket = () => verdicts.push(error?.words[0] === 1);
  const enable = sim.port(dut.enable);
  // Meaningful with the first beat only: random afterwards.
  let begun: Packet | undefined;
  const choose: Actor = {
    drive: () => {
      const packet = source.queue[0];
      enable.words[0] = packet && packet !== begun ? Number(enabled(packet)) : random.below(2);
    },
    sample: () => {},
  };
  source.onStart = packet => {
    begun = packet;
  };
  const cycles = run(sim, [source, choose, sink], 100_000, () => sink.received.length === packets.length);
  return { received: sink.received, verdicts, cycles, source, sink };
}

describe('C71c: in software', () => {
  test('headers as they lie on the wire', () => {
    const random = new Random(1);
    const hex = (p: Packet) => Buffer.from(headerBytes(p)).toString('hex');
    const packet = plainPacket(random, 'posted', 0, 0);
    const zero: Packet = {
      ...packet,
      fmt: 0,
      type: 0,
      tc: 0,
      attr: 0,
      th: 0,
      td: 0,
      ep: 0,
      at: 0,
      length: 1,
      requester_id: 0x0100,
      tag: 5,
      last_be: 0,
      first_be: 15,
      address: 0x8000_0010n,
    };
    expect(hex(zero)).toBe('00000001' + '0100050f' + '80000010');
    expect(hex({ ...zero, fmt: 3, address: 0x12_3456_789cn })).toBe('60000001' + '0100050f' + '00000012' + '3456789c');
    expect(hex({ ...zero, tc: 5, attr: 6, th: 1, td: 1, ep: 1, at: 2, length: 0x355, tag: 0x3a7 })).toBe(
      '00ddeb55' + '0100a70f' + '80000010',
    );
    const answer = {
      ...zero,
      fmt: 2,
      type: 0b01010,
      address: (0x0200n << 48n) | (4n << 45n) | (1n << 44n) | (0xabcn << 32n) | 0x7cn,
    };
    expect(hex(answer)).toBe('4a000001' + '02009abc' + '0100057c');
  });

  test('the digest is that of zlib, and leaves out the variant bits', () => {
    const random = new Random(2);
    for (const packet of traffic(random, 300, 'some')) {
      expect(ecrcOf(packet)).toBe(digestOf(packet));
      const changed = { ...packet, ep: packet.ep ^ 1, type: packet.type ^ 1 };
      if (packet.type >> 1 === changed.type >> 1 && packet.type !== 0b01010 && packet.type !== 0b01011)
        expect(ecrcOf(changed)).toBe(ecrcOf(packet));
      expect(digestIsRight(withDigest(packet))).toBe(true);
    }
  });
});

describe.each([64, 128, 256, 512])('C71c: width %d', width => {
  test.each([
    [1, 1],
    [0.5, 1],
    [1, 0.5],
  ])('the generator adds the digest where it is enabled, and to none that has one: source %d, sink %d', (source, sink) => {
    const seed = width;
    const packets = traffic(new Random(seed), 250, 'some');
    const enabled = (p: Packet) => p.tag % 3 !== 0;
    const { received } = through('generator', width, packets, enabled, { seed, source, sink });
    expect(received, `seed ${seed}`).toEqual(
      packets.map(p => (enabled(p) && p.td === 0 ? { ...p, td: 1, digest: digestOf({ ...p, td: 1 }) } : p)),
    );
  });

  test.each([
    [1, 1],
    [0.5, 1],
    [1, 0.5],
  ])('the checker takes the digest away and tells right from wrong: source %d, sink %d', (source, sink) => {
    const seed = width + 1;
    const packets = traffic(new Random(seed), 250, 'some');
    const enabled = (p: Packet) => p.tag % 3 !== 0;
    const { received, verdicts } = through('checker', width, packets, enabled, { seed, source, sink });
    expect(received, `seed ${seed}`).toEqual(packets.map(p => (enabled(p) ? stripped(p) : p)));
    const wrong = packets.map(p => enabled(p) && p.td === 1 && p.digest !== digestOf(p));
    expect(verdicts, `seed ${seed}`).toEqual(wrong);
    expect(wrong.filter(w => w).length).toBeGreaterThan(20);
  });

  test('every bit of a TLP but the variant ones is covered', () => {
    const random = new Random(3);
    const packet = withDigest(plainPacket(random, 'posted', 1, 9));
    const fields = { fmt: 3, tc: 3, attr: 3, th: 1, at: 2, requester_id: 16, tag: 10, last_be: 4, first_be: 4 };
    const broken: Packet[] = [];
    for (const [name, bits] of Object.entries(fields))
      for (let bit = name === 'fmt' ? 2 : 0; bit < bits; bit++)
        broken.push({ ...packet, [name]: packet[name as keyof typeof fields] ^ (1 << bit) });
    for (let bit = 0n; bit < 32n; bit++) broken.push({ ...packet, address: packet.address ^ (1n << bit) });
    for (let byte = 0; byte < packet.payload.length; byte++) {
      const payload = packet.payload.slice();
      payload[byte] = (payload[byte] ?? 0) ^ (1 << random.below(8));
      broken.push({ ...packet, payload });
    }
    const fine = [packet, { ...packet, ep: packet.ep ^ 1 }, { ...packet, type: packet.type ^ 1 }];
    const { verdicts } = through('checker', width, [...broken, ...fine], () => true);
    expect(verdicts).toEqual([...broken.map(() => true), ...fine.map(() => false)]);
  });

  test('a beat per cycle in and out, and the latency', () => {
    const random = new Random(4);
    const lanes = width / 32;
    const deep = width >= 256 ? 1 : 0;
    const one = Array.from({ length: 40 }, (_, i) => plainPacket(random, 'posted', i, i % 4 === 0 ? 0 : lanes - 1));
    const added = through('generator', width, one, () => true);
    expect((added.sink.times[0] ?? 0) - (added.source.times[0] ?? 0)).toBe(4 + deep);
    expect(added.cycles).toBe(40 + 4 + deep);
    const taken = through('checker', width, one.map(withDigest), () => true);
    expect((taken.sink.times[0] ?? 0) - (taken.source.times[0] ?? 0)).toBe(5 + deep);
    expect(taken.cycles).toBe(40 + 5 + deep);

    // Full last beats: the digest needs a beat of its own on the link, and no more than that.
    const full = Array.from({ length: 20 }, (_, i) => plainPacket(random, 'posted', i, lanes * 2));
    const grown = through('generator', width, full, () => true);
    expect(grown.cycles).toBe(20 * 3 + 4 + deep);
    const marked = full.map(withDigest);
    expect(beatsOf(marked[0] as Packet, width / 8)).toBe(3);
    // The last beat that comes out is that before the last digest.
    expect(through('checker', width, marked, () => true).cycles).toBe(20 * 3 - 1 + 5 + deep);
  });
});

test.each(engines)('what the generator adds the checker finds right (%s)', (_, engine) => {
  const random = new Random(6);
  const packets = traffic(random, 200, 'none');
  const { received } = through('generator', 256, packets, () => true, { engine, sink: 0.8 });
  const checked = through('checker', 256, received, () => true, { engine, source: 0.8 });
  expect(checked.received).toEqual(packets);
  expect(checked.verdicts).toEqual(packets.map(() => false));
});
