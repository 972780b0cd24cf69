/** What must not compile does not: checked by `tsc`, which refuses an expectation that finds no error. */
import {
  arms,
  Bundle,
  bool,
  cat,
  connect,
  decode,
  drive,
  equal,
  flipped,
  fromOneHot,
  input,
  Module,
  match,
  mux,
  muxOneHot,
  output,
  plus,
  reg,
  s,
  select,
  sint,
  states,
  stream,
  toOneHot,
  type UInt,
  u,
  uint,
  vec,
  when,
  wire,
} from '../../src/index.ts';

const State = states('Idle', 'Run', 'Stop');
const Other = states('On', 'Off');

class Pixel extends Bundle({ red: uint(5), green: uint(6), blue: uint(5) }) {}
class Bus extends Bundle({ req: uint(8), ack: flipped(bool) }) {}

class Child extends Module {
  readonly data = input(uint(8));
  readonly level = input(sint(8));
  readonly mode = input(State);
  readonly list = input(vec(2, uint(4)));
  readonly done = output(bool);
  protected override logic() {
    this.done.set(this.data.any());
  }
}

export class Refused extends Module {
  readonly a = input(uint(8));
  readonly b = input(uint(9));
  readonly x = input(sint(8));
  readonly z = input(sint(9));
  readonly pixel = input(Pixel);
  readonly word = input(stream(uint(8)));
  readonly y = output(uint(8));
  readonly v = output(sint(8));
  readonly flag = output(bool);
  private readonly state = reg(State);
  private readonly other = reg(Other);
  private readonly list = reg(vec(10, uint(8)));
  private readonly bus = wire(Bus);
  private readonly child = new Child();

  protected override logic() {
    // Widths.
    // @ts-expect-error a wider operand
    this.a.sub(this.b);
    // @ts-expect-error a comparison of two widths
    this.a.lt(this.b);
    // @ts-expect-error a saturating sum of two widths
    this.a.addSat(this.b);
    // @ts-expect-error a range of another width
    this.a.inRange(0, this.b);
    // @ts-expect-error the smaller of two widths
    this.a.min(this.b);
    // @ts-expect-error the difference with borrow grew
    this.y.set(this.a.subx(this.a));
    // @ts-expect-error the product grew
    this.y.set(this.a.mul(this.a));
    // @ts-expect-error words side by side
    this.y.set(cat(this.a, this.a));
    // @ts-expect-error a slice of 4 bits
    this.y.set(this.a.bits(6, 3));
    // @ts-expect-error one bit
    this.y.set(this.a.bit(0));
    // @ts-expect-error a word of 4 bits
    this.y.set(this.a.word(0, 4));
    // @ts-expect-error extended to 9 bits
    this.y.set(this.a.zext(9));
    // @ts-expect-error a literal of 9 bits
    this.y.set(u(9, 1));
    // @ts-expect-error two widths in a mux
    mux(this.a.any(), this.a, this.b);
    // @ts-expect-error one-hot choice among two widths
    this.y.set(muxOneHot([this.a.bit(0), this.a.bit(1)], [this.a, this.b]));
    // @ts-expect-error a condition of 8 bits
    mux(this.a, this.b, 0);
    // @ts-expect-error several bits are no condition
    when(this.a.bits(1, 0), () => {});
    // @ts-expect-error a number is no condition
    when(1, () => {});

    // What can be set.
    // @ts-expect-error a slice of an input
    this.a.bits(3, 0).set(1);
    // @ts-expect-error a bit of an input
    this.a.bit(3).set(1);
    // @ts-expect-error a word of an input
    this.a.word(this.a.bit(0), 4).set(1);
    // @ts-expect-error a slice of a result
    this.y.add(1).bits(3, 0).set(1);
    // @ts-expect-error a slice of a constant
    u(8, 1).bits(3, 0).set(1);
    // @ts-expect-error an extended register
    this.y.zext(9).set(1);
    // @ts-expect-error a part of another width
    this.y.bits(3, 0).set(this.a);
    // @ts-expect-error a bit takes one bit
    this.y.bit(0).set(this.a);
    // @ts-expect-error the payload's valid is no word
    this.word.valid.set(this.a);
    // @ts-expect-error a result of a bundle
    mux(this.a.any(), this.pixel, this.pixel).set({ red: 0, green: 0, blue: 0 });
    // @ts-expect-error an output of a child
    drive(this.child.done).set(1);

    // Signed and unsigned.
    // @ts-expect-error a signed operand for an unsigned one
    this.a.add(this.x);
    // @ts-expect-error an unsigned operand for a signed one
    this.x.add(this.a);
    // @ts-expect-error a signed comparison with an unsigned value
    this.x.lt(this.a);
    // @ts-expect-error a signed value for an unsigned output
    this.y.set(this.x);
    // @ts-expect-error an unsigned value for a signed output
    this.v.set(this.a);
    // @ts-expect-error an unsigned literal for a signed output
    this.v.set(u(8, 1));
    // @ts-expect-error a signed literal for an unsigned output
    this.y.set(s(8, 1));
    // @ts-expect-error a signed sum of two widths
    this.x.sub(this.z);
    // @ts-expect-error a shift by a signed amount
    this.a.shl(this.x);
    // @ts-expect-error a signed index
    this.a.bit(this.x);
    // @ts-expect-error the mux of both kinds
    mux(this.a.any(), this.a, this.x);
    // @ts-expect-error signed values have no zext
    this.x.zext(9);
    // @ts-expect-error unsigned values have no sext
    this.a.sext(9);
    // @ts-expect-error a signed value is not joined as it is
    cat(this.a, this.x);
    // @ts-expect-error a magnitude is unsigned
    this.v.set(this.x.abs());

    // Indices.
    // @ts-expect-error 10 elements are counted by 4 bits
    this.list.at(this.a);
    // @ts-expect-error an element of another width
    this.list.at(this.a.bits(3, 0)).set(this.b);
    // @ts-expect-error 8 bits are counted by 3
    toOneHot(this.a, 8);
    // @ts-expect-error the number of one of 8 bits has 3
    this.y.set(fromOneHot(this.a));
    // @ts-expect-error a choice among two widths
    this.y.set(select(this.a, [this.a, this.b]));

    // Enumerations.
    // @ts-expect-error a state of another enumeration
    this.state.set(Other.On);
    // @ts-expect-error a register of another enumeration
    this.state.set(this.other);
    // @ts-expect-error a number is no state
    this.state.set(1);
    // @ts-expect-error a comparison with another enumeration's state
    this.state.eq('On');
    // @ts-expect-error no such state
    this.state.is('Halt');
    // @ts-expect-error two states are left out
    match(State, this.state, { Idle: () => {} });
    // @ts-expect-error a state is left out beside a shared arm
    match(State, this.state, { ...arms(['Idle', 'Run'], () => {}) });
    // @ts-expect-error the rest is stated, but the arm is for no state
    match(State, this.state, { Halt: () => {} }, () => {});
    // @ts-expect-error the subject is of another enumeration
    match(State, this.other, { Idle: () => {}, Run: () => {}, Stop: () => {} });
    // @ts-expect-error an enumeration is not decoded by number
    decode(this.state, [[0, () => {}]]);
    // @ts-expect-error an illegal code stands for a state that does not exist
    State.from(this.a.bits(1, 0), 'Halt');
    // @ts-expect-error a code that is no number
    states.coded({ A: 'x' });

    // Bundles.
    // @ts-expect-error a field is missing
    Pixel.of({ red: 1, green: 2 });
    // @ts-expect-error a field that does not exist
    Pixel.of({ red: 1, green: 2, blue: 3, alpha: 4 });
    // @ts-expect-error a field of another width
    Pixel.of({ red: this.a, green: 2, blue: 3 });
    // @ts-expect-error compared with a literal without a field
    equal(this.pixel, { red: 1 });
    // @ts-expect-error a flipped field takes no literal
    this.bus.set({ req: 1, ack: 1 });
    // @ts-expect-error another bundle
    this.bus.set(this.pixel);
    // @ts-expect-error init of a field that does not exist
    reg(Pixel, { init: { red: 0, green: 0, blue: 0, alpha: 0 } });
    // @ts-expect-error a type is wanted, not a value
    input(this.pixel);

    // Children.
    // @ts-expect-error an input is forgotten
    connect(this.child, { data: this.a, level: this.x, mode: 'Idle' });
    // @ts-expect-error an unsigned level
    connect(this.child, { data: this.a, level: this.a, mode: 'Idle', list: [1, 2] });
    // @ts-expect-error no such mode
    connect(this.child, { data: this.a, level: this.x, mode: 'Halt', list: [1, 2] });
    // @ts-expect-error an element of another width
    connect(this.child, { data: this.a, level: this.x, mode: 'Idle', list: [this.a, 2] });
    // @ts-expect-error an output is no input
    connect(this.child, { data: this.a, level: this.x, mode: 'Idle', list: [1, 2], done: 1 });
  }
}

/** With symbolic widths. */
export function generic<W extends number>(w: W, value: UInt<W>) {
  // @ts-expect-error one bit more
  const same: UInt<W> = value.addx(1);
  // @ts-expect-error a width that was grown
  const grown: UInt<W> = u(plus(w, 1), 0);
  // @ts-expect-error 8 bits for W
  wire(uint(w)).set(u(8, 0));
  return [same, grown];
}
