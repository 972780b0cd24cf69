import { describe, expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import type { Expr } from '../../src/ir/ir.ts';
import { ReferenceInterpreter } from '../reference-interpreter.ts';
import { arithmetic, compare, concat, constant, design, extend, ModuleBuilder, mux, shift, slice, unary } from './ir-builder.ts';
import { get, set } from './ports.ts';

/** The value of an expression of `inputs` (width and value each). */
function evaluate(make: (...inputs: Expr[]) => Expr, ...inputs: readonly (readonly [number, bigint])[]): bigint {
  const builder = new ModuleBuilder('Top');
  const expr = make(...inputs.map(([width], i) => builder.input(`in${i}`, width)));
  builder.output('out', expr);
  using simulation = embedded(design(builder.build()));
  inputs.forEach(([, value], i) => {
    set(simulation, `in${i}`, value);
  });
  simulation.settle();
  return get(simulation, 'out');
}

const ones = (width: number) => (1n << BigInt(width)) - 1n;

describe('arithmetic wraps at the width', () => {
  test.each([1, 2, 31, 32, 33, 63, 64, 65, 128, 129, 300])('%i bits', width => {
    const max = ones(width);
    const [one, top] = [1n & max, 1n << BigInt(width - 1)];
    expect(evaluate((a, b) => arithmetic('add', a, b), [width, max], [width, one])).toBe(0n);
    expect(evaluate((a, b) => arithmetic('sub', a, b), [width, 0n], [width, one])).toBe(max);
    expect(evaluate((a, b) => arithmetic('mul', a, b), [width, max], [width, max])).toBe(1n);
    expect(evaluate((a, b) => arithmetic('add', a, b), [width, top], [width, top])).toBe(0n);
    expect(evaluate(a => unary('not', a), [width, top])).toBe(max ^ top);
  });
});

test('a carry and a borrow run through all limbs', () => {
  expect(evaluate((a, b) => arithmetic('add', a, b), [192, ones(128)], [192, 1n])).toBe(1n << 128n);
  expect(evaluate((a, b) => arithmetic('sub', a, b), [192, 1n << 128n], [192, 1n])).toBe(ones(128));
});

test('wide multiplication keeps every partial product', () => {
  const [a, b] = [0xfedcba9876543210_0123456789abcdefn, 0x0f1e2d3c4b5a6978_8796a5b4c3d2e1f0n];
  expect(evaluate((x, y) => arithmetic('mul', extend(x, 256), extend(y, 256)), [128, a], [128, b])).toBe(a * b);
});

describe('comparison', () => {
  test.each([1, 8, 32, 33, 64, 65, 200])('of %i bits reads the sign only where it is asked to', width => {
    const [low, high] = [0n, 1n << BigInt(width - 1)];
    expect(evaluate((a, b) => compare('lt', a, b), [width, low], [width, high])).toBe(1n);
    expect(evaluate((a, b) => compare('lt', a, b, true), [width, low], [width, high])).toBe(0n);
    expect(evaluate((a, b) => compare('gt', a, b, true), [width, low], [width, high])).toBe(1n);
    expect(evaluate((a, b) => compare('le', a, b, true), [width, high], [width, high])).toBe(1n);
    expect(evaluate((a, b) => compare('ge', a, b), [width, low], [width, high])).toBe(0n);
  });

  test('looks at every limb', () => {
    for (const bit of [0n, 63n, 64n, 127n, 128n]) {
      const other = 5n ^ (1n << bit);
      expect(evaluate((a, b) => compare('eq', a, b), [129, 5n], [129, other])).toBe(0n);
      expect(evaluate((a, b) => compare('ne', a, b), [129, 5n], [129, other])).toBe(1n);
      expect(evaluate((a, b) => compare('lt', a, b), [129, 5n], [129, other])).toBe(5n < other ? 1n : 0n);
    }
  });
});

describe('shifts', () => {
  test.each([1, 5, 31, 32, 33, 64, 65, 127, 128, 130, 300])('of %i bits by any amount', width => {
    const pattern = BigInt.asUintN(
      width,
      0x9e3779b97f4a7c15f39cc0605cedc8341082276bf3a27251f86c6a11d0c18e95n | (1n << BigInt(width - 1)),
    );
    const sign = BigInt.asIntN(width, pattern);
    for (const amount of [0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 299, 300, 511]) {
      const by = [12, BigInt(amount)] as const;
      const beyond = amount >= width;
      const moved = BigInt(amount);
      expect(
        evaluate((a, b) => shift('shl', a, b), [width, pattern], by),
        `shl ${amount}`,
      ).toBe(beyond ? 0n : BigInt.asUintN(width, pattern << moved));
      expect(
        evaluate((a, b) => shift('shr', a, b), [width, pattern], by),
        `shr ${amount}`,
      ).toBe(beyond ? 0n : pattern >> moved);
      expect(
        evaluate((a, b) => shift('shr', a, b, true), [width, pattern], by),
        `signed shr ${amount}`,
      ).toBe(BigInt.asUintN(width, sign >> moved));
    }
  });

  test('by an amount of more than a limb, and by constants', () => {
    const value = [70, ones(70)] as const;
    for (const amount of [1n << 64n, 1n << 99n, (1n << 64n) + 1n]) {
      expect(evaluate((a, b) => shift('shl', a, b), value, [100, amount])).toBe(0n);
      expect(evaluate((a, b) => shift('shr', a, b, true), value, [100, amount])).toBe(ones(70));
      expect(evaluate(a => shift('shr', a, constant(100, amount)), value)).toBe(0n);
    }
    expect(evaluate(a => shift('shr', a, constant(3, 6)), value)).toBe(ones(64));
    expect(evaluate(a => shift('shl', a, constant(1, 1)), value)).toBe(ones(70) - 1n);
  });
});

test('reductions', () => {
  for (const width of [1, 8, 64, 65, 200]) {
    for (const value of [0n, 1n, ones(width), ones(width) >> 1n, 1n << BigInt(width - 1)]) {
      const odd = [...value.toString(2)].filter(bit => bit === '1').length % 2;
      expect(evaluate(a => unary('reduce_and', a), [width, value])).toBe(value === ones(width) ? 1n : 0n);
      expect(evaluate(a => unary('reduce_or', a), [width, value])).toBe(value === 0n ? 0n : 1n);
      expect(evaluate(a => unary('reduce_xor', a), [width, value])).toBe(BigInt(odd));
    }
  }
});

test('concatenation, slices and extension across limbs', () => {
  const [a, b, c] = [
    [60, 0xabcdef012345678n] as const,
    [9, 0x1a5n] as const,
    [70, (0x2an << 64n) | 0x1122334455667788n] as const,
  ];
  const joined = (((a[1] << 9n) | b[1]) << 70n) | c[1];
  expect(evaluate((x, y, z) => concat(x, y, z), a, b, c)).toBe(joined);
  for (const [low, width] of [
    [0, 139],
    [60, 10],
    [63, 2],
    [64, 64],
    [69, 1],
    [70, 9],
    [1, 128],
  ] as const)
    expect(evaluate((x, y, z) => slice(concat(x, y, z), low, width), a, b, c)).toBe(BigInt.asUintN(width, joined >> BigInt(low)));
  expect(evaluate(x => extend(x, 130, true), [64, 1n << 63n])).toBe(BigInt.asUintN(130, -(1n << 63n)));
  expect(evaluate(x => extend(x, 130, true), [1, 1n])).toBe(ones(130));
  expect(evaluate(x => extend(x, 65), [64, ones(64)])).toBe(ones(64));
});

test('a wide mux takes one arm', () => {
  for (const [condition, result] of [
    [1n, 1n << 255n],
    [0n, ones(256)],
  ] as const)
    expect(evaluate((c, x, y) => mux(c, x, y), [1, condition], [256, 1n << 255n], [256, ones(256)])).toBe(result);
});

test('words of 4096 bits', () => {
  const value = (ones(4000) / 7n) << 50n;
  const sum = evaluate((a, b) => arithmetic('add', a, b), [4096, value], [4096, ones(4096)]);
  expect(sum).toBe(value - 1n);
  expect(evaluate((a, b) => shift('shr', a, b), [4096, value], [13, 1234n])).toBe(value >> 1234n);
});

describe('very deep expressions compile', () => {
  test('a chain of 20,000 additions', () => {
    const sum = evaluate(
      a => Array.from({ length: 20_000 }).reduce((total: Expr) => arithmetic('add', arithmetic('xor', total, a), a), a),
      [100, 3n],
    );
    let expected = 3n;
    for (let i = 0; i < 20_000; i++) expected = BigInt.asUintN(100, (expected ^ 3n) + 3n);
    expect(sum).toBe(expected);
  });

  test('a priority chain of 3,000 wide muxes', () => {
    const make = (select: Expr, data: Expr) => {
      let chain = data;
      for (let i = 3000; i > 0; i--)
        chain = mux(compare('eq', select, constant(12, i)), arithmetic('add', data, constant(128, i)), chain);
      return chain;
    };
    for (const pick of [0n, 1n, 2999n, 3000n]) expect(evaluate(make, [12, pick], [128, 10n])).toBe(10n + pick);
  });
});

test('operands of equal value and constants fold to the right result', () => {
  const builder = new ModuleBuilder('Top');
  for (const width of [1, 7, 32, 40, 64, 90]) {
    const a = builder.input(`a${width}`, width);
    for (const value of [0n, 1n, ones(width)]) {
      const k = constant(width, value);
      for (const [x, y] of [
        [a, k],
        [k, a],
        [k, constant(width, 1n)],
        [a, a],
      ] as const) {
        for (const op of ['add', 'sub', 'mul', 'and', 'or', 'xor'] as const)
          builder.output(`o${builder.signals.length}`, arithmetic(op, x, y));
        for (const op of ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const)
          for (const signed of [false, true]) builder.output(`o${builder.signals.length}`, compare(op, x, y, signed));
        for (const signed of [false, true]) builder.output(`o${builder.signals.length}`, shift('shr', x, y, signed));
        builder.output(`o${builder.signals.length}`, shift('shl', x, y));
        builder.output(`o${builder.signals.length}`, mux(slice(x, 0, 1), y, k));
      }
    }
  }
  const whole = design(builder.build());
  using simulation = embedded(whole);
  const reference = new ReferenceInterpreter(whole);
  for (const pattern of [0n, 1n, ones(90), 0x155555555555555555555n]) {
    for (const [name, { direction, width }] of simulation.ports) {
      if (direction === 'output') continue;
      set(simulation, name, BigInt.asUintN(width, pattern));
      reference.set(name, BigInt.asUintN(width, pattern));
    }
    simulation.settle();
    reference.settle();
    for (const [name, { direction }] of simulation.ports)
      if (direction === 'output') expect(get(simulation, name), `${name} for ${pattern}`).toBe(reference.get(name));
  }
});
