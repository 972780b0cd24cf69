import { expect, test } from 'vitest';
import { Hints } from '../../src/emit/hints.ts';

const source = `
class Adder {
  logic() {
    const sum = this.a.add(this.b);
    const wide: UInt<9> = this.a
      .addx(this.b)
      .and(mask);
    this.y.set(this.a.and(this.b));
    when(
      this.a.eq(this.b),
      () => {},
    );
    const both = allOf([
      this.a.any(),
      this.b.any(),
    ]);
    return this.a.or(this.b);
  }
}
function inWindow(address) {
  return address.ge(base).and(address.le(limit));
}
const isZero = (value: UInt<8>) => value.any().not();
const empty = isZero(this.count);
this.y.set(isZero(this.count));
`;

const at = (line: number) => new Hints(() => source).at({ frames: [{ file: 'adder.ts', line, column: 1 }] });

test.each([
  ['a declaration', 4, 'sum'],
  ['the head of a declaration of several lines', 5, 'wide'],
  ['a later line of it', 7, 'wide'],
  ['a line inside brackets of one', 14, 'both'],
  ['an argument of set', 8, undefined],
  ['an argument of when', 10, undefined],
  ['the result of a method', 17, undefined],
  ['the result of a function', 21, 'inWindow'],
  ['a line beyond the file', 99, undefined],
])('%s', (_, line, name) => {
  expect(at(line)).toBe(name);
});

test('without a source, or a place, there is no name', () => {
  expect(new Hints(() => undefined).at({ frames: [{ file: 'gone.ts', line: 4, column: 1 }] })).toBe(undefined);
  expect(new Hints(() => source).at({ frames: [] })).toBe(undefined);
});

test('the result of a function is called what the caller calls it', () => {
  const through = (...lines: number[]) => {
    const frames = lines.map(line => ({ file: 'adder.ts', line, column: 1 }));
    return new Hints(() => source).at({ frames });
  };
  expect(through(23, 24)).toBe('empty');
  expect(through(23, 25)).toBe('isZero');
  expect(through(21, 24)).toBe('empty');
  expect(through(21, 25)).toBe('inWindow');
});
