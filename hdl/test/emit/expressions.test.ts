import { expect, test } from 'vitest';
import { emitText } from '../../src/emit/verilog.ts';
import type { Expr, Memory } from '../../src/ir/ir.ts';
import {
  arithmetic,
  assign,
  compare,
  concat,
  constant,
  design,
  extend,
  ModuleBuilder,
  memoryRead,
  mux,
  read,
  shift,
  slice,
  unary,
  when,
} from '../engine/ir-builder.ts';

interface Operands {
  readonly a: Expr;
  readonly b: Expr;
  readonly c: Expr;
  readonly n: Expr;
  readonly s: Expr;
  readonly ten: Memory;
  readonly four: Memory;
}

/** What stands between `module` and `endmodule`, ports and declarations left out. */
function body(make: (operands: Operands) => Expr): string {
  const builder = new ModuleBuilder('M');
  const [a, b, c] = ['a', 'b', 'c'].map(name => builder.input(name, 8));
  const n = builder.input('n', 3);
  const s = builder.input('s', 1);
  if (!a || !b || !c) throw new Error('inputs');
  builder.output('y', make({ a, b, c, n, s, ten: builder.memory('ten', 8, 10), four: builder.memory('four', 8, 4) }));
  const lines = emitText(design(builder.build())).split('\n');
  const first = lines.findIndex(line => line.startsWith('  wire') || line.startsWith('  assign'));
  return lines
    .slice(first, lines.findIndex(line => line.includes('assign y')) + 1)
    .filter(line => !line.includes('_address_1 = '))
    .map(line => line.trim())
    .join('\n');
}

const and = (a: Expr, b: Expr) => arithmetic('and', a, b);
const or = (a: Expr, b: Expr) => arithmetic('or', a, b);
const add = (a: Expr, b: Expr) => arithmetic('add', a, b);
const sub = (a: Expr, b: Expr) => arithmetic('sub', a, b);

test.each<[string, (o: Operands) => Expr, string]>([
  ['one operator in a chain', ({ a, b, c }) => add(add(a, b), c), 'a + b + c'],
  ['a difference on the right', ({ a, b, c }) => sub(a, sub(b, c)), 'a - (b - c)'],
  ['mixed bitwise operators', ({ a, b, c }) => or(and(a, b), c), '(a & b) | c'],
  ['a sum of products', ({ a, b, c }) => add(arithmetic('mul', a, b), c), 'a * b + c'],
  ['a comparison of sums', ({ a, b }) => compare('lt', add(a, b), b), '(a + b) < b'],
  ['a signed comparison', ({ a, b }) => compare('lt', a, b, true), '$signed(a) < $signed(b)'],
  ['a signed constant', ({ a }) => compare('lt', a, constant(8, -3), true), "$signed(a) < -8'sd3"],
  [
    'a mux of muxes',
    ({ a, b, c, s }) => mux(s, mux(slice(a, 0, 1), a, b), mux(slice(b, 0, 1), b, c)),
    's ? (a[0] ? a : b) : b[0] ? b : c',
  ],
  ['a condition of several', ({ a, b, s }) => mux(and(s, slice(a, 3, 1)), a, b), '(s & a[3]) ? a : b'],
  ['a reduction under a not', ({ a }) => unary('not', unary('reduce_or', a)), '~|a'],
  ['a reduction beside others', ({ a, s }) => and(s, unary('reduce_and', a)), 's & (&a)'],
  ['a not of equality', ({ a, b }) => unary('not', compare('eq', a, b)), 'a != b'],
  ['a shift by a constant', ({ a }) => shift('shr', a, constant(4, 3)), 'a >> 3'],
  ['a shift beyond the width', ({ a }) => shift('shl', a, constant(4, 8)), "8'd0"],
  ['a signed shift', ({ a, n }) => shift('shr', a, n, true), '$signed(a) >>> n'],
  ['a signed shift beside others', ({ a, b, n }) => add(shift('shr', a, n, true), b), '$unsigned($signed(a) >>> n) + b'],
  ['an index', ({ a, n }) => slice(shift('shr', a, n), 0, 1), 'a[n]'],
  ['an index that is short', ({ a, n }) => slice(shift('shr', a, slice(n, 0, 2)), 0, 1), "a[{1'b0, n[1:0]}]"],
  ['an extension', ({ a }) => extend(a, 12), "{4'd0, a}"],
  ['a signed extension', ({ a }) => extend(a, 12, true), '{{4{a[7]}}, a}'],
  ['an extended bit', ({ s }) => extend(s, 4, true), '{4{s}}'],
  ['parts of parts', ({ a, b, s }) => concat(extend(a, 9), concat(s, b)), "{1'b0, a, s, b}"],
  ['copies', ({ a, s }) => concat(s, s, s, a), '{{3{s}}, a}'],
  ['slices that continue each other', ({ a }) => concat(slice(a, 4, 4), slice(a, 0, 4)), 'a'],
  ['a slice of a sum', ({ a, b }) => slice(add(a, b), 0, 4), 'a[3:0] + b[3:0]'],
  ['a slice of a concatenation', ({ a, b }) => slice(concat(a, b), 10, 3), 'a[4:2]'],
  ['a slice of an extension', ({ a }) => slice(extend(a, 16), 4, 8), "{4'd0, a[7:4]}"],
  ['a constant decides', ({ a }) => compare('ge', a, constant(8, 0)), "1'b1"],
  ['ranges decide', ({ n }) => compare('lt', extend(n, 8), constant(8, 8)), "1'b1"],
  ['a mask of ones', ({ a }) => and(a, constant(8, 255)), 'a'],
  ['a wide constant', ({ a }) => add(concat(a, a), constant(16, 4096)), "{2{a}} + 16'h1000"],
  ['a mux of bits', ({ a, s }) => mux(s, slice(a, 1, 1), constant(1, 0)), 's & a[1]'],
  ['a word', ({ n, four }) => memoryRead(four, slice(n, 0, 2)), 'four[n[1:0]]'],
  ['a word at a short address', ({ s, four }) => memoryRead(four, s), "four[{1'b0, s}]"],
  ['a word that may lie beyond', ({ n, four }) => memoryRead(four, n), "(n < 3'd4) ? four[n[1:0]] : 8'd0"],
  ['bits of a word', ({ n, four }) => slice(memoryRead(four, slice(n, 0, 2)), 2, 3), 'four[n[1:0]][4:2]'],
])('%s', (_, make, text) => {
  expect(body(make)).toBe(`assign y = ${text};`);
});

test('a value that Verilog needs a name for gets one after what it drives', () => {
  expect(body(({ a, b }) => slice(add(a, b), 4, 2))).toBe('wire [7:0] y_sum = a + b;\nassign y = y_sum[5:4];');
});

test('a trifle is repeated, a longer value with two users is named', () => {
  expect(body(({ a, b, s }) => concat(and(a, b), s, and(a, b)))).toBe('assign y = {a & b, s, a & b};');
  const long = ({ a, b, c, s }: Operands) => {
    const value = add(and(a, b), c);
    return concat(value, s, value);
  };
  expect(body(long)).toBe('wire [7:0] y_sum = (a & b) + c;\nassign y = {y_sum, s, y_sum};');
});

test('an amount of more than 31 bits is checked first: no tool shifts by that', () => {
  const wide = ({ a, b, c, n }: Operands) => shift('shl', n, concat(a, add(a, b), b, b, c));
  expect(body(wide)).toBe("wire [39:0] y_1 = {a, a + b, {2{b}}, c};\nassign y = (|y_1[39:31]) ? 3'd0 : n << y_1[30:0];");
});

test('a long expression is broken after operators', () => {
  const text = body(({ a, b, c }) => {
    const sum = Array.from({ length: 30 }, (_, i) => (i % 2 ? arithmetic('xor', a, b) : arithmetic('mul', c, b)));
    return sum.reduce(add);
  });
  expect(text.split('\n').length).toBeGreaterThan(2);
  for (const line of text.split('\n')) expect(line).toMatch(/[+;]$/);
});

test('a vector whose bits depend on other bits of it is one expression, no block that would read them too early', () => {
  const builder = new ModuleBuilder('M');
  const [a, s] = [builder.input('a', 2), builder.input('s', 1)];
  const y = builder.signal('output', 'y', 2);
  const high = unary('not', slice(read(y), 0, 1));
  builder.body.push(assign(y, constant(2, 1)), assign(y, high, 1), when(s, [assign(y, slice(a, 0, 1))]));
  expect(emitText(design(builder.build()))).toContain("  assign y = {~y[0], s ? a[0] : 1'b1};\n");
});
