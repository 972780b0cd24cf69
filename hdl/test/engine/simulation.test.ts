import { describe, expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import { SimulationError } from '../../src/engine/simulation.ts';
import {
  arithmetic,
  assign,
  compare,
  concat,
  connect,
  constant,
  design,
  ModuleBuilder,
  match,
  mux,
  output,
  read,
  slice,
  unary,
  when,
  write,
} from './ir-builder.ts';
import { get, set } from './ports.ts';

/** Counts; `attention` is 1 from `limit` on. */
function counter(attention: boolean) {
  const builder = new ModuleBuilder('Counter');
  const limit = builder.input('limit', 16);
  const count = builder.register('count', 16, 3n);
  const other = builder.register('other', 80);
  builder.body.push(
    assign(count, arithmetic('add', read(count), constant(16, 1))),
    assign(other, arithmetic('add', read(other), constant(80, 1))),
  );
  builder.output('value', read(count));
  builder.output('other_value', read(other));
  builder.output('sum', arithmetic('add', read(count), limit));
  if (attention) builder.output('attention', compare('ge', read(count), limit));
  return design(builder.build());
}

test('ports come in order, after rst, and clk is none of them', () => {
  using simulation = embedded(counter(true));
  expect([...simulation.ports.keys()]).toEqual(['rst', 'limit', 'value', 'other_value', 'sum', 'attention']);
  expect(simulation.ports.get('other_value')).toMatchObject({ direction: 'output', width: 80 });
  expect(simulation.ports.get('other_value')?.words.length).toBe(3);
  expect(simulation.engine).toBe('embedded');
});

test('a design without state has no rst', () => {
  const builder = new ModuleBuilder('Inverter');
  builder.output('out', unary('not', builder.input('in', 4)));
  using simulation = embedded(design(builder.build()));
  expect([...simulation.ports.keys()]).toEqual(['in', 'out']);
  expect(get(simulation, 'out')).toBe(15n);
  simulation.step(3);
  expect(simulation.cycle).toBe(3);
});

test.each([
  ['a register with a reset value in a child is enough for a rst', 0n, ['rst']],
  ['state that reset leaves alone wants no rst', undefined, []],
] as const)('%s', (_, init, ports) => {
  const child = new ModuleBuilder('Child');
  child.memory('ram', 8, 2);
  child.register('count', 8, init);
  const top = new ModuleBuilder('Top');
  top.instance('child', child.build());
  using simulation = embedded(design(top.build()));
  expect([...simulation.ports.keys()]).toEqual(ports);
});

test('all state is 0 at first; reset gives registers their init and leaves the others running', () => {
  using simulation = embedded(counter(true));
  simulation.settle();
  expect(get(simulation, 'value')).toBe(0n);
  simulation.step(2);
  set(simulation, 'rst', 1);
  simulation.step(2);
  expect([get(simulation, 'value'), get(simulation, 'other_value')]).toEqual([3n, 4n]);
  set(simulation, 'rst', 0);
  simulation.step();
  expect([get(simulation, 'value'), get(simulation, 'other_value')]).toEqual([4n, 5n]);
});

test('step runs exactly, settles afterwards, and counts', () => {
  using simulation = embedded(counter(false));
  set(simulation, 'limit', 100);
  simulation.step(5);
  expect([get(simulation, 'value'), get(simulation, 'sum'), BigInt(simulation.cycle)]).toEqual([5n, 105n, 5n]);
  set(simulation, 'limit', 200);
  simulation.step(0);
  expect([get(simulation, 'sum'), BigInt(simulation.cycle)]).toEqual([205n, 5n]);
});

describe.each([
  ['without a trace', {}],
  ['with a trace', { trace: '/dev/null' }],
])('run, %s', (_, options) => {
  test('stops when attention is 1', () => {
    using simulation = embedded(counter(true), options);
    set(simulation, 'limit', 10);
    expect(simulation.run(1000)).toBe(10);
    expect([get(simulation, 'value'), get(simulation, 'attention'), get(simulation, 'sum')]).toEqual([10n, 1n, 20n]);
    expect(simulation.run(1000)).toBe(0);
    set(simulation, 'limit', 12);
    expect(simulation.run(1)).toBe(1);
    expect(get(simulation, 'attention')).toBe(0n);
    expect(simulation.run(0)).toBe(0);
    expect(simulation.cycle).toBe(11);
  });

  test('runs all cycles where there is no attention', () => {
    using simulation = embedded(counter(false), options);
    expect(simulation.run(70)).toBe(70);
    expect(get(simulation, 'value')).toBe(70n);
  });
});

test('an attention that depends on an input is settled first', () => {
  const builder = new ModuleBuilder('Top');
  builder.output('attention', builder.input('stop', 1));
  using simulation = embedded(design(builder.build()));
  set(simulation, 'stop', 1);
  expect(simulation.run(5)).toBe(0);
});

test('registers that swap take each other’s old value', () => {
  const builder = new ModuleBuilder('Top');
  const [a, b] = [builder.register('a', 100, 1n), builder.register('b', 100, 2n)];
  builder.body.push(assign(a, read(b)), assign(b, read(a)));
  builder.output('both', concat(slice(read(a), 0, 4), slice(read(b), 0, 4)));
  using simulation = embedded(design(builder.build()));
  set(simulation, 'rst', 1);
  simulation.step();
  set(simulation, 'rst', 0);
  expect(get(simulation, 'both')).toBe(0x12n);
  simulation.step();
  expect(get(simulation, 'both')).toBe(0x21n);
});

test('the last assignment that is reached wins, bit by bit', () => {
  const builder = new ModuleBuilder('Top');
  const [mode, on] = [builder.input('mode', 2), builder.input('on', 1)];
  const wire = builder.wire('wire', 8);
  builder.body.push(
    assign(wire, constant(8, 0xff)),
    match(
      mode,
      [
        [1n, [assign(wire, constant(4, 0), 2), when(on, [assign(wire, constant(1, 1), 3)])]],
        [2n, [assign(wire, constant(8, 0))]],
      ],
      [when(on, [assign(wire, constant(2, 0), 6)])],
    ),
    when(on, [assign(wire, constant(1, 0), 0)]),
  );
  builder.output('out', read(wire));
  using simulation = embedded(design(builder.build()));
  const results = [];
  for (const [m, o] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
    [2, 0],
    [3, 1],
  ] as const) {
    set(simulation, 'mode', m);
    set(simulation, 'on', o);
    simulation.settle();
    results.push(get(simulation, 'out'));
  }
  expect(results).toEqual([0xffn, 0x3en, 0xc3n, 0xcan, 0n, 0x3en]);
});

/** A child that inverts, twice in a row. */
function hierarchy() {
  const child = new ModuleBuilder('Invert');
  const ram = child.memory('ram', 8, 16);
  const input = child.input('in', 8);
  child.body.push(write(ram, constant(4, 2), input));
  child.output('out', unary('not', input));
  const module = child.build();
  const middle = new ModuleBuilder('Middle');
  const inner = middle.instance('inner', module);
  middle.body.push(connect(inner, 'in', middle.input('in', 8)));
  middle.output('out', output(inner, 'out'));
  const top = new ModuleBuilder('Top');
  const [first, second] = [top.instance('first', middle.build()), top.instance('second', module)];
  top.body.push(connect(first, 'in', top.input('in', 8)), connect(second, 'in', output(first, 'out'), 0));
  top.output('out', output(second, 'out'));
  return design(top.build());
}

test('instances of one module have their own state, and memories their paths', () => {
  using simulation = embedded(hierarchy());
  set(simulation, 'in', 0x35);
  simulation.step();
  expect(get(simulation, 'out')).toBe(0x35n);
  expect(simulation.memory('first.inner.ram').bytes[2]).toBe(0x35);
  expect(simulation.memory('second.ram').bytes[2]).toBe(0xca);
});

test('an unknown memory is told with the names that are near', () => {
  using simulation = embedded(hierarchy());
  expect(() => simulation.memory('second.rom')).toThrow(SimulationError);
  expect(() => simulation.memory('second.rom')).toThrow("no memory 'second.rom'. Did you mean second.ram, first.inner.ram?");
  using none = embedded(counter(false));
  expect(() => none.memory('ram')).toThrow('It has no memories at all');
});

test('a number of cycles has to be one', () => {
  using simulation = embedded(counter(false));
  expect(() => simulation.step(-1)).toThrow('not -1');
  expect(() => simulation.run(1.5)).toThrow('not 1.5');
});

describe('dependencies between bits of one signal', () => {
  test('a ripple through a wire that is assigned bit by bit', () => {
    const builder = new ModuleBuilder('Top');
    const [a, b] = [builder.input('a', 8), builder.input('b', 8)];
    const carry = builder.wire('carry', 9);
    builder.body.push(assign(carry, constant(1, 0)));
    for (let i = 0; i < 8; i++) {
      const [x, y, c] = [slice(a, i, 1), slice(b, i, 1), slice(read(carry), i, 1)];
      const both = arithmetic('or', arithmetic('and', x, y), arithmetic('and', c, arithmetic('xor', x, y)));
      builder.body.push(assign(carry, both, i + 1));
    }
    builder.output('sum', concat(slice(read(carry), 8, 1), arithmetic('xor', arithmetic('xor', a, b), slice(read(carry), 0, 8))));
    using simulation = embedded(design(builder.build()));
    set(simulation, 'a', 200);
    set(simulation, 'b', 99);
    simulation.settle();
    expect(get(simulation, 'sum')).toBe(299n);
  });

  test('a wire that is one concatenation with itself, through bitwise operators, a mux and a child', () => {
    const child = new ModuleBuilder('Pass');
    child.output('out', unary('not', child.input('in', 16)));
    const builder = new ModuleBuilder('Top');
    const [a, choose] = [builder.input('a', 16), builder.input('choose', 1)];
    const wire = builder.wire('wire', 16);
    const instance = builder.instance('pass', child.build());
    builder.body.push(connect(instance, 'in', read(wire)));
    const moved = concat(slice(unary('not', output(instance, 'out')), 0, 15), constant(1, 0));
    builder.body.push(assign(wire, mux(choose, arithmetic('xor', moved, a), arithmetic('or', moved, a))));
    builder.output('out', read(wire));
    using simulation = embedded(design(builder.build()));
    set(simulation, 'a', 0b100100);
    simulation.settle();
    expect(get(simulation, 'out')).toBe(0xfffcn);
    set(simulation, 'choose', 1);
    simulation.settle();
    expect(get(simulation, 'out')).toBe(0b11100n);
  });

  test('a real loop is told with the signals on it', () => {
    const child = new ModuleBuilder('Pass');
    child.output('out', unary('not', child.input('in', 4)));
    const builder = new ModuleBuilder('Top');
    const wire = builder.wire('wire', 4);
    const instance = builder.instance('pass', child.build());
    builder.body.push(connect(instance, 'in', read(wire)), assign(wire, output(instance, 'out')));
    builder.output('out', read(wire));
    expect(() => embedded(design(builder.build()))).toThrow(SimulationError);
    expect(() => embedded(design(builder.build()))).toThrow(
      'loop: Top.pass.in[3] -> Top.pass.out[3] -> Top.wire[3] -> Top.pass.in[3].',
    );
  });

  test('an adder that reads its own result is a loop', () => {
    const builder = new ModuleBuilder('Top');
    const wire = builder.wire('wire', 4);
    builder.body.push(assign(wire, arithmetic('add', read(wire), constant(4, 1))));
    builder.output('out', read(wire));
    expect(() => embedded(design(builder.build()))).toThrow(/loop: Top\.wire/);
  });
});
