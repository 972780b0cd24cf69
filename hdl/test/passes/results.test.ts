import { expect, test } from 'vitest';
import {
  bool,
  cat,
  diagnose,
  elaborate,
  input,
  Module,
  mux,
  output,
  popCount,
  reg,
  shareModules,
  type UInt,
  u,
  uint,
  vec,
  when,
  wire,
} from '../../src/index.ts';
import { isStatement } from '../../src/lang/statement-text.ts';

const found = (make: () => Module) => diagnose(shareModules(elaborate(make).design)).map(d => `${d.check}: ${d.message}`);

const sumAndDifference = (a: UInt<8>, b: UInt<8>) => ({ sum: a.add(b), difference: a.sub(b) });

/** What is made and not used, or set more than once, for good reasons. */
class Idioms extends Module {
  readonly a = input(uint(8));
  readonly index = input(uint(2));
  readonly en = input(bool);
  readonly q = output(uint(8));
  readonly flags = output(uint(8));
  private readonly state = reg(uint(8), { init: 0 });
  private readonly bank = reg(vec(4, uint(8)), { init: 0 });
  private readonly next = this.state.add(1);
  private readonly both = wire(uint(8));
  protected override logic() {
    // A value kept for a configuration that this one is not.
    const unused = this.a.xor(3);
    const { sum } = sumAndDifference(this.a, this.state);
    const [low] = this.a.words(4);
    this.q.set(0);
    this.flags.set(0);
    this.flags.part(0, 4).set(low?.as(4) ?? 0);
    this.flags.bit(7).set(this.en);
    this.both.set(sum);
    when(this.en, () => this.both.set(popCount(this.a).zext(8)));
    this.state.set(this.width(unused) > 8 ? unused : this.next);
    this.bank.at(this.index).set(this.a);
    this.state.part(0, 4).set(3);
    this.q.set(mux(this.en, this.both, this.bank.at(this.index)));
  }
  private width(value: UInt<8>): number {
    return value.width;
  }
}

test('idioms are no mistakes', () => {
  expect(found(() => new Idioms())).toEqual([]);
});

class Thrown extends Module {
  readonly a = input(uint(8));
  readonly en = input(bool);
  readonly q = output(uint(8));
  protected override logic() {
    this.a.add(this.a).and(u(8, 1));
    this.a
      .sub(1)
      // an aside; with a semicolon
      .or(2);
    cat(this.a, this.a);
    when(this.en, () => this.a.xor(1)).otherwise(() => this.a.not());
    this.q.set(this.a);
  }
}

test('results that go nowhere, also over lines and from the bodies of conditions', () => {
  const what = (operation: string) =>
    `discarded-result: the result of this ${operation} in Thrown goes nowhere: an operation changes nothing by itself`;
  expect(found(() => new Thrown())).toEqual(['and', 'or', 'concat', 'xor', 'not'].map(what));
});

test.each<[string, string, boolean]>([
  ['a statement', 'x.@add(1);', true],
  ['the end of a block', '{ x.@add(1) }', true],
  ['without a semicolon', 'foo()\nx.@add(1)\nbar()', true],
  ['a receiver with brackets and strings', 'm["a"].f("b", [1]).@add(")(");', true],
  ['after a condition', 'if (a)\n  x.@add(1);', true],
  ['a part of a longer chain', 'x.@add(1).sub(2);', false],
  ['a longer chain over lines', 'x\n  .@add(1)\n  .sub(2);', false],
  ['a constant', 'const y = x.@add(1);', false],
  ['a constant over lines', 'const y =\n  x.@add(1);', false],
  ['an argument', 'f(x.@add(1));', false],
  ['a property', 'const y = { sum: x.@add(1) };', false],
  ['what is returned', 'return x.@add(1);', false],
  ['what is returned without a semicolon', 'return x.@add(1)\n', false],
  ['the body of a function', 'const f = () => x.@add(1);', false],
  ['an operand', 'y = 1 +\n  x.@add(1);', false],
  ['no call', 'x.@add;', false],
])('the text: %s', (_, text, expected) => {
  const before = text.slice(0, text.indexOf('@'));
  const line = before.split('\n').length;
  const column = before.length - before.lastIndexOf('\n');
  expect(isStatement(text.replace('@', ''), line, column)).toBe(expected);
});

class Twice extends Module {
  readonly a = input(uint(8));
  readonly en = input(bool);
  readonly q = output(uint(8));
  readonly r = output(uint(8));
  private readonly state = reg(uint(8), { init: 0 });
  protected override logic() {
    this.q.part(0, 4).set(this.a.part(0, 4));
    this.q.set(this.a);
    this.q.bit(7).set(this.en);
    when(this.en, () => {
      this.state.set(this.a);
      this.state.set(this.state.add(1));
    });
    this.r.set(this.state);
  }
}

test('an assignment that a later one of the same block covers has no effect', () => {
  expect(found(() => new Twice())).toEqual([
    "multiply-driven: bits 3 to 0 of output 'q' of Twice are driven twice: the first has no effect",
    "multiply-driven: register 'state' of Twice is driven twice: the first has no effect",
  ]);
});
