import { expect, test } from 'vitest';
import {
  bool,
  connect,
  elaborate,
  HdlError,
  type HType,
  input,
  Module,
  memory,
  output,
  reg,
  states,
  stream,
  type UIntType,
  u,
  uint,
  vec,
  when,
  wire,
} from '../../src/index.ts';
import { Counter } from './examples.ts';

/** A module with an output and a logic of its own. */
class Wrong extends Module<{ logic: (m: Wrong) => void }> {
  readonly a = input(uint(4));
  readonly anyWidth = input(uint(8) as UIntType<number>);
  readonly y = output(uint(4));
  readonly ram = memory(uint(8), { depth: 4, lane: 4 });
  protected override logic() {
    this.y.set(0);
    this.p.logic(this);
  }
}

function message(logic: (m: Wrong) => void): string {
  try {
    elaborate(() => new Wrong({ logic }));
  } catch (error) {
    expect(error).toBeInstanceOf(HdlError);
    if (error instanceof HdlError) {
      expect(error.sites[0]?.frames[0]?.file).toMatch(/errors\.test\.ts$/);
      return error.message.split('\n')[0] ?? '';
    }
  }
  return 'no error';
}

test.each<[string, (m: Wrong) => void, string]>([
  ['a literal that does not fit', m => m.y.set(16), '16 does not fit in 4 bits'],
  ['a negative literal that does not fit', m => m.y.set(-9), '-9 does not fit in 4 bits'],
  ['a fraction', m => m.y.set(1.5), '1.5 is not a value of 4 bits'],
  ['two widths, known at run time only', m => m.y.set(m.anyWidth as never), "width mismatch: 'y' has 4 bits, 'anyWidth' has 8"],
  ['a stated width that is wrong', m => m.y.set(m.anyWidth.as(4)), "stated as 4 bits, but 'anyWidth' has 8"],
  ['a slice beyond the top', m => m.y.set(m.a.part(2, 4)), "bits 5 down to 2 are not all inside 'a', which has 4 bits"],
  ['losing bits by zext', m => m.y.set(m.anyWidth.zext(4)), 'zext from 8 to 4 bits would lose bits'],
  ['driving an operation', m => (m.a.add(1) as unknown as typeof m.y).set(1), 'this add is the result of an operation'],
  ['driving an input', m => (m.a as unknown as typeof m.y).set(1), "'a' is an input of Wrong, so the outside drives it"],
  ['a condition of several bits', m => when(m.a as never, () => {}), 'a condition has 1 bit, this one has 4'],
  ['a mask with the wrong number of lanes', m => m.ram.write(0, 1, m.a), 'the mask has 4 bits, but a word has 2 lanes of 4 bits'],
  ['an address of the wrong width', m => m.ram.write(m.a, 1), "width mismatch: 0 has 2 bits, 'a' has 4"],
  ['a register outside any field', m => m.y.set(reg(uint(4))), 'this register belongs to no module'],
  ['a width of nothing', () => wire(uint(0)), 'a width is a whole number of at least 1, not 0'],
  ['a state twice', () => states('A', 'B', 'A'), 'a state stands twice in A, B, A'],
  ['an empty vector', () => wire(vec(0, bool)), 'a vector has a whole number of at least 1 elements, not 0'],
])('%s', (_, logic, text) => {
  expect(message(logic)).toBe(text);
});

test('a statement outside logic() is refused', () => {
  expect(() => output(bool).set(1)).toThrow('statements belong in logic()');
});

class Meddler extends Module<{ logic: (m: Meddler) => void }> {
  readonly in = input(stream(uint(4)));
  readonly count = output(uint(4));
  readonly child = new Counter({ width: 4 });
  protected override logic() {
    connect(this.child, { en: this.in.valid });
    this.in.ready.set(1);
    this.count.set(this.child.count);
    this.p.logic(this);
  }
}

test.each<[string, (m: Meddler) => void, string]>([
  ['driving a child’s output', m => m.child.count.set(1), "'child.count' is an output of Counter"],
  ['reading a child’s input', m => m.count.set(m.child.en.zext(4)), "'child.en' is an input of the child"],
  [
    'using a child’s inside',
    m => m.count.set((m.child as unknown as { value: typeof m.count }).value),
    "'value' belongs to Counter and is used in Meddler",
  ],
])('%s', (_, logic, text) => {
  expect(() => elaborate(() => new Meddler({ logic }))).toThrow(text);
});

test('a mistake names the caller too', () => {
  const wide = <T extends HType>(type: T) => wire(type);
  const helper = () => wide(uint(-1));
  try {
    elaborate(() => new Wrong({ logic: () => void helper() }));
    expect.unreachable();
  } catch (error) {
    expect(String(error)).toMatch(/at .*errors\.test\.ts:\d+:\d+\n.*\n.*\n {2}called from .*errors\.test\.ts:\d+:\d+/);
  }
  expect(u(4, 3).width).toBe(4);
});
