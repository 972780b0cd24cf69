/** What expressions are, as an editor shows them: checked by `tsc`. */
import {
  type Bool,
  Bundle,
  bool,
  cat,
  clog2,
  type Enum,
  equal,
  flipped,
  fromOneHot,
  type In,
  input,
  leadingZeros,
  Module,
  minus,
  mux,
  output,
  plus,
  popCount,
  reg,
  repeat,
  type SInt,
  type Sig,
  sint,
  states,
  stream,
  times,
  toOneHot,
  type UInt,
  uint,
  unpack,
  type Var,
  vec,
  wire,
} from '../../src/index.ts';

/** True only for one and the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only where `Expected` is the type of `value`. */
function is<Expected>() {
  return <Actual>(_value: Actual, ..._same: Same<Actual, Expected> extends true ? [] : [never]): void => {};
}

const Op = states('Load', 'Store');
class Beat extends Bundle({ data: uint(64), last: bool, op: Op }) {
  get ending(): Bool {
    return this.last.and(this.op.is('Store'));
  }
  static idle() {
    return Beat.of({ data: 0, last: 0, op: 'Load' });
  }
}
class Bus extends Bundle({ req: uint(8), ack: flipped(bool), beats: stream(Beat) }) {}

export class Types extends Module {
  readonly a = input(uint(8));
  readonly y = output(uint(9));
  readonly n = input(sint(5));
  readonly beat = input(Beat);
  readonly bus = output(Bus);
  readonly list = reg(vec(12, uint(4)));
  readonly out = output(stream(Beat));

  protected override logic() {
    is<In<UInt<8>>>()(this.a);
    is<Var<UInt<9>>>()(this.y);
    is<In<SInt<5>>>()(this.n);
    is<In<Beat>>()(this.beat);
    is<Var<Bus>>()(this.bus);
    is<Var<UInt<64>>>()(this.beat.data);
    is<Var<Enum<'Load' | 'Store'>>>()(this.beat.op);
    is<Bool>()(this.beat.ending);
    is<Beat>()(Beat.idle());
    is<Beat>()(mux(this.a.any(), Beat.idle(), this.beat));
    is<Sig<typeof Beat>>()(Beat.idle());

    is<UInt<8>>()(this.a.add(1));
    is<UInt<9>>()(this.a.addx(1));
    is<UInt<9>>()(this.a.subx(this.a));
    is<UInt<17>>()(this.a.mul(this.y));
    is<UInt<17>>()(this.a.cat(this.y));
    is<UInt<25>>()(cat(this.a, this.y, this.a));
    is<UInt<24>>()(repeat(this.a, 3));
    is<UInt<1000>>()(repeat(this.a, 125));
    is<UInt<4>>()(this.a.bits(5, 2));
    is<Var<UInt<4>>>()(this.y.bits(5, 2));
    is<Var<Bool>>()(this.y.bits(5, 2).bit(this.a.bits(1, 0)));
    is<Var<UInt<3>>>()(this.y.word(this.a.bits(1, 0), 3));
    is<Bool>()(this.a.bit(3));
    is<UInt<8>>()(this.a.rotl(3).min(7).addSat(1));
    is<SInt<8>>()(this.a.asSInt());
    is<UInt<5>>()(this.n.abs());
    is<SInt<6>>()(this.n.addx(-1));
    is<SInt<10>>()(this.n.mul(this.n));
    is<SInt<12>>()(this.n.sext(12));
    is<UInt<4>>()(popCount(this.a));
    is<UInt<4>>()(leadingZeros(this.y));
    is<UInt<3>>()(fromOneHot(this.a));
    is<UInt<20>>()(toOneHot(this.a.bits(4, 0), 20));
    is<Var<UInt<4>>>()(this.list.at(this.a.bits(3, 0)));
    is<Beat>()(unpack(Beat, this.a));
    is<Bool>()(equal(this.beat, { data: 1, last: 0, op: 'Load' }));
    is<Bool>()(this.out.fire);

    is<9>()(plus(8, 1));
    is<1100>()(plus(1001, 99));
    is<7>()(minus(8, 1));
    is<992>()(minus(1001, 9));
    is<96>()(times(8, 12));
    is<65536>()(times(256, 256));
    is<0>()(times(10, 0));
    is<1>()(clog2(1));
    is<5>()(clog2(17));
    is<5>()(clog2(32));
    is<10>()(clog2(1000));
    is<13>()(clog2(4097));
    is<17>()(clog2(100000));
    is<20>()(clog2(999999));
    is<number>()(clog2(100 as number));
  }
}

/** Symbolic widths: the grown sum fits a register that is declared one wider. */
export class Accumulator<W extends number, N extends number> extends Module<{ width: W; count: N }> {
  readonly step = input(uint(this.p.width));
  readonly select = input(uint(clog2(this.p.count)));
  readonly sum = output(uint(plus(this.p.width, 1)));
  readonly word = output(uint(times(this.p.width, 2)));
  readonly hot = output(uint(this.p.count));
  private readonly last = reg(uint(this.p.width), { init: 0 });
  private readonly table = reg(vec(this.p.count, uint(this.p.width)));

  protected override logic() {
    this.sum.set(this.step.addx(this.last));
    this.last.set(this.sum.trunc(this.p.width));
    this.word.set(repeat(this.step, 2));
    this.hot.set(toOneHot(this.select, this.p.count));
    this.table.at(this.select).set(this.last);
    is<Var<UInt<W>>>()(this.last);

    // @ts-expect-error the sum has one bit more
    this.last.set(this.sum);
    // @ts-expect-error twice as wide
    this.last.set(this.word);
    // @ts-expect-error not the word that counts the elements
    this.table.at(this.last);
  }
}

/** What is found in a type that is not wanted there shows as an error. */
export function wrong(value: Types) {
  // @ts-expect-error another width
  is<UInt<9>>()(value.a.add(1));
  // @ts-expect-error no signal that can be set
  is<Var<UInt<8>>>()(value.a);
  wire(bool).set(1);
}
