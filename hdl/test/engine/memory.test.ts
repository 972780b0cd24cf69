import { describe, expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import { assign, constant, design, ModuleBuilder, memoryRead, read, when, write } from './ir-builder.ts';
import { get, set, setWord, word } from './ports.ts';

const ones = (width: number) => (1n << BigInt(width)) - 1n;

/** A memory with one write port, one combinational and one synchronous read port. */
function memoryDesign(width: number, depth: number, addressWidth: number, lane = width, init?: bigint) {
  const builder = new ModuleBuilder('Top');
  const memory = builder.memory('ram', width, depth, lane);
  const [we, wa, data] = [builder.input('we', 1), builder.input('wa', addressWidth), builder.input('data', width)];
  const mask = lane === width ? undefined : builder.input('mask', width / lane);
  const ra = builder.input('ra', addressWidth);
  const held = builder.register('held', width, init);
  builder.body.push(when(we, [write(memory, wa, data, mask)]), assign(held, memoryRead(memory, ra)));
  builder.output('now', memoryRead(memory, ra));
  builder.output('later', read(held));
  return design(builder.build());
}

describe('layout of the bytes', () => {
  test.each([
    [1, 1],
    [8, 1],
    [9, 2],
    [16, 2],
    [17, 4],
    [32, 4],
    [33, 8],
    [64, 8],
    [65, 16],
    [128, 16],
    [130, 24],
    [256, 32],
    [300, 40],
  ])('words of %i bits are %i bytes apart', (width, stride) => {
    using simulation = embedded(memoryDesign(width, 5, 3));
    const view = simulation.memory('ram');
    expect(view).toMatchObject({ width, depth: 5, stride });
    expect(view.bytes.length).toBe(5 * stride);
    const value = ones(width) ^ 1n;
    set(simulation, 'we', 1);
    set(simulation, 'wa', 3);
    set(simulation, 'data', value);
    simulation.step();
    expect([2, 3, 4].map(i => word(view, i))).toEqual([0n, value, 0n]);
    set(simulation, 'we', 0);
    setWord(view, 4, value);
    set(simulation, 'ra', 4);
    simulation.settle();
    expect(get(simulation, 'now')).toBe(value);
  });
});

test('an address at or beyond the depth reads 0 and writes nothing', () => {
  for (const [depth, addressWidth] of [
    [1, 1],
    [5, 3],
    [5, 70],
    [8, 4],
    [1000, 40],
  ] as const) {
    using simulation = embedded(memoryDesign(40, depth, addressWidth));
    const view = simulation.memory('ram');
    view.bytes.fill(0xff);
    for (let i = 0; i < depth; i++) setWord(view, i, ones(40));
    set(simulation, 'we', 1);
    set(simulation, 'data', 0x123456789n);
    for (const address of [BigInt(depth), ones(addressWidth), 1n << BigInt(addressWidth - 1)]) {
      if (address < BigInt(depth) || address > ones(addressWidth)) continue;
      set(simulation, 'wa', address);
      set(simulation, 'ra', address);
      simulation.step();
      expect(get(simulation, 'now'), `depth ${depth}, address ${address}`).toBe(0n);
      for (let i = 0; i < depth; i++) expect(word(view, i)).toBe(ones(40));
    }
    set(simulation, 'wa', depth - 1);
    set(simulation, 'ra', depth - 1);
    simulation.step();
    expect(get(simulation, 'now')).toBe(0x123456789n);
  }
});

describe('masked writes change the lanes of their mask', () => {
  test.each([
    [32, 8],
    [256, 8],
    [256, 32],
    [96, 12],
    [100, 1],
    [3, 1],
    [210, 70],
    [72, 9],
    [128, 64],
    [280, 4],
  ])('%i bits in lanes of %i', (width, lane) => {
    using simulation = embedded(memoryDesign(width, 4, 2, lane));
    const view = simulation.memory('ram');
    const lanes = width / lane;
    set(simulation, 'we', 1);
    set(simulation, 'wa', 2);
    let expected = 0n;
    const alternating = ones(lanes) / 3n;
    for (const [mask, data] of [
      [ones(lanes), ones(width) / 5n],
      [alternating, ones(width)],
      [0n, 0n],
      [1n, 0n],
      [1n << BigInt(lanes - 1), ones(width) / 7n],
      [ones(lanes) ^ 1n, ones(width) / 11n],
    ] as const) {
      set(simulation, 'mask', mask);
      set(simulation, 'data', data);
      simulation.step();
      for (let i = 0; i < lanes; i++) {
        if (((mask >> BigInt(i)) & 1n) === 0n) continue;
        const bits = ones(lane) << BigInt(i * lane);
        expected = (expected & ~bits) | (data & bits);
      }
      expect(word(view, 2), `mask ${mask.toString(2)}`).toBe(expected);
    }
  });
});

test('a synchronous read gives the old word where the same edge writes', () => {
  using simulation = embedded(memoryDesign(8, 4, 2));
  set(simulation, 'we', 1);
  set(simulation, 'data', 7);
  simulation.step();
  set(simulation, 'data', 9);
  simulation.step();
  expect([get(simulation, 'later'), get(simulation, 'now')]).toEqual([7n, 9n]);
});

test('of two writes to one word the later statement wins, lane by lane', () => {
  const builder = new ModuleBuilder('Top');
  const memory = builder.memory('ram', 16, 4, 8);
  builder.body.push(
    write(memory, constant(2, 1), constant(16, 0x1122)),
    when(builder.input('second', 1), [write(memory, constant(2, 1), constant(16, 0x3344), constant(2, 2))]),
  );
  using simulation = embedded(design(builder.build()));
  simulation.step();
  expect(word(simulation.memory('ram'), 1)).toBe(0x1122n);
  set(simulation, 'second', 1);
  simulation.step();
  expect(word(simulation.memory('ram'), 1)).toBe(0x3322n);
});

test('reset does not stop writes', () => {
  using simulation = embedded(memoryDesign(8, 4, 2, 8, 0n));
  set(simulation, 'rst', 1);
  set(simulation, 'we', 1);
  set(simulation, 'data', 5);
  simulation.step();
  expect(word(simulation.memory('ram'), 0)).toBe(5n);
});

test('64 MiB of memory', () => {
  using simulation = embedded(memoryDesign(256, 2 ** 21, 21));
  set(simulation, 'we', 1);
  set(simulation, 'wa', 2 ** 21 - 1);
  set(simulation, 'data', ones(256));
  simulation.step();
  expect(word(simulation.memory('ram'), 2 ** 21 - 1)).toBe(ones(256));
});
