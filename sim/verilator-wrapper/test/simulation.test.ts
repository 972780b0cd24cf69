import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SimulationError } from '@hdl/ts-hdl';
import { expect, test } from 'vitest';
import { VerilatorError, verilateVerilog } from '../src/index.ts';
import { bench, get, inFolder, port, set, thrown } from './designs.ts';

test('ports have the names and widths of the Verilog, even those that C++ does not allow', () => {
  using simulation = verilateVerilog({ ...bench, portOrder: ['en', 'we'] });
  expect([...simulation.ports.values()].map(p => `${p.direction} ${p.name} ${p.width} ${p.words.length}`).toSorted()).toEqual([
    'input address 4 1',
    'input data 100 4',
    'input en 1 1',
    'input interrupt 1 1',
    'input rst 1 1',
    'input we 1 1',
    'output attention 1 1',
    'output count 32 1',
    'output first8 8 1',
    'output interrupt__n 1 1',
    'output q100 100 4',
    'output q16 16 1',
    'output q30 30 1',
    'output q48 48 2',
    'output q8 8 1',
  ]);
  expect([...simulation.ports.keys()].slice(-2)).toEqual(['en', 'we']);
  expect(get(port(simulation, 'interrupt__n'))).toBe(1n);
  set(port(simulation, 'interrupt'), 1n);
  simulation.settle();
  expect(get(port(simulation, 'interrupt__n'))).toBe(0n);
});

test('a cycle settles with the inputs as they are, then clocks; outputs are settled after it', () => {
  using simulation = verilateVerilog(bench);
  const [en, count, rst] = ['en', 'count', 'rst'].map(name => port(simulation, name));
  if (!en || !count || !rst) throw new Error();
  simulation.step(5);
  expect(get(count)).toBe(0n);
  set(en, 1n);
  simulation.settle();
  expect(get(count)).toBe(0n);
  simulation.step();
  expect(get(count)).toBe(1n);
  simulation.step(9);
  expect(get(count)).toBe(10n);
  simulation.step(0);
  expect([get(count), simulation.cycle]).toEqual([10n, 15]);
  set(rst, 1n);
  simulation.step();
  expect(get(count)).toBe(0n);
});

test('run stops when attention is 1, at once if it is already, and after the given cycles otherwise', () => {
  using simulation = verilateVerilog({ ...bench, parameters: { STOP: 20 } });
  set(port(simulation, 'en'), 1n);
  expect([simulation.run(15), simulation.run(100), simulation.run(100), simulation.cycle]).toEqual([15, 5, 0, 20]);
  expect(get(port(simulation, 'count'))).toBe(20n);
  simulation.step(2);
  expect([simulation.run(3), simulation.cycle, get(port(simulation, 'count'))]).toEqual([3, 25, 25n]);
  for (const wrong of [-1, 0.5, Number.NaN]) {
    expect(() => simulation.run(wrong)).toThrow(SimulationError);
    expect(() => simulation.step(wrong)).toThrow(SimulationError);
  }
});

test.each([
  ['s8', 'q8', 8, 1],
  ['s16', 'q16', 16, 2],
  ['s30', 'q30', 30, 4],
  ['s48', 'q48', 48, 8],
  ['s__100', 'q100', 100, 16],
])('the bytes of %s are its words: written from here they are read there, and back', (instance, output, width, stride) => {
  using simulation = verilateVerilog(bench);
  const memory = simulation.memory(`${instance}.words`);
  expect(memory).toMatchObject({ width, depth: 12, stride });
  expect(memory.bytes.length).toBe(12 * stride);
  expect(memory.bytes.every(byte => byte === 0)).toBe(true);
  const value = 0xf_1234_5678_9abc_def0_0fed_cba9n & ((1n << BigInt(width)) - 1n);
  for (let i = 0; i < stride; i++) memory.bytes[3 * stride + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  set(port(simulation, 'address'), 3n);
  simulation.settle();
  expect(get(port(simulation, output))).toBe(value);
  set(port(simulation, 'address'), 11n);
  set(port(simulation, 'data'), value - 1n);
  set(port(simulation, 'we'), 1n);
  simulation.step();
  const word = memory.bytes.slice(11 * stride).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  expect(word).toBe(value - 1n);
});

test('what is written to a memory from here takes effect when the logic settles, whatever else stays as it is', () => {
  using simulation = verilateVerilog(bench);
  const first = port(simulation, 'first8');
  simulation.step();
  simulation.memory('s8.words').bytes[0] = 5;
  expect(get(first)).toBe(0n);
  simulation.settle();
  expect(get(first)).toBe(5n);
});

test('an unknown memory is named with what there is', () => {
  using simulation = verilateVerilog(bench);
  expect(() => simulation.memory('s9.words')).toThrow("no memory 's9.words' below Bench");
  expect(() => simulation.memory('high')).toThrow('words of Store');
});

test('two simulations of one model share nothing, and views outlive their simulation', () => {
  using first = verilateVerilog(bench);
  const second = verilateVerilog(bench);
  set(port(first, 'en'), 1n);
  first.step(3);
  second.step(3);
  expect([get(port(first, 'count')), get(port(second, 'count'))]).toEqual([3n, 0n]);
  const { bytes } = second.memory('backing');
  second[Symbol.dispose]();
  second[Symbol.dispose]();
  bytes.fill(7);
  expect(bytes.every(byte => byte === 7)).toBe(true);
  expect(() => second.step()).toThrow('disposed');
  first.step();
  expect(get(port(first, 'count'))).toBe(4n);
});

test('what would end the process is an error here', () => {
  using simulation = verilateVerilog(bench);
  set(port(simulation, 'en'), 1n);
  expect(() => simulation.step(5000)).toThrow(/\$finish, at bench\.v:\d+/);
});

test('a module without a clock settles, and its cycles count', () => {
  const text = 'module Sum (input [7:0] a, input [7:0] b, output [8:0] y); assign y = a + b; endmodule\n';
  using simulation = verilateVerilog({ top: 'Sum', sources: [{ name: 'sum.v', text }] });
  set(port(simulation, 'a'), 200n);
  set(port(simulation, 'b'), 100n);
  simulation.step(4);
  expect([get(port(simulation, 'y')), simulation.cycle]).toEqual([300n, 4]);
  set(port(simulation, 'b'), 1n);
  expect([simulation.run(3), get(port(simulation, 'y'))]).toEqual([3, 201n]);
});

test('a waveform shows every cycle as it was just before its edge', () => {
  inFolder(folder => {
    const file = join(folder, 'bench.vcd');
    const simulation = verilateVerilog({ ...bench, trace: file });
    set(port(simulation, 'en'), 1n);
    simulation.step(2);
    set(port(simulation, 'en'), 0n);
    simulation.step(3);
    set(port(simulation, 'en'), 1n);
    simulation.run(1);
    set(port(simulation, 'interrupt'), 1n);
    simulation[Symbol.dispose]();
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('$timescale 1ns $end');
    expect(text).toMatch(/\$scope module Bench \$end[\s\S]*\$scope module s__100 \$end/);
    const changes = (name: string) => {
      const code = new RegExp(`\\$var \\w+ \\d+ (\\S+) ${name} `).exec(text)?.[1];
      const result: [number, number][] = [];
      let time = 0;
      for (const line of text.split('\n')) {
        if (line.startsWith('#')) time = Number(line.slice(1));
        const change = /^b?([01]+) ?(\S+)$/.exec(line);
        if (change?.[2] === code) result.push([time, Number.parseInt(change?.[1] ?? '', 2)]);
      }
      return result;
    };
    expect(changes('en')).toEqual([
      [0, 1],
      [2, 0],
      [5, 1],
    ]);
    expect(changes('count')).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [6, 3],
    ]);
    expect(changes('interrupt')).toEqual([
      [0, 0],
      [6, 1],
    ]);
  });
});

test('a waveform that cannot be written is an error that names it', () => {
  const error = thrown(() => verilateVerilog({ ...bench, trace: '/nowhere/at/all.vcd' }));
  expect(error).toBeInstanceOf(VerilatorError);
  expect(error.message).toContain('/nowhere/at/all.vcd');
});
