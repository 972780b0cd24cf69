import { expect, test } from 'vitest';
import type { Module } from '../../src/ir/ir.ts';
import { CombinationalGraph, type OutputPaths } from '../../src/passes/combinational-graph.ts';
import { wordPaths } from '../../src/passes/word-paths.ts';
import { assign, connect, constant, ModuleBuilder, mux, output, read, slice, when } from '../engine/ir-builder.ts';
import { randomDesign } from '../random-design.ts';

const noChildren = (): OutputPaths => {
  throw new Error('it has no children');
};

/** As `input -> output`. */
const list = (paths: OutputPaths | undefined) =>
  paths && [...paths].flatMap(([to, from]) => [...from].map(input => `${input} -> ${to}`)).sort();

test('conditions, indices and children count, registers end a path', () => {
  const inner = new ModuleBuilder('Inner');
  const d = inner.input('d', 4);
  const held = inner.register('held', 4);
  inner.body.push(assign(held, d));
  inner.output('now', d);
  inner.output('later', read(held));
  const child = inner.build();
  const m = new ModuleBuilder('Top');
  const [a, b, c] = [m.input('a', 4), m.input('b', 4), m.input('c', 1)];
  const instance = m.instance('inner', child);
  m.body.push(connect(instance, 'd', a));
  const out = m.output('out', output(instance, 'now'));
  m.output('kept', output(instance, 'later'));
  m.body.push(when(c, [assign(out, b)]));
  m.output('part', slice(mux(c, a, constant(4, 0)), 0, 1));
  const paths = wordPaths(m.build(), module => wordPaths(module, noChildren) ?? noChildren());
  expect(list(paths)).toEqual(['a -> out', 'a -> part', 'b -> out', 'c -> out', 'c -> part']);
});

test('a word that depends on itself is not decided, though its bits may not', () => {
  const m = new ModuleBuilder('Chain');
  const d = m.input('d', 1);
  const x = m.wire('x', 2);
  m.body.push(assign(x, d, 0), assign(x, slice(read(x), 0, 1), 1));
  m.output('q', slice(read(x), 1, 1));
  const module = m.build();
  expect(wordPaths(module, noChildren)).toBeUndefined();
  expect(list(new CombinationalGraph(module, noChildren).paths)).toEqual(['d -> q']);
});

test('random designs: no path is left out', () => {
  let decided = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const exact = new Map<Module, OutputPaths>();
    const words = new Map<Module, OutputPaths>();
    for (const module of randomDesign(seed, { maxWidth: 20 }).modules) {
      const paths = new CombinationalGraph(module, child => exact.get(child) ?? new Map()).paths;
      exact.set(module, paths);
      const whole = wordPaths(module, child => words.get(child) ?? exact.get(child) ?? new Map());
      if (!whole) continue;
      decided++;
      words.set(module, whole);
      const missing = list(paths)?.filter(path => !list(whole)?.includes(path));
      expect(missing, `seed ${seed}, ${module.name}`).toEqual([]);
    }
  }
  expect(decided).toBeGreaterThan(30);
});
