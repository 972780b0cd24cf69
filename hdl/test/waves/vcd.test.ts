import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import {
  arithmetic,
  assign,
  connect,
  constant,
  design,
  extend,
  ModuleBuilder,
  output,
  read,
  slice,
} from '../engine/ir-builder.ts';
import { get, set } from '../engine/ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'vcd-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A child with an 80-bit register that adds its input; the top has a wire of it, and a register that nothing reads. */
function traced() {
  const child = new ModuleBuilder('Adder');
  const input = child.input('in', 4);
  const total = child.register('total', 80, 1n);
  child.body.push(assign(total, arithmetic('add', read(total), extend(input, 80))));
  child.output('out', read(total));
  const top = new ModuleBuilder('Top');
  const given = top.input('given', 4);
  const adder = top.instance('adder', child.build());
  const low = top.wire('low', 4);
  const unread = top.register('unread', 1);
  top.body.push(
    connect(adder, 'in', given),
    assign(low, slice(output(adder, 'out'), 0, 4)),
    assign(unread, slice(read(low), 0, 1)),
  );
  top.output('sum', arithmetic('add', read(low), given));
  return design(top.build());
}

test('the waveform has every signal in its scope and the settled values before each edge', () => {
  const file = join(folder, 'wave.vcd');
  {
    using simulation = embedded(traced(), { trace: file });
    set(simulation, 'rst', 1);
    simulation.step();
    set(simulation, 'rst', 0);
    set(simulation, 'given', 15);
    simulation.step();
    set(simulation, 'given', 2);
    simulation.settle();
    set(simulation, 'given', 3);
    simulation.run(2);
    expect(get(simulation, 'sum')).toBe(BigInt((1 + 15 + 3 + 3 + 3) % 16));
    set(simulation, 'given', 0);
  }
  expect(readFileSync(file, 'utf8').split('\n')).toEqual([
    '$timescale 1 ns $end',
    '$scope module Top $end',
    '$var wire 1 ! rst $end',
    '$var wire 4 " given [3:0] $end',
    '$var wire 4 # low [3:0] $end',
    '$var wire 1 $ unread $end',
    '$var wire 4 % sum [3:0] $end',
    '$scope module adder $end',
    '$var wire 4 " in [3:0] $end',
    '$var wire 80 & total [79:0] $end',
    '$var wire 80 & out [79:0] $end',
    '$upscope $end',
    '$upscope $end',
    '$enddefinitions $end',
    '#0',
    ...['1!', 'b0 "', 'b0 #', '0$', 'b0 %', 'b0 &'],
    '#1',
    ...['0!', 'b1111 "', 'b1 #', 'b1 &'],
    '#2',
    ...['b11 "', 'b0 #', '1$', 'b11 %', 'b10000 &'],
    '#3',
    ...['b11 #', '0$', 'b110 %', 'b10011 &'],
    '#4',
    ...['b0 "', 'b110 #', '1$', 'b10110 &'],
    '',
  ]);
});

test('times at which nothing changes are left out, but for the end', () => {
  const file = join(folder, 'still.vcd');
  {
    using simulation = embedded(traced(), { trace: file });
    simulation.step(7);
    set(simulation, 'given', 1);
    simulation.step(1);
    set(simulation, 'given', 0);
    simulation.step(5);
  }
  const times = readFileSync(file, 'utf8').match(/^#\d+$/gm);
  expect(times).toEqual(['#0', '#7', '#8', '#9', '#13']);
});

test('a traced run computes the same', () => {
  using plain = embedded(traced());
  using other = embedded(traced(), { trace: join(folder, 'other.vcd') });
  for (let i = 0; i < 20; i++) {
    for (const simulation of [plain, other]) {
      set(simulation, 'given', (i * 7) % 16);
      simulation.step(1 + (i % 3));
    }
    expect(get(other, 'sum')).toBe(get(plain, 'sum'));
  }
});

test('a file that cannot be created is an error that names it', () => {
  const file = join(folder, 'missing', 'wave.vcd');
  expect(() => embedded(traced(), { trace: file })).toThrow(`The waveform ${file} cannot be created`);
});

test('many signals have identifiers of several characters', () => {
  const builder = new ModuleBuilder('Top');
  for (let i = 0; i < 100; i++) builder.output(`out${i}`, constant(1, i & 1));
  const file = join(folder, 'many.vcd');
  embedded(design(builder.build()), { trace: file })[Symbol.dispose]();
  const codes = [...readFileSync(file, 'utf8').matchAll(/\$var wire 1 (\S+) /g)].map(found => found[1]);
  expect(new Set(codes).size).toBe(100);
  expect([codes[93], codes[94], codes[95]]).toEqual(['~', '!!', '"!']);
});
