import { expect, test } from 'vitest';
import type { Design, Module } from '../../src/ir/ir.ts';
import { checks, diagnose, shareModules } from '../../src/passes/index.ts';
import { multiplyDriven } from '../../src/passes/multiply-driven.ts';
import { assign, connect, constant, ModuleBuilder, output, read } from '../engine/ir-builder.ts';
import { randomDesign } from '../random-design.ts';
import { ReferenceInterpreter } from '../reference-interpreter.ts';

/** A counter of its own for every call, as elaboration makes them. */
function counter(width: number): Module {
  const m = new ModuleBuilder('Counter');
  const en = m.input('en', width);
  const value = m.register('value', width, 0n);
  m.body.push(assign(value, { kind: 'binary', op: 'add', signed: false, width, left: read(value), right: en, site: en.site }));
  m.output('count', read(value));
  return m.build();
}

function pair(name: string, a: Module, b: Module): Module {
  const m = new ModuleBuilder(name);
  for (const [key, module] of [
    ['a', a],
    ['b', b],
  ] as const) {
    const child = m.instance(key, module);
    connect(child, 'en', constant(1, 0));
    m.body.push(connect(child, 'en', constant(module.signals[0]?.width ?? 1, 1)));
    m.output(`count_${key}`, output(child, 'count'));
  }
  return m.build();
}

test('equal modules become one, variants of a class are numbered in order of appearance, parents follow their children', () => {
  const modules = [counter(4), counter(8), counter(4), counter(8)];
  const [c0, c1, c2, c3] = modules;
  if (!c0 || !c1 || !c2 || !c3) throw new Error('four counters');
  const left = pair('Pair', c0, c1);
  const right = pair('Pair', c2, c3);
  const m = new ModuleBuilder('Top');
  m.instance('left', left);
  m.instance('right', right);
  const top = m.build();
  const shared = shareModules({ top, modules: [c0, c1, left, c2, c3, right, top] });
  expect(shared.modules.map(module => module.name)).toEqual(['Counter', 'Counter_2', 'Pair', 'Top']);
  expect(shared.top).toBe(shared.modules.at(-1));
  const instances = shared.top.instances.map(instance => instance.module);
  expect(instances[0]).toBe(instances[1]);
  expect(instances[0]?.instances.map(instance => instance.module.name)).toEqual(['Counter', 'Counter_2']);
  expect(diagnose(shared)).toEqual([]);
});

test('a variant does not take the name of another class', () => {
  const other = { ...counter(2), name: 'Counter_2' };
  const modules = [counter(4), counter(8), other];
  const m = new ModuleBuilder('Top');
  modules.forEach((module, i) => {
    m.instance(`c${i}`, module);
  });
  const top = m.build();
  const names = shareModules({ top, modules: [...modules, top] }).modules.map(module => module.name);
  expect(names).toEqual(['Counter', 'Counter_3', 'Counter_2', 'Top']);
});

test('what differs in a name, a reset value or a child is another variant', () => {
  const base = counter(4);
  const [en, value] = base.signals;
  if (!en || !value) throw new Error('signals');
  const reset = { ...base, signals: base.signals.map(s => (s.kind === 'register' ? { ...s, init: 1n } : s)) };
  const design: Design = { top: reset, modules: [base, reset] };
  expect(shareModules(design).modules).toHaveLength(2);
});

test('random designs behave the same when shared, and pass the checks', () => {
  for (let seed = 0; seed < 15; seed++) {
    const original = randomDesign(seed);
    const shared = shareModules(original);
    // Chance sets registers twice, of which the last counts.
    const others = checks.filter(check => check !== multiplyDriven);
    const errors = others.flatMap(check => check(shared)).filter(d => d.severity === 'error');
    expect(
      errors.map(d => d.message),
      `seed ${seed}`,
    ).toEqual([]);
    const before = new ReferenceInterpreter(original);
    const after = new ReferenceInterpreter(shared);
    const ports = shared.top.signals.filter(s => s.kind === 'input' || s.kind === 'output');
    for (let cycle = 0; cycle < 5; cycle++) {
      for (const { name, kind, width } of ports) {
        if (kind !== 'input') continue;
        const value = BigInt.asUintN(width, BigInt(seed * 7919 + cycle * 104729) * 0x9e3779b97f4a7c15n);
        before.set(name, value);
        after.set(name, value);
      }
      before.step();
      after.step();
      for (const { name } of ports) expect(after.get(name), `seed ${seed} cycle ${cycle} ${name}`).toBe(before.get(name));
    }
  }
});
