/** What must not compile does not: checked by `tsc`, which refuses an expectation that finds no error. */
import { bool, connect, input, Module, match, output, reg, states, stream, type UInt, uint, when } from '../../src/index.ts';
import { Beat, Counter } from '../lang/examples.ts';

const State = states('Idle', 'Run');

export class Wrong extends Module {
  readonly a = input(uint(8));
  readonly b = input(uint(9));
  readonly beat = input(stream(Beat));
  readonly y = output(uint(8));
  private readonly state = reg(State, { init: 'Idle' });
  private readonly counter = new Counter({ width: 16 });

  protected override logic() {
    this.y.set(this.a);
    const seventeen: UInt<17> = this.a.cat(this.b);
    const nine: UInt<9> = this.a.addx(1);
    const four: UInt<4> = this.a.bits(5, 2);
    const hundred: UInt<100> = this.a.zext(99).addx(0);
    for (const used of [seventeen, nine, four, hundred]) when(used.any(), () => this.y.set(1));

    // @ts-expect-error two widths
    this.y.set(this.b);
    // @ts-expect-error two widths in an operation
    this.a.add(this.b);
    // @ts-expect-error a sum that grew
    this.y.set(this.a.addx(1));
    // @ts-expect-error an input cannot be driven
    this.a.set(0);
    // @ts-expect-error an expression cannot be driven
    this.a.add(1).set(0);
    // @ts-expect-error several bits are no condition
    when(this.a, () => {});
    // @ts-expect-error a forgotten input
    connect(this.counter, {});
    // @ts-expect-error an input that does not exist
    connect(this.counter, { en: this.a.bit(0), enn: this.a.bit(1) });
    // @ts-expect-error an input of another width
    connect(this.counter, { en: this.a });
    // @ts-expect-error a state is left out
    match(State, this.state, { Idle: () => this.state.set('Run') });
    // @ts-expect-error no such state
    this.state.set('Done');
    // @ts-expect-error no such field
    when(this.beat.payload.lost, () => {});
    // @ts-expect-error a state is not a number
    this.y.set(this.state);
    // @ts-expect-error init of another kind
    reg(bool, { init: 'Idle' });
  }
}
