import { expect, test } from 'vitest';
import { ClockSchedule, timingsOf } from '../../src/engine/clock-schedule.ts';
import { embedded } from '../../src/engine/embedded.ts';
import { clockedDomains } from '../../src/engine/single-clock.ts';
import { bool, cat, elaborate, input, Module, memory, mux, output, reg, uint, when } from '../../src/index.ts';
import type { Design } from '../../src/ir/ir.ts';
import { Random } from '../random.ts';
import { randomDesign, resetKinds } from '../random-design.ts';
import { Limited, Placed, Tables, TwoClocks } from './constructs.ts';
import { gather } from './gather.ts';
import { hasIcarus, hexadecimal, runIcarus, type Stimulus } from './icarus.ts';
import { randomParts } from './random-parts.ts';
import { ResetTree } from './reset-tree.ts';

const first = Number(process.env.HDL_RANDOM_SEED ?? 1);

/** Compares the outputs of all designs in all cycles on both simulators. */
async function compare(designs: readonly Design[], cycles: number, seed: number): Promise<void> {
  const design = gather(designs);
  const clocks = clockedDomains(design.top).map(({ clock }) => clock);
  const timings = Object.fromEntries(clocks.map((name, i) => [name, { period: 2 + (i % 3) }]));
  const schedule = new ClockSchedule(clocks, timingsOf(clocks, timings));
  const random = new Random(seed);
  using simulation = embedded(design, { clocks: timings });
  const ports = [...simulation.ports.values()];
  const inputs = ports.filter(port => port.direction === 'input');
  const outputs = ports.filter(port => port.direction === 'output');
  simulation.settle();
  const stimulus: Stimulus[] = [];
  const expected: string[][] = [];
  for (let cycle = 0; cycle < cycles; cycle++) {
    const values = new Map<string, bigint>();
    for (const { name, width, words } of inputs) {
      if (random.chance(0.3)) continue;
      const active = random.chance(0.1);
      const reset = /rst(_n)?$/.test(name);
      const value = reset ? BigInt(name.endsWith('_n') ? !active : active) : random.bits(width);
      values.set(name, value);
      words.forEach((_, i) => {
        words[i] = Number((value >> BigInt(32 * i)) & 0xffffffffn);
      });
    }
    const rising = schedule.at(cycle);
    simulation.step(1);
    stimulus.push({ values, rising });
    expected.push(outputs.map(({ width, words }) => hexadecimal(number(words), width)));
  }
  const actual = await runIcarus(design, stimulus);
  const differences = expected.flatMap((line, cycle) =>
    line.flatMap((value, i) =>
      actual[cycle]?.[i] === value ? [] : [`cycle ${cycle} ${outputs[i]?.name}: ${value}, Icarus has ${actual[cycle]?.[i]}`],
    ),
  );
  expect(differences.slice(0, 10), `seeds from ${seed}`).toEqual([]);
}

const number = (words: Uint32Array) => words.reduceRight((value, word) => (value << 32n) | BigInt(word), 0n);

test.skipIf(!hasIcarus())('random designs behave under Icarus as on the embedded engine', async () => {
  await compare(
    Array.from({ length: 16 }, (_, i) => randomDesign(first + i, { maxWidth: i % 2 ? 12 : 300 })),
    40,
    first,
  );
});

test.skipIf(!hasIcarus())('designs with two clocks and resets of all kinds do', async () => {
  const pairs = resetKinds.flatMap(a => resetKinds.map(b => [a, b] as const));
  const designs = pairs.map((resets, i) => randomDesign(first + i, { maxWidth: 40, expressions: 20, resets }));
  await compare(designs, 60, first);
});

test.skipIf(!hasIcarus())('memories with contents, parameters and two clocks from the language do', async () => {
  const limited = elaborate(() => new Limited({ limit: 100, flag: true })).design;
  const designs = [elaborate(() => new Tables()).design, limited, elaborate(() => new TwoClocks()).design];
  await compare(designs, 200, first);
});

test.skipIf(!hasIcarus())('resets that the design makes for two clocks from one of outside do', async () => {
  await compare([elaborate(() => new ResetTree()).design], 400, first);
});

test.skipIf(!hasIcarus())('parts that a signal chooses are the same bits', async () => {
  const designs = Array.from({ length: 24 }, (_, i) => randomParts(first + i));
  await compare([elaborate(() => new Placed()).design, ...designs], 60, first);
});

/** Sums, differences and products that wrap, as places in a memory and in values. */
class Wrapped extends Module {
  readonly a = input(uint(2));
  readonly b = input(uint(2));
  readonly value = input(uint(4));
  readonly write = input(bool);
  readonly word = output(uint(8));
  readonly other = output(uint(8));
  readonly chosen = output(bool);
  readonly changed = output(uint(4));
  private readonly words = memory(uint(8), { depth: 4, init: [1, 2, 4, 8] });
  private readonly bits = reg(uint(4), { init: 0 });

  protected override logic() {
    const { a, b, words, bits } = this;
    this.word.set(words.peek(a.add(b)));
    this.other.set(words.peek(mux(this.write, a.sub(b).not(), a.mul(b).trunc(2).xor(b))));
    this.chosen.set(this.value.bit(a.add(b).xor(1)));
    this.changed.set(bits);
    when(this.write, () => {
      words.write(a.add(b).add(1), cat(this.value, this.value));
      bits.bit(a.sub(b)).set(this.value.bit(b.add(3)));
    });
  }
}

test.skipIf(!hasIcarus())(
  'places that wrap are inside, though Icarus computes an index with more bits than its operands have',
  async () => {
    await compare([elaborate(() => new Wrapped()).design], 200, first);
  },
);
