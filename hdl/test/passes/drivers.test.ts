import { expect, test } from 'vitest';
import type { Instance, Signal } from '../../src/ir/ir.ts';
import { direction } from '../../src/passes/direction.ts';
import { latch } from '../../src/passes/latch.ts';
import { unconnectedInput } from '../../src/passes/unconnected-input.ts';
import { undriven } from '../../src/passes/undriven.ts';
import { assign, constant, design, ModuleBuilder, match, read, slice, when } from '../engine/ir-builder.ts';
import { messages, place, texts } from './design.ts';

test('undriven: the whole text, with the line of the user', () => {
  const m = new ModuleBuilder('Example');
  m.signals.push({ ...m.signal('output', 'x', 4), site: place(3, 16, 6) });
  m.signals.shift();
  expect(texts(undriven, design(m.build()))).toEqual([
    `error: output 'x' of Example is never driven [undriven]
  at example.ts:3:16
    3 |   readonly x = output(uint(4));
      |                ^
  called from example.ts:6:1
  help: set it in logic() of Example, or remove it`,
  ]);
});

test('undriven: bits, wires, inputs of children; registers need no driver', () => {
  const child = new ModuleBuilder('Child');
  child.output('q', child.input('d', 2));
  const m = new ModuleBuilder('Top');
  m.instance('child', child.build());
  const w = m.wire('w', 8);
  m.body.push(assign(w, constant(2, 0), 3), when(constant(1, 1), [assign(w, constant(1, 0), 0)]));
  m.register('r', 3);
  expect(messages(undriven, design(m.build()))).toEqual(["bits 7 to 5, 2 to 1 of wire 'w' of Top are never driven"]);
  expect(messages(unconnectedInput, design(m.build()))).toEqual(["input 'd' of 'child' (Child) in Top is not connected"]);
});

/** A module whose output x (4 bits) is driven as `statements` say; `a` is a 2-bit input. */
function driven(statements: (x: Signal, a: Signal) => ModuleBuilder['body'], states?: readonly string[]) {
  const m = new ModuleBuilder('Example');
  const plain = { init: undefined, domain: undefined, crossing: false };
  const a: Signal = { ...plain, name: 'a', kind: 'input', width: 2, states, site: place(2, 16) };
  const x: Signal = { ...plain, name: 'x', kind: 'output', width: 4, states: undefined, site: place(3, 16) };
  m.signals.push(a, x);
  m.body.push(...statements(x, a));
  return design(m.build());
}

const bit = (a: Signal, i: number) => slice(read(a), i, 1);

test('latch: the whole text', () => {
  const d = driven((x, a) => [{ ...when(bit(a, 0), [assign(x, constant(4, 1))]), site: place(5, 5) }]);
  expect(texts(latch, d)).toEqual([
    `error: output 'x' of Example has no value on some path, so it would have to keep its old one (a latch) [latch]
  at example.ts:5:5
    5 |     when(this.a.any(), () => this.x.set(1));
      |     ^
  and example.ts:3:16
    3 |   readonly x = output(uint(4));
      |                ^
  help: give it a value before the when, or in an otherwise; use a register if it is to keep its value`,
  ]);
});

test.each<[string, (x: Signal, a: Signal) => ModuleBuilder['body'], string[]]>([
  ['a default before', (x, a) => [assign(x, constant(4, 0)), when(bit(a, 0), [assign(x, constant(4, 1))])], []],
  ['both arms', (x, a) => [when(bit(a, 0), [assign(x, constant(4, 1))], [assign(x, constant(4, 2))])], []],
  [
    'bits that one arm lacks',
    (x, a) => [when(bit(a, 0), [assign(x, constant(4, 1))], [assign(x, constant(2, 2), 1)])],
    ["bits 3, 0 of output 'x' of Example have no value on some path, so it would have to keep its old one (a latch)"],
  ],
  [
    'all values of a match',
    (x, a) => [
      match(
        read(a),
        [0n, 1n, 2n, 3n].map(v => [v, [assign(x, constant(4, v))]]),
      ),
    ],
    [],
  ],
  [
    'a match that leaves values out',
    (x, a) => [
      match(
        read(a),
        [0n, 1n, 2n].map(v => [v, [assign(x, constant(4, v))]]),
      ),
    ],
    ["output 'x' of Example has no value on some path, so it would have to keep its old one (a latch)"],
  ],
])('latch: %s', (_, statements, found) => {
  expect(messages(latch, driven(statements))).toEqual(found);
});

test('latch: a match over all states is complete, though no state has the last encoding', () => {
  const states = ['Idle', 'Run', 'Drain'];
  const full = (x: Signal, a: Signal) => [
    {
      ...match(read(a), []),
      arms: states.map((label, i) => ({ value: BigInt(i), label, body: [assign(x, constant(4, i))] })),
    },
  ];
  expect(messages(latch, driven(full, states))).toEqual([]);
  const less = (x: Signal, a: Signal) => full(x, a).map(m => ({ ...m, arms: m.arms.slice(0, 2) }));
  expect(messages(latch, driven(less, states))).toHaveLength(1);
});

test('direction: own inputs, outputs of children', () => {
  const child = new ModuleBuilder('Child');
  const q = child.output('q', child.input('d', 1));
  const m = new ModuleBuilder('Top');
  const a = m.signal('input', 'a', 1);
  const instance: Instance = m.instance('child', child.build());
  m.body.push(assign(a, constant(1, 0)), {
    kind: 'assign',
    target: { instance, signal: q },
    low: 0,
    offset: undefined,
    value: read(a),
    site: place(5, 5),
  });
  expect(messages(direction, design(m.build()))).toEqual([
    "Top drives its own input 'a'",
    "Top drives 'child.q', which is no input of Child",
  ]);
});
