import { expect, test } from 'vitest';
import type { Module } from '../../src/ir/ir.ts';
import { combinationalLoop } from '../../src/passes/combinational-loop.ts';
import {
  arithmetic,
  assign,
  concat,
  connect,
  constant,
  design,
  ModuleBuilder,
  output,
  read,
  slice,
  unary,
  when,
} from '../engine/ir-builder.ts';
import { messages, place, texts } from './design.ts';

/** q = ~d by way of a wire, and r a registered d. */
function child(): Module {
  const m = new ModuleBuilder('Child');
  const d = m.input('d', 1);
  const mid = m.wire('mid', 1);
  m.body.push(assign(mid, unary('not', d)));
  m.output('q', read(mid));
  const state = m.register('state', 1);
  m.body.push(assign(state, d));
  m.output('r', read(state));
  return m.build();
}

test('a loop through a child names the whole path, in the direction of the data', () => {
  const m = new ModuleBuilder('Top');
  const c = m.instance('child', child());
  const w = m.wire('w', 1);
  m.body.push(assign(w, unary('not', output(c, 'q'))), connect(c, 'd', read(w)));
  expect(messages(combinationalLoop, design(m.build()))).toEqual([
    'combinational loop in Top: w -> child.d -> child.mid -> child.q -> w',
  ]);
});

test('a register breaks a loop', () => {
  const m = new ModuleBuilder('Top');
  const c = m.instance('child', child());
  m.body.push(connect(c, 'd', unary('not', output(c, 'r'))));
  expect(messages(combinationalLoop, design(m.build()))).toEqual([]);
});

test('the text shows each place on the path', () => {
  const m = new ModuleBuilder('Example');
  const x = m.wire('x', 4);
  const y = m.wire('y', 4);
  m.body.push({ ...assign(x, unary('not', read(y))), site: place(4, 3) }, { ...assign(y, read(x)), site: place(5, 5) });
  expect(texts(combinationalLoop, design(m.build()))).toEqual([
    `error: combinational loop in Example: x -> y -> x [combinational-loop]
  at example.ts:4:3
    4 |   protected override logic() {
      |   ^
  from x  example.ts:4:3
    to y  example.ts:5:5
    to x  example.ts:4:3
  help: put a register on the path, or make one of these values not depend on the one before it`,
  ]);
});

test('a condition and an address count as dependences', () => {
  const m = new ModuleBuilder('Top');
  const x = m.wire('x', 1);
  m.body.push(assign(x, constant(1, 0)), when(unary('not', read(x)), [assign(x, constant(1, 1))]));
  expect(messages(combinationalLoop, design(m.build()))).toEqual(['combinational loop in Top: x -> x']);
});

test('bits are told apart: a chain through one vector is no loop, a carry is', () => {
  const chain = (sum: boolean) => {
    const m = new ModuleBuilder('Top');
    const a = m.input('a', 4);
    const x = m.wire('x', 4);
    m.body.push(assign(x, slice(a, 0, 1)));
    for (let i = 1; i < 4; i++) {
      const before = slice(read(x), i - 1, 1);
      m.body.push(assign(x, arithmetic('xor', before, slice(a, i, 1)), i));
    }
    const shifted = concat(slice(read(x), 0, 3), constant(1, 0));
    const y = m.wire('y', 4);
    m.body.push(assign(y, sum ? arithmetic('add', read(y), shifted) : shifted));
    return design(m.build());
  };
  expect(messages(combinationalLoop, chain(false))).toEqual([]);
  expect(messages(combinationalLoop, chain(true))).toEqual(['combinational loop in Top: y -> y']);
});

test('a carry goes from low bits to high ones, and not back', () => {
  const around = (from: number, to: number) => {
    const m = new ModuleBuilder('Top');
    const v = m.wire('v', 4);
    const sum = m.wire('sum', 4);
    m.body.push(assign(v, constant(4, 0)), assign(sum, arithmetic('add', read(v), m.input('a', 4))));
    m.body.push(assign(v, slice(read(sum), from, 1), to));
    return messages(combinationalLoop, design(m.build()));
  };
  expect(around(3, 0)).toEqual(['combinational loop in Top: v -> sum -> v']);
  expect(around(0, 3)).toEqual([]);
});

test('paths through a child are counted output by output', () => {
  const cross = new ModuleBuilder('Cross');
  const a = cross.input('a', 1);
  const b = cross.input('b', 1);
  cross.output('p', a);
  cross.output('q', b);
  const m = new ModuleBuilder('Top');
  const c = m.instance('cross', cross.build());
  m.body.push(connect(c, 'a', m.input('start', 1)), connect(c, 'b', output(c, 'p')));
  m.output('end', output(c, 'q'));
  expect(messages(combinationalLoop, design(m.build()))).toEqual([]);
});
