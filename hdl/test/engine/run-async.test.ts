import { describe, expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import { type RunAsyncOptions, runAsync } from '../../src/engine/run-async.ts';
import { SimulationError } from '../../src/engine/simulation.ts';
import { arithmetic, assign, compare, constant, design, ModuleBuilder, read } from './ir-builder.ts';
import { get, set } from './ports.ts';

/** Counts, and asks for attention at `stop`. */
function counter() {
  const builder = new ModuleBuilder('Counter');
  const stop = builder.input('stop', 16);
  const count = builder.register('count', 16);
  builder.body.push(assign(count, arithmetic('add', read(count), constant(16, 1))));
  builder.output('value', read(count));
  builder.output('attention', compare('eq', read(count), stop));
  return embedded(design(builder.build()));
}

describe.each<[string, RunAsyncOptions]>([
  ['slices of 1', { slice: 1 }],
  ['slices that end where the run does', { slice: 25 }],
  ['slices that do not', { slice: 7 }],
  ['one slice', { slice: 1000 }],
  ['measured slices', {}],
])('%s', (_, options) => {
  test.each([
    ['until attention', 33, 1000, 33],
    ['to the end', 60_000, 100, 100],
    ['where attention is in the last cycle', 100, 100, 100],
    ['not at all', 60_000, 0, 0],
  ])('run %s', async (_what, stop, most, ran) => {
    using simulation = counter();
    using blocking = counter();
    set(simulation, 'stop', stop);
    set(blocking, 'stop', stop);
    expect(await runAsync(simulation, most, options)).toBe(ran);
    expect(blocking.run(most)).toBe(ran);
    expect(simulation.save()).toEqual(blocking.save());
    expect(get(simulation, 'value')).toBe(BigInt(ran));
  });
});

test('progress is told after each slice', async () => {
  using simulation = counter();
  set(simulation, 'stop', 60_000);
  const told: (readonly [number, number])[] = [];
  await runAsync(simulation, 10, { slice: 4, onProgress: (cycles, most) => told.push([cycles, most]) });
  expect(told).toEqual([
    [4, 10],
    [8, 10],
    [10, 10],
  ]);
});

test('others get their turn, and may stop the run', async () => {
  using simulation = counter();
  set(simulation, 'stop', 60_000);
  const controller = new AbortController();
  // 20,000 turns of the event loop take longer than the shortest timer.
  setTimeout(() => controller.abort(new Error('enough')), 0);
  await expect(runAsync(simulation, Number.MAX_SAFE_INTEGER, { signal: controller.signal, slice: 3 })).rejects.toThrow('enough');
  expect(simulation.cycle).toBeGreaterThan(0);
  expect(simulation.cycle % 3).toBe(0);
  const { cycle } = simulation;
  simulation.step();
  expect(simulation.cycle).toBe(cycle + 1);
});

test('measured slices become long where cycles are short', async () => {
  using simulation = counter();
  set(simulation, 'stop', 60_000);
  const ends: number[] = [];
  await runAsync(simulation, 50_000, { onProgress: cycles => ends.push(cycles) });
  expect(ends[0]).toBe(256);
  expect(ends.length).toBeLessThan(50_000 / 256);
});

test('what run refuses is refused, and so is a slice of nothing', async () => {
  using simulation = counter();
  await expect(runAsync(simulation, -1)).rejects.toThrow(SimulationError);
  await expect(runAsync(simulation, 1.5, { slice: 4 })).rejects.toThrow('not 1.5');
  await expect(runAsync(simulation, 5, { slice: 0 })).rejects.toThrow('not 0');
});
