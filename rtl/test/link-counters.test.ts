import { expect, test } from 'vitest';
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { Readable, Sig } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { DirectionCounts as Counts } from '../src/index.ts';
import { type DirectionCounts, LinkCounters, type LinkTap } from '../src/link/link-counters.ts';
import {
  carriesData,
  completion,
  configRead,
  configWrite,
  dwCount,
  memoryRead,
  memoryWrite,
  type Packet,
  packetClass,
} from '../src/tlp/packet.ts';
import { beatsOf, withAnyFields } from './tlp-model.ts';

const bytesPerBeat = 32;
const ranges = [
  [0x1_0000_0000n, 0x1_0010_0000n],
  [0x9000_0000n, 0x9000_4000n],
  [0x5000n, 0x5000n],
  // Where the target of the configuration requests would be an address.
  [0x0300_0000n, 0x0301_0000n],
] as const;
const isDataAddress = (address: bigint) => ranges.some(([base, limit]) => address >= base && address < limit);

type Sim = TypedSimulation<LinkCounters>;
const entriesOf = (value: object) => Object.entries(value) as [string, Readable][];

function makeSim(): Sim {
  const sim = simulate(() => new LinkCounters({ bus_bits: 3, tag_bits: 6 }));
  ranges.forEach(([base, limit], i) => {
    const range = at(sim.dut.ranges, i);
    sim.poke(range.base, base);
    sim.poke(range.limit, limit);
  });
  return sim;
}

/** Shows the monitor one beat, or none. */
function show(sim: Sim, tap: Sig<typeof LinkTap>, packet: Packet | undefined, first: boolean): void {
  sim.poke(tap.fire, packet ? 1 : 0);
  if (!packet) return;
  sim.poke(tap.first, first ? 1 : 0);
  const values: { readonly [name: string]: unknown } = { ...packet };
  for (const [name, signal] of entriesOf(tap.header)) sim.poke(signal, values[name] as number | bigint);
}

const countsOf = (sim: Sim, counts: Sig<typeof DirectionCounts>) =>
  Object.fromEntries(entriesOf(counts).map(([name, signal]) => [name, Number(sim.peek(signal))]));

const zero = () => Object.fromEntries(Object.keys(Counts.fields).map(name => [name, 0]));

/** What the counts of one direction must be after these beats. */
class Expected {
  readonly counts: { [name: string]: number } = zero();
  private add(name: string, n: number) {
    this.counts[name] = (this.counts[name] ?? 0) + n;
  }
  beat(packet: Packet, data: boolean, bytes: number, first: boolean, cycle: number) {
    if (this.counts.beats === 0) this.counts.first_cycle = cycle;
    this.add('beats', 1);
    if (first) {
      this.add({ posted: 'posted', 'non-posted': 'non_posted', completion: 'completions' }[packetClass(packet)], 1);
      this.add(data ? 'data_bytes' : 'other_bytes', bytes);
    }
    if (!data) return;
    if (this.counts.data_beats === 0) this.counts.first_data_cycle = cycle;
    this.add('data_beats', 1);
    this.counts.last_data_cycle = cycle;
  }
}

interface Outstanding {
  readonly packet: Packet;
  readonly data: boolean;
  readonly bytes: number;
  answered?: boolean;
}

interface Item {
  readonly packet: Packet;
  readonly data: boolean;
  readonly bytes: number;
  /** The transaction that this request begins. */
  readonly asks?: readonly [key: string, request: Outstanding];
  /** The transaction that this completion ends. */
  readonly answers?: string;
}

test('counts random traffic of both directions exactly, user data apart from the rest', () => {
  const seed = 5;
  const random = new Random(seed);
  using sim = makeSim();
  const taps = [sim.dut.down_tap, sim.dut.up_tap] as const;
  const expected = [new Expected(), new Expected()] as const;
  /** Requests that wait for their completion, by the direction in which they went. */
  const outstanding: Map<string, Outstanding>[] = [new Map(), new Map()];
  const current: ({ item: Item; beat: number } | undefined)[] = [undefined, undefined];
  let tag = 0;

  const next = (direction: number): Item => {
    const from = { requester_id: (direction === 0 ? 0 : random.below(8)) << 8, tag: tag++ % 64 };
    const address =
      random.pick([0x1_0000_0000n, 0x1_000f_f000n, 0x1_0010_0000n, 0x9000_3000n, 0x9000_4000n, 0x5000n, 0xffff_f000n]) +
      BigInt(random.below(1024));
    const bytes = 1 + random.below(random.pick([4, 64, 700, 3000]));
    const waiting = [...(outstanding[1 - direction] ?? [])].filter(([, request]) => !request.answered);
    const kind = random.below(10);
    if (kind < 3)
      return { packet: memoryWrite({ ...from, address, data: random.bytes(bytes) }), data: isDataAddress(address & ~3n), bytes };
    if (kind < 7 && waiting.length > 0) {
      const [answers, request] = random.pick(waiting);
      const { packet, data, bytes: wanted } = request;
      request.answered = true;
      if (packet.fmt & 2) return { packet: completion(packet, { completer_id: 0x0700 }), data: false, bytes: 0, answers };
      const lower =
        Number(packet.address & 0x7cn) +
        (packet.type === 0
          ? Math.max(
              0,
              [1, 2, 4, 8].findIndex(b => packet.first_be & b),
            )
          : 0);
      const answer = completion(
        packet,
        { completer_id: 0x0700, byte_count: wanted, lower_address: lower },
        random.bytes(4 * dwCount(packet)),
      );
      return { packet: answer, data, bytes: wanted, answers };
    }
    const key = `${from.requester_id >> 8}-${from.tag}`;
    const busy = outstanding.some(o => o.has(key));
    const target = { bus: 3, device: 0, function: 0, register: 4, kind: 0 as const };
    if (kind === 9 && !busy) {
      const packet = random.chance(0.5)
        ? configWrite({ ...from, ...target, data: 1, mask: 0b0110 })
        : configRead({ ...from, ...target });
      return { packet, data: false, bytes: carriesData(packet) ? 2 : 0, asks: [key, { packet, data: false, bytes: 4 }] };
    }
    if (busy)
      return {
        packet: { ...memoryRead({ ...from, address, bytes: 4 }), type: 0b10000 | random.below(2) },
        data: false,
        bytes: 0,
      };
    const packet = memoryRead({ ...from, address, bytes });
    return { packet, data: false, bytes: 0, asks: [key, { packet, data: isDataAddress(address & ~3n), bytes }] };
  };

  for (let cycle = 0; cycle < 16_000; cycle++) {
    sim.poke(sim.dut.cycle, cycle + 1000);
    // Nothing is answered in the cycle in which it is asked.
    const asked: (() => void)[] = [];
    taps.forEach((tap, direction) => {
      const under = current[direction] ?? (random.chance(0.7) ? { item: next(direction), beat: 0 } : undefined);
      current[direction] = under;
      const moves = under !== undefined && random.chance(0.8);
      show(sim, tap, moves ? under.item.packet : undefined, under?.beat === 0);
      if (!moves) return;
      const { packet, data, bytes, asks, answers } = under.item;
      if (asks && under.beat === 0) asked.push(() => outstanding[direction]?.set(...asks));
      expected[direction as 0 | 1].beat(packet, data, bytes, under.beat === 0, cycle + 1000);
      if (++under.beat < beatsOf(packet, bytesPerBeat)) return;
      current[direction] = undefined;
      // Its tag may be used again when all of it is there.
      if (answers !== undefined) outstanding[1 - direction]?.delete(answers);
    });
    for (const note of asked) note();
    sim.step();
  }
  for (const tap of taps) show(sim, tap, undefined, false);
  sim.step(2);
  expect(countsOf(sim, sim.dut.down), `seed ${seed}`).toEqual(expected[0].counts);
  expect(countsOf(sim, sim.dut.up), `seed ${seed}`).toEqual(expected[1].counts);
  for (const { counts } of expected) expect(Math.min(...Object.values(counts))).toBeGreaterThan(100);

  sim.poke(sim.dut.clear, 1);
  sim.step();
  expect([countsOf(sim, sim.dut.down), countsOf(sim, sim.dut.up)]).toEqual([zero(), zero()]);
});

test('a completion that ends early counts its remaining bytes, and 4 KiB are not 0', () => {
  using sim = makeSim();
  const { down_tap, up_tap } = sim.dut;
  const from = { requester_id: 0x0100, tag: 3 };
  const beat = (tap: Sig<typeof LinkTap>, packet: Packet) => {
    show(sim, tap, packet, true);
    sim.step();
    show(sim, tap, undefined, false);
  };
  beat(up_tap, memoryRead({ ...from, address: 0x1_0000_0001n, bytes: 4000 }));
  beat(down_tap, completion(from, { completer_id: 0, byte_count: 4000, lower_address: 1 }, new Uint8Array(128)));
  beat(down_tap, completion(from, { completer_id: 0, byte_count: 2, lower_address: 0 }, new Uint8Array(4)));
  beat(down_tap, memoryWrite({ ...from, address: 0x1_0000_0000n, data: new Uint8Array(4096) }));
  beat(down_tap, {
    ...memoryWrite({ ...from, address: 0x1_0000_0000n, data: new Uint8Array(8) }),
    first_be: 0b1010,
    last_be: 0b0101,
  });
  beat(down_tap, { ...memoryWrite({ ...from, address: 0x1_0000_0000n, data: new Uint8Array(4) }), first_be: 0 });
  const host = { requester_id: 0, tag: 5 };
  beat(down_tap, memoryRead({ ...host, address: 0x1_0000_0000n, bytes: 4096 }));
  beat(up_tap, completion(host, { completer_id: 0x0100, byte_count: 4096, lower_address: 0 }, new Uint8Array(4096)));
  beat(down_tap, memoryRead({ ...host, address: 0x1_0000_0000n, bytes: 4 }));
  beat(up_tap, completion(host, { completer_id: 0x0100, byte_count: 4, lower_address: 0 }, new Uint8Array(4)));
  sim.step(2);
  expect(countsOf(sim, sim.dut.down).data_bytes).toBe(127 + 2 + 4096 + 4);
  expect(countsOf(sim, sim.dut.up).data_bytes).toBe(4096 + 4);
});

test('what is user data follows the ranges as they are, wherever they lie', () => {
  const seed = 9;
  const random = new Random(seed);
  using sim = makeSim();
  const { down_tap, up_tap, down, up } = sim.dut;
  const anyRange = (): readonly [bigint, bigint] => {
    const base = random.bits(64);
    const limit = base + BigInt(random.below(1 << 24));
    return [base, limit < 1n << 64n ? limit : base];
  };
  for (let i = 0; i < 80; i++) {
    const now = ranges.map(anyRange);
    now.forEach(([base, limit], n) => {
      const range = at(sim.dut.ranges, n);
      sim.poke(range.base, base);
      sim.poke(range.limit, limit);
    });
    sim.poke(sim.dut.clear, 1);
    sim.step();
    sim.poke(sim.dut.clear, 0);
    const expected = [0n, 0n];
    const cycle = random.bits(48);
    sim.poke(sim.dut.cycle, cycle);
    for (const [direction, tap] of [down_tap, up_tap].entries()) {
      const [base, limit] = random.pick(now);
      const address = random.pick([base, limit, (base + limit) >> 1n, random.bits(64), limit - 4n]) & 0xffff_ffff_ffff_fffcn;
      const from = { requester_id: random.below(2 ** 16), tag: random.below(2 ** 10) };
      const bytes = 4 * (1 + random.below(5));
      const write = { ...memoryWrite({ ...from, address: 0x1_0000_0000n, data: random.bytes(bytes) }), address };
      if (now.some(([from_, to]) => address >= from_ && address < to)) expected[direction] = BigInt(bytes);
      show(sim, tap, withAnyFields(random, write), true);
    }
    sim.step();
    for (const tap of [down_tap, up_tap]) show(sim, tap, undefined, false);
    sim.step(2);
    [down, up].forEach((counts, direction) => {
      const data = expected[direction] ?? 0n;
      const counted = [counts.data_bytes, counts.first_cycle, counts.first_data_cycle, counts.last_data_cycle];
      const inData = data === 0n ? 0n : cycle;
      expect(
        counted.map(count => sim.peek(count)),
        `seed ${seed}, ${i}`,
      ).toEqual([data, cycle, inData, inData]);
    });
  }
});

test('counts go beyond 16 bits, and clear from there', () => {
  using sim = makeSim();
  const { down_tap, up_tap, down, up, clear } = sim.dut;
  const from = { requester_id: 0x0100, tag: 3 };
  const cycles = 2 ** 16 + 7;
  const kinds = [
    ['posted', memoryWrite({ ...from, address: 0x1_0000_0000n, data: new Uint8Array(4) })],
    ['non_posted', configRead({ ...from, bus: 3, device: 0, function: 0, register: 4, kind: 0 })],
    ['completions', completion(from, { completer_id: 0x0700 })],
  ] as const;
  for (const [name, packet] of kinds) {
    for (const tap of [down_tap, up_tap]) show(sim, tap, packet, true);
    sim.step(cycles);
    for (const tap of [down_tap, up_tap]) show(sim, tap, undefined, false);
    sim.step(2);
    const data = name === 'posted' ? BigInt(cycles) : 0n;
    for (const counts of [down, up])
      expect([counts[name], counts.beats, counts.data_beats, counts.data_bytes].map(count => sim.peek(count))).toEqual([
        BigInt(cycles),
        BigInt(cycles),
        data,
        4n * data,
      ]);
    sim.poke(clear, 1);
    sim.step();
    sim.poke(clear, 0);
    sim.step();
    expect(sim.peek(down[name])).toBe(0n);
  }
});
