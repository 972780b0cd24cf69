import { bool, connect, input, Module, output, RoundRobinArbiter, reg, stream, uint, vec, when } from '@hdl/ts-hdl';
import { at } from '../../at.ts';
import { resultBits } from '../receive/completion-builder.ts';
import { atomicRequest } from '../receive/interfaces.ts';

/**
 * AtomicOps of two sides on the BAR memory, in turn and one at a time: the next one goes when the result of the one before was taken. Combinational to
 * `out` and from `result`. Reset forgets who waits.
 */
export class AtomicTurns extends Module<{
  /** Bits of an address, which counts DW. */
  readonly address_width: number;
}> {
  private readonly type = atomicRequest(this.p.address_width);
  readonly request = input(vec(2, stream(this.type)));
  readonly answer = output(vec(2, stream(uint(resultBits))));
  readonly out = output(stream(this.type));
  readonly result = input(stream(uint(resultBits)));
  private readonly turns = new RoundRobinArbiter({ n: 2, type: this.type });
  private readonly busy = reg(bool, { init: 0 });
  private readonly second = reg(bool);

  protected override logic() {
    const { turns, busy, second, out, result } = this;
    connect(turns, { in: this.request });
    out.valid.set(turns.out.valid.and(busy.not()));
    out.put(turns.out.payload);
    turns.out.ready.set(out.ready.and(busy.not()));
    this.answer.forEach((answer, i) => {
      answer.valid.set(result.valid.and(i === 0 ? second.not() : second));
      answer.put(result.payload);
    });
    result.ready.set(second.and(at(this.answer, 1).ready).or(second.not().and(at(this.answer, 0).ready)));
    when(result.fire, () => busy.set(0));
    when(out.fire, () => {
      busy.set(1);
      second.set(at(this.request, 1).fire);
    });
  }
}
