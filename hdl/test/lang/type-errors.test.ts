/** What the compiler refuses, elaboration refuses too: widths that only show at run time, and code that is not type-checked. */
import { expect, test } from 'vitest';
import {
  Bundle,
  bool,
  equal,
  flipped,
  HdlError,
  input,
  Module,
  match,
  minus,
  mux,
  output,
  reg,
  s,
  sint,
  states,
  toOneHot,
  type UInt,
  u,
  uint,
  vec,
  wire,
} from '../../src/index.ts';
import { elaborate } from '../../src/lang/elaborate.ts';

/** What the type of a result does not offer. */
type Settable = UInt<number> & { set(value: number): void };

const State = states('Idle', 'Run', 'Stop');
const Other = states('On', 'Off');
class Pixel extends Bundle({ red: uint(5), green: uint(6) }) {}
class Bus extends Bundle({ req: uint(8), ack: flipped(bool) }) {}

class Wrong extends Module<{ logic: (m: Wrong) => void }> {
  readonly a = input(uint(12));
  readonly x = input(sint(12));
  readonly i = input(uint(2));
  readonly y = output(uint(12));
  readonly v = output(sint(12));
  readonly state = reg(State);
  readonly list = reg(vec(5, uint(12)));
  readonly pixel = wire(Pixel);
  readonly bus = wire(Bus);
  protected override logic() {
    this.p.logic(this);
  }
}

test.each<[string, (m: Wrong) => void, string]>([
  ['signed beside unsigned', m => m.x.add(m.a as never), "'x' is signed and 'a' is not"],
  ['unsigned beside signed', m => m.a.lt(m.x as never), "'x' is signed and 'a' is not"],
  ['a product of both kinds', m => m.a.mul(m.x as never), "'x' is signed and 'a' is not"],
  ['a mux of both kinds', m => mux(m.a.any(), m.a, m.x as never), "'x' is signed and 'a' is not"],
  ['a signed value for an unsigned output', m => m.y.set(m.x as never), "'x' is signed and 'y' is not"],
  ['a signed literal that does not fit', m => m.v.set(2048), '2048 does not fit in 12 signed bits'],
  ['another one', () => s(4, -9), '-9 does not fit in 4 signed bits'],
  ['losing bits by sext', m => m.x.sext(11), 'sext from 12 to 11 bits would lose bits'],
  ['a shift by a signed amount', m => m.a.shl(m.x as never), "a shift takes an unsigned amount, and 'x' is signed"],
  ['a shift by a negative number', m => m.a.shr(-1), 'a shift takes a whole number of at least 0, not -1'],
  ['a rotation by a fraction', m => m.a.rotl(0.5), 'a rotation takes a whole number of at least 0, not 0.5'],
  ['a signed index', m => m.a.bit(m.x as never), "an index is unsigned, and 'x' is signed"],
  ['words that do not divide the value', m => m.a.words(5), "'a' has 12 bits, which are no whole number of 5-bit words"],
  ['a word index with too few bits', m => m.a.word(m.i, 2), "an index of 6 words has 3 bits, and 'i' has 2"],
  ['a word beyond the top', m => m.a.word(3, 4), "bits 15 down to 12 are not all inside 'a', which has 12 bits"],
  ['an element index with too few bits', m => m.list.at(m.i as never), "an index of 5 elements has 3 bits, and 'i' has 2"],
  ['a one-hot index with too few bits', m => toOneHot(m.i as never, 9), "an index of 9 bits has 4 bits, and 'i' has 2"],
  ['a slice of a result', m => (m.a.add(1).bits(3, 0) as Settable).set(1), 'this add is the result of an operation'],
  ['a bit of a result, by a signal', m => (m.a.not().bit(m.i) as Settable).set(1), 'this not is the result of an operation'],
  ['a part of another width', m => m.y.bits(3, 0).set(u(5, 1) as never), 'width mismatch: this slice has 4 bits, 1 has 5'],
  ['a bit of an input', m => (m.a.bit(3) as Settable).set(1), "'a' is an input of Wrong, so the outside drives it"],
  ['a state of another enumeration', m => m.state.set(Other.Off as never), "width mismatch: 'state' has 2 bits, 1 has 1"],
  ['a word for a state', m => m.state.set(m.i as never), "'state' is one of Idle, Run, Stop, and 'i' is a number"],
  ['a state for a word', m => m.i.eq(m.state as never), "'i' is a number, and 'state' is one of Idle, Run, Stop"],
  ['a code of no state', m => m.state.set(3 as never), '3 is the code of none of Idle, Run, Stop'],
  ['a state that is none', m => m.state.is('Halt' as never), "'Halt' is not one of Idle, Run, Stop"],
  ['an arm left out', m => match(State, m.state, { Idle() {} } as never), 'no arm for Run, Stop'],
  ['an arm of no state', m => match(State, m.state, { Halt() {} } as never, () => {}), "'Halt' is not one of Idle, Run, Stop"],
  [
    'a match of another subject',
    m => match(State, m.i as never, {} as never),
    'the subject of this match is none of Idle, Run, Stop',
  ],
  ['a word for a state that has illegal codes', m => State.from(m.i), '3 states do not use all codes of 2 bits'],
  ['a word of another width for a state', m => State.from(m.a, 'Idle'), "stated as 2 bits, but 'a' has 12"],
  ['two states of one code', () => states.coded({ A: 1, B: 1 }), 'A and B have the same code 1'],
  ['a code that does not fit', () => states.coded({ A: 9 }, 3), 'the code 9 of A does not fit in 3 bits'],
  ['a state with a name that is taken', () => states('width'), "a state cannot be called 'width'"],
  ['a field left out', m => m.pixel.set({ red: 1 } as never), "the field 'green' is missing in the value"],
  [
    'a field that does not exist',
    m => m.pixel.set({ red: 1, green: 2, blue: 3 } as never),
    "there is no field 'blue', only red, green",
  ],
  ['a number for a bundle', m => m.pixel.set(3 as never), 'a bundle of red, green is wanted'],
  [
    'a bundle literal with a field of another width',
    m => Pixel.of({ red: m.a, green: 1 } as never),
    "width mismatch: 0 has 5 bits, 'a' has 12",
  ],
  ['equality with a literal that does not fit', m => equal(m.pixel, { red: 32, green: 0 }), '32 does not fit in 5 bits'],
  ['a field with a name that is taken', () => Bundle({ set: bool }), "a bundle field cannot be called 'set'"],
  ['a literal for a flipped field', m => m.bus.set({ req: 1, ack: 1 } as never), 'this is not a hardware value'],
  ['too few elements', m => m.list.set([1, 2]), 'a vector of 5 elements is driven by as many values, not 2'],
  [
    'init that is a signal',
    m => reg(uint(12), { init: m.a }),
    'init is a constant: a number, the name of a state, or a bundle or vector of such',
  ],
  ['init without a field', () => reg(Pixel, { init: { red: 1 } as never }), "the field 'green' is missing in the value"],
  ['init of a state that is none', () => reg(State, { init: 'Halt' as never }), "'Halt' is not one of Idle, Run, Stop"],
  ['a negative width', () => minus(3, 4), '3 - 4 is negative'],
])('%s', (_, logic, text) => {
  try {
    elaborate(() => new Wrong({ logic }));
  } catch (error) {
    expect(error).toBeInstanceOf(HdlError);
    expect(String(error).split('\n')[0]).toBe(`HdlError: ${text}`);
    expect((error as HdlError).sites[0]?.frames[0]?.file).toMatch(/type-errors\.test\.ts$/);
    return;
  }
  expect.unreachable();
});
