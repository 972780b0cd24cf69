import fc from 'fast-check';
import { expect } from 'vitest';
import { type CrcSpec, crcs, maximalTaps } from '../../src/index.ts';
import type { Bench } from './bench.ts';
import { type Property, property } from './property.ts';
import { number } from './traffic.ts';

/** One cycle of a block without streams: what its inputs get. */
type Inputs = { readonly [port: string]: number | bigint };

const bitsOf = (ports: { readonly [port: string]: number }): { readonly [port: string]: fc.Arbitrary<number> } =>
  Object.fromEntries(Object.entries(ports).map(([name, bits]) => [name, number(bits)]));

const cycles = (ports: { readonly [port: string]: number }): fc.Arbitrary<Inputs[]> =>
  fc.array(fc.record(bitsOf(ports)), { maxLength: 80 });

/** Runs a block from reset beside its model: `expected` says what the outputs are in each cycle, `next` what the clock edge changes. */
function beside<S>(
  bench: Bench,
  inputs: readonly Inputs[],
  start: S,
  expected: (state: S, now: Inputs) => Inputs,
  next: (state: S, now: Inputs) => S,
): void {
  bench.reset();
  let state = start;
  inputs.forEach((now, cycle) => {
    for (const [port, value] of Object.entries(now)) bench.set(port, value);
    bench.settle();
    for (const [port, value] of Object.entries(expected(state, now)))
      expect(bench.get(port), `${port} in cycle ${cycle}`).toBe(BigInt(value));
    state = next(state, now);
    bench.step();
  });
}

const tracker = property(
  'packet_tracker',
  'it knows the first word of each packet and counts words',
  cycles({ word: 1, last: 1 }),
  (bench, inputs) =>
    beside(
      bench,
      inputs,
      [] as readonly number[],
      words => ({ first: words.length === 0 ? 1 : 0, index: words.length % 8 }),
      (words, { word, last }) => (word ? (last ? [] : [...words, 0]) : words),
    ),
);

/** A word with the lanes of `mask` replaced. */
function merged(old: bigint, data: bigint, mask: bigint, lane: bigint): bigint {
  let result = 0n;
  for (let low = 0n, rest = mask, at = old | data; at >> low !== 0n; low += lane, rest >>= 1n) {
    const lanes = ((1n << lane) - 1n) << low;
    result |= (rest & 1n ? data : old) & lanes;
  }
  return result;
}

interface Ram {
  /** Written words by address; others are unknown. */
  readonly words: ReadonlyMap<number, bigint>;
  /** What each port has read: the word, or the address for one that follows it. */
  readonly read: readonly (bigint | undefined)[];
}

interface RamPort {
  readonly enable: string;
  readonly write_enable: string;
  readonly write_address: string;
  readonly write_data: string;
  readonly read_address: string;
  readonly read_data: string;
}

/** A RAM that is filled first, then used at random: what is read first or written first stands in `late`. */
function ram(example: string, ports: readonly RamPort[], depth: number, bits: number, lane: number, late: boolean): Property {
  const [writer] = ports;
  if (!writer) throw new Error('a RAM has ports');
  const lanes = bits / lane;
  const widths = Object.fromEntries(
    ports.flatMap(p => [
      [p.enable, 1],
      [p.write_enable, lanes],
      [p.write_data, bits],
    ]),
  );
  const addresses = Object.fromEntries(
    ports.flatMap(p => [p.write_address, p.read_address]).map(name => [name, fc.integer({ min: 0, max: depth - 1 })]),
  );
  const any: fc.Arbitrary<Inputs[]> = fc.array(fc.record({ ...bitsOf(widths), ...addresses }), { maxLength: 80 });
  const fill = Array.from({ length: depth }, (_, i) => ({
    ...Object.fromEntries(ports.flatMap(({ read_data: _, ...inputs }) => Object.values(inputs).map(name => [name, 0]))),
    [writer.enable]: 1,
    [writer.write_enable]: 2 ** lanes - 1,
    [writer.write_address]: i,
    [writer.write_data]: (i * 37 + 11) % 2 ** bits,
  }));
  const at = (now: Inputs, name: string) => Number(now[name] ?? 0);
  /** The simple one reads and writes by enables of their own. */
  const enabled = (now: Inputs, p: RamPort) => (p.enable === 'read_enable' ? true : at(now, p.enable) === 1);
  const collide = (now: Inputs) => {
    const writes = ports.filter(p => enabled(now, p) && at(now, p.write_enable) !== 0).map(p => at(now, p.write_address));
    return new Set(writes).size < writes.length;
  };
  return property(
    example,
    `a read gives the ${late ? 'new' : 'old'} word where one edge writes it, lane by lane, and stays while nothing is read`,
    any,
    (bench, inputs) =>
      beside<Ram>(
        bench,
        [...fill, ...inputs.filter(now => !collide(now))],
        { words: new Map(), read: ports.map(() => undefined) },
        ({ words, read }) =>
          Object.fromEntries(
            ports.flatMap((p, i) => {
              const value = late ? words.get(Number(read[i] ?? -1)) : read[i];
              return value === undefined ? [] : [[p.read_data, value]];
            }),
          ),
        ({ words, read }, now) => {
          const after = new Map(words);
          for (const p of ports) {
            const address = at(now, p.write_address);
            const mask = BigInt(at(now, p.write_enable));
            if (enabled(now, p) && mask !== 0n)
              after.set(address, merged(words.get(address) ?? 0n, BigInt(at(now, p.write_data)), mask, BigInt(lane)));
          }
          const reads = ports.map((p, i) => {
            if (at(now, p.enable) === 0) return read[i];
            return late ? BigInt(at(now, p.read_address)) : words.get(at(now, p.read_address));
          });
          return { words: after, read: reads };
        },
      ),
  );
}

const simplePort: RamPort = {
  enable: 'read_enable',
  write_enable: 'write_enable',
  write_address: 'write_address',
  write_data: 'write_data',
  read_address: 'read_address',
  read_data: 'read_data',
};
const port = (name: string): RamPort => ({
  enable: `${name}_enable`,
  write_enable: `${name}_write_enable`,
  write_address: `${name}_address`,
  write_data: `${name}_write_data`,
  read_address: `${name}_address`,
  read_data: `${name}_read_data`,
});

const rams = [
  ram('simple_dual_port_ram', [simplePort], 16, 8, 8, false),
  ram('write_first_ram', [simplePort], 12, 32, 8, true),
  ram('true_dual_port_ram', [port('a'), port('b')], 8, 16, 8, false),
  ram('write_first_dual_port_ram', [port('a'), port('b')], 8, 8, 8, true),
];

/** Steps of a link: the partner frees some of what is out, or a packet asks to go. */
const link = (width: number) =>
  fc.record({
    initial: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** (width - 1) - 1 })),
    steps: fc.array(
      fc.record({ free: number(width), update: fc.boolean(), needed: fc.integer({ min: 0, max: 2 ** (width - 1) - 1 }) }),
      {
        maxLength: 150,
      },
    ),
  });

const credits = [8, 12].map(width =>
  property(
    `credit_counter${width === 8 ? '' : `_${width}`}`,
    'a packet may go exactly if the credits that were granted, counted without end, suffice',
    link(width),
    (bench, { initial, steps }) => {
      let granted = initial;
      let told = initial;
      let used = 0;
      bench.reset();
      bench.set('needed', 1);
      bench.settle();
      expect(bench.get('enough'), 'before it is initialised').toBe(0n);
      bench.set('initialise', 1);
      bench.set('limit', initial);
      bench.step();
      bench.set('initialise', 0);
      for (const { free, update, needed } of steps) {
        granted += Math.min(free, used + initial - granted);
        bench.set('update', initial > 0 && update);
        bench.set('limit', granted);
        bench.set('needed', needed);
        bench.settle();
        const enough = initial === 0 || used + needed <= told;
        expect(bench.get('enough'), `${told} granted, ${used} used, ${needed} needed`).toBe(enough ? 1n : 0n);
        bench.set('take', enough);
        if (enough) used += needed;
        if (initial > 0 && update) told = granted;
        bench.step();
      }
    },
  ),
);

/** One step of a Galois LFSR. */
const stepped = (state: bigint, taps: bigint) => (state >> 1n) ^ (state & 1n ? taps : 0n);

const lfsrs = (
  [
    ['lfsr', 16, 1, 1n],
    ['lfsr_by_8', 23, 8, 0x12345n],
  ] as const
).map(([name, width, steps, seed]) =>
  property(name, `it takes ${steps} steps in each enabled cycle`, cycles({ en: 1 }), (bench, inputs) =>
    beside(
      bench,
      inputs,
      seed as bigint,
      state => ({ value: state }),
      (state, { en }) => {
        let next = state;
        for (let i = 0; en && i < steps; i++) next = stepped(next, maximalTaps(width));
        return next;
      },
    ),
  ),
);

const reversed = (value: bigint, width: number) =>
  BigInt(`0b${value.toString(2).padStart(width, '0').split('').reverse().join('')}`);

/** The check of some bytes, bit by bit. */
export function crcOfBytes(
  { width, polynomial, init, reflectIn, reflectOut, xorOut }: CrcSpec,
  bytes: readonly number[],
): bigint {
  const mask = (1n << BigInt(width)) - 1n;
  let state = init;
  for (const byte of bytes) {
    for (let i = 0; i < 8; i++) {
      const bit = BigInt((byte >> (reflectIn ? i : 7 - i)) & 1) ^ (state >> BigInt(width - 1));
      state = ((state << 1n) ^ (bit ? polynomial : 0n)) & mask;
    }
  }
  return (reflectOut ? reversed(state, width) : state) ^ xorOut;
}

const bytesOf = (word: number | bigint, count: number) =>
  Array.from({ length: count }, (_, i) => Number((BigInt(word) >> BigInt(8 * i)) & 0xffn));

const checks = Object.entries<CrcSpec>(crcs).map(([name, crc]) => {
  const bytes = name === 'crc32' ? 4 : 1;
  return property(
    name === 'crc32' ? 'crc' : `crc_${name}`,
    'it is the check of the bytes since the first word',
    cycles({ word: 1, first: 1, data: 8 * bytes }),
    (bench, inputs) =>
      beside(
        bench,
        inputs,
        [] as readonly number[],
        sent => ({ result: crcOfBytes(crc, sent) }),
        (sent, { word, first, data = 0 }) => (word ? [...(first ? [] : sent), ...bytesOf(data, bytes)] : sent),
      ),
  );
});

export const blockProperties: readonly Property[] = [tracker, ...rams, ...credits, ...lfsrs, ...checks];
