import type { ClockTiming } from '../../src/engine/clock-schedule.ts';
import { clockedDomains } from '../../src/engine/single-clock.ts';
import type { Engine } from '../../src/index.ts';
import type { Design } from '../../src/ir/ir.ts';
import { Random } from '../random.ts';

/** A port whose value differed, and when. */
export interface Difference {
  readonly cycle: number;
  readonly port: string;
  readonly values: readonly [bigint, bigint];
}

const bitsOf = (words: Uint32Array) => words.reduceRight((high, word) => (high << 32n) | BigInt(word), 0n);

/** Timings of the two groups of clocks: often they drift, sometimes all rise together. */
function timingsOf(seed: number): readonly [ClockTiming, ClockTiming] {
  const random = new Random(seed ^ 0x71c5);
  const timing = () => ({ period: 1 + random.below(7), phase: 1 + random.below(9) });
  const first = timing();
  return random.chance(0.2) ? [first, first] : [first, timing()];
}

/**
 * Runs a design on two engines with the same random inputs, resets and settlings, and compares all outputs after each cycle. Several stimuli of as many cycles follow one
 * another: clocks and state go on, so that nothing has to be built again.
 * @returns the first difference of each design that `gatherShared` put together, by its number; of a design on its own under 0.
 */
export function lockstep(
  design: Design,
  engines: readonly [Engine, Engine],
  seed: number,
  cycles: number,
  stimuli = 1,
): Map<number, Difference> {
  const [a, b] = timingsOf(seed);
  const clocks = Object.fromEntries(
    clockedDomains(design.top).map(({ clock }) => {
      return [clock, clock.startsWith('b_') || clock === 'other_clk' ? b : a];
    }),
  );
  using one = engines[0](design, { clocks, memories: [] });
  using two = engines[1](design, { clocks, memories: [] });
  // Each port has a random stream of its own, so that it gets the same values whatever other ports there are.
  const streamOf = (name: string, from: number) => {
    const own = name.replace(/^d\d+_/, '');
    return new Random([...own].reduce((sum, c) => Math.imul(sum, 31) + c.charCodeAt(0), from));
  };
  const pairs = [...one.ports.values()].map(port => {
    const other = two.ports.get(port.name);
    if (!other) throw new Error(`the second engine has no port ${port.name}`);
    return { port, other, reset: /rst(_n)?$/.test(port.name) ? (port.name.endsWith('_n') ? 1 : 0) : undefined };
  });
  const inputs = pairs.filter(({ port }) => port.direction === 'input');
  const outputs = pairs.filter(({ port }) => port.direction === 'output');
  const found = new Map<number, Difference>();
  const compare = (cycle: number) => {
    for (const { port, other } of outputs) {
      if (port.words.every((word, i) => word === other.words[i])) continue;
      const index = Number(/^d(\d+)_/.exec(port.name)?.[1] ?? 0);
      if (!found.has(index)) found.set(index, { cycle, port: port.name, values: [bitsOf(port.words), bitsOf(other.words)] });
    }
  };
  for (let stimulus = 0; stimulus < stimuli; stimulus++) {
    const from = (seed + 0x9e37 * stimulus) ^ 0x5eed;
    const random = new Random(from);
    const driven = inputs.map(input => ({ ...input, stream: streamOf(input.port.name, from) }));
    for (let cycle = 0; cycle < cycles; cycle++) {
      for (const { port, other, reset, stream } of driven) {
        if (stream.chance(0.3)) continue;
        let value = reset === undefined ? stream.bits(port.width) : BigInt(stream.chance(0.12) ? 1 - reset : reset);
        for (let i = 0; i < port.words.length; i++, value >>= 32n) {
          port.words[i] = Number(value & 0xffff_ffffn);
          other.words[i] = port.words[i] ?? 0;
        }
      }
      if (random.chance(0.25)) {
        one.settle();
        two.settle();
      } else {
        one.step();
        two.step();
      }
      compare(stimulus * cycles + cycle);
    }
  }
  return found;
}
