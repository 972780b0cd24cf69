import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import type { Gating } from '../../src/engine/machine.ts';
import { simulate } from '../../src/engine/simulate.ts';
import { type Simulation, SimulationError } from '../../src/engine/simulation.ts';
import { clockedDomains } from '../../src/engine/single-clock.ts';
import { cover, input, Module, output, reg, uint, when } from '../../src/index.ts';
import { Random } from '../random.ts';
import { type RandomDesignOptions, randomDesign } from '../random-design.ts';
import { arithmetic, assign, constant, design, ModuleBuilder, memoryRead, read, slice, write } from './ir-builder.ts';
import { get, set, setWord, word } from './ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'save-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The first seed; set HDL_RANDOM_SEED to look at others. */
const first = Number(process.env.HDL_RANDOM_SEED ?? 1);

/** Drives inputs at random and gives all outputs after each step. */
function play(simulation: Simulation, seed: number, rounds: number): string[] {
  const random = new Random(seed);
  return Array.from({ length: rounds }, () => {
    for (const { name, direction, width } of simulation.ports.values())
      if (direction === 'input' && random.chance(0.4)) set(simulation, name, random.bits(width));
    simulation.step(random.pick([1, 1, 2, 5]));
    return outputs(simulation);
  });
}

function outputs(simulation: Simulation): string {
  const values = [...simulation.ports.values()].map(({ name, direction }) =>
    direction === 'output' ? `${name} ${get(simulation, name)}` : '',
  );
  return `${simulation.cycle} ${values.join(' ')}`;
}

const sync = { kind: 'sync', active: 'low' } as const;
const async = { kind: 'async', active: 'high' } as const;

const sizes: readonly { name: string; count: number; options: RandomDesignOptions }[] = [
  { name: 'of any width', count: 5, options: { expressions: 25 } },
  { name: 'of at most 8 bits', count: 8, options: { maxWidth: 8 } },
  {
    name: 'with two clocks and asynchronous resets',
    count: 5,
    options: { maxWidth: 70, expressions: 20, resets: [sync, async] },
  },
];

describe.each(sizes)('random designs $name', ({ count, options }) => {
  test('go on from a saved state on any kind of code, traced or not', () => {
    for (let seed = first; seed < first + count; seed++) {
      const tree = randomDesign(seed, options);
      const clocks = Object.fromEntries(
        clockedDomains(tree.top).map(({ clock }, i) => [clock, { period: 2 + i, phase: 1 + i }] as const),
      );
      using saved = embedded(tree, { clocks, gating: 'always' });
      play(saved, seed, 6);
      const [memory] = [...tree.top.memories];
      if (memory) setWord(saved.memory(memory.name), 0, 1n);
      saved.settle();
      const state = saved.save();
      const before = outputs(saved);
      const expected = play(saved, ~seed, 6);
      for (const gating of ['always', 'never', 'traced'] satisfies (Gating | 'traced')[]) {
        using simulation =
          gating === 'traced' ? embedded(tree, { clocks, trace: join(folder, 'w.vcd') }) : embedded(tree, { clocks, gating });
        play(simulation, seed + 7, 3);
        simulation.restore(state);
        const what = `seed ${seed}, ${gating}`;
        expect(outputs(simulation), what).toBe(before);
        if (gating !== 'traced') expect(simulation.save(), what).toEqual(state);
        expect(play(simulation, ~seed, 6), what).toEqual(expected);
      }
      saved.restore(state);
      expect(play(saved, ~seed, 6), `seed ${seed}, itself`).toEqual(expected);
    }
  });
});

/** Writes a count to a memory that is larger than a piece of a saved state, and reads it back. */
function memoryDesign(step = 1) {
  const builder = new ModuleBuilder('Log');
  const ram = builder.memory('ram', 32, 4096);
  const count = builder.register('count', 12, 5n);
  builder.body.push(
    assign(count, arithmetic('add', read(count), constant(12, step))),
    write(ram, read(count), builder.input('data', 32)),
  );
  builder.output('last', memoryRead(ram, arithmetic('sub', read(count), constant(12, 1))));
  builder.output('low', slice(read(count), 0, 4));
  return design(builder.build());
}

test('memories come back, and what is all 0 takes no room', () => {
  using simulation = embedded(memoryDesign());
  setWord(simulation.memory('ram'), 4095, 0xdead_beefn);
  set(simulation, 'data', 0x1234);
  simulation.step(3);
  const state = simulation.save();
  expect(state.length).toBeLessThan(2 * 4096 + 100);
  set(simulation, 'data', 0x5678);
  setWord(simulation.memory('ram'), 2000, 7n);
  simulation.step(4000);
  simulation.restore(state);
  expect(simulation.cycle).toBe(3);
  expect(get(simulation, 'data')).toBe(0x1234n);
  expect(get(simulation, 'last')).toBe(0x1234n);
  const ram = simulation.memory('ram');
  expect([0, 2, 3, 2000, 4095].map(index => word(ram, index))).toEqual([0x1234n, 0x1234n, 0n, 0n, 0xdead_beefn]);
});

describe('a state that does not fit is refused and changes nothing', () => {
  const state = (() => {
    using simulation = embedded(memoryDesign());
    set(simulation, 'data', 1);
    simulation.step(9);
    return simulation.save();
  })();
  test.each([
    ['of another design', embedded(memoryDesign(2)), state, 'This state is of another design than Log'],
    ['cut off', embedded(memoryDesign()), state.subarray(0, -1), 'This state of Log is not complete'],
    ['too long', embedded(memoryDesign()), Uint8Array.of(...state, 0), 'This state of Log is not complete'],
    ['no state', embedded(memoryDesign()), new Uint8Array(10), 'These bytes are no state'],
    ['empty', embedded(memoryDesign()), new Uint8Array(), 'These bytes are no state'],
  ])('%s', (_, simulation, bytes, message) => {
    set(simulation, 'data', 3);
    simulation.step(2);
    const before = simulation.save();
    expect(() => simulation.restore(bytes)).toThrow(SimulationError);
    expect(() => simulation.restore(bytes)).toThrow(message);
    expect(simulation.save()).toEqual(before);
  });
});

test('time goes on in a waveform when the simulation goes back', () => {
  const file = join(folder, 'back.vcd');
  {
    using simulation = embedded(memoryDesign(), { trace: file });
    simulation.step(2);
    const state = simulation.save();
    simulation.step(3);
    simulation.restore(state);
    simulation.step(2);
    expect(simulation.cycle).toBe(4);
  }
  const times = [...readFileSync(file, 'utf8').matchAll(/^#(\d+)$/gm)].map(found => Number(found[1]));
  expect(times).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

class Counter extends Module {
  readonly en = input(uint(1));
  readonly value = output(uint(8));
  private readonly count = reg(uint(8), { init: 0 });
  protected override logic() {
    when(this.en.eq(1), () => this.count.set(this.count.add(1)));
    this.value.set(this.count);
    cover(this.count.eq(3), 'three');
  }
}

test('typed simulations save and restore, with what was covered', () => {
  using simulation = simulate(() => new Counter());
  const start = simulation.save();
  simulation.poke(simulation.dut.en, 1);
  simulation.step(5);
  expect(simulation.covers.map(({ covered }) => covered)).toEqual([true]);
  const later = simulation.save();
  simulation.restore(start);
  expect(simulation.peek(simulation.dut.value)).toBe(0n);
  expect(simulation.covers.map(({ covered }) => covered)).toEqual([false]);
  simulation.step(2);
  expect(simulation.peek(simulation.dut.value)).toBe(0n);
  simulation.restore(later);
  expect(simulation.peek(simulation.dut.value)).toBe(5n);
  expect(simulation.covers.map(({ covered }) => covered)).toEqual([true]);
});
