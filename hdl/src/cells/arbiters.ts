import { input, Module, output, reg } from '../lang/module.ts';
import { lowestBit } from '../lang/one-hot.ts';
import { cat, mux, muxOneHot, u } from '../lang/ops.ts';
import { stream, uint, vec } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { HType, Stream, UInt } from '../lang/values.ts';
import { clog2 } from '../lang/widths.ts';
import type { Contract } from './contract.ts';
import { atLeast, refusal } from './parameters.ts';

const paths = ['in.ready: in.valid, out.ready', 'out.payload: in.payload, in.valid', 'out.valid: in.valid'];

/**
 * Joins `n` streams word by word: the lowest input that has a word goes first, so that one that always has keeps the higher ones waiting.
 * Combinational from input to output, a word per cycle. A word that was offered is not withdrawn. Reset forgets what was offered.
 */
export class PriorityArbiter<T extends HType> extends Module<{ n: number; type: T }> {
  static readonly contract: Contract = {
    purpose: 'Joins streams word by word, the lowest input first',
    latency: 0,
    throughput: 1,
    storage: 0,
    paths,
    reset: 'forgets what was offered',
    keeps: [],
  };
  readonly in = input(vec(this.p.n, stream(this.p.type)));
  readonly out = output(stream(this.p.type));
  /** The input whose word waits at the output, one-hot; 0 if none does. */
  private readonly owner = reg(uint(this.p.n), { init: 0 });

  protected override logic() {
    const valid = validOf(this.in);
    const grant = mux(this.owner.any(), this.owner, lowestBit(valid));
    join(this.in, this.out, valid, grant);
    this.owner.set(mux(this.out.valid.and(this.out.ready.not()), grant, 0));
  }
}

/**
 * Joins `n` streams word by word in turn; with `weights` an input may send that many words each time its turn comes (1 by default). An input
 * without a word loses its turn to one that has. Combinational from input to output, a word per cycle. A word that was offered is not withdrawn.
 * After reset the turn is input 0's.
 */
export class RoundRobinArbiter<T extends HType> extends Module<{ n: number; type: T; weights?: readonly number[] }> {
  static readonly contract: Contract = {
    purpose: 'Joins streams word by word in turn, by weight if wanted',
    latency: 0,
    throughput: 1,
    storage: 0,
    paths,
    reset: 'gives input 0 the turn',
    keeps: [],
  };
  /** Words of the longest turn. */
  private readonly turn = this.longestTurn();
  readonly in = input(vec(this.p.n, stream(this.p.type)));
  readonly out = output(stream(this.p.type));
  /** The input whose word waits at the output, one-hot; 0 if none does. */
  private readonly owner = reg(uint(this.p.n), { init: 0 });
  /** Inputs up to and including the one last granted: they come after the others. */
  private readonly served = reg(uint(this.p.n), { init: 0 });
  /** Words that the input last granted may still send in its turn. */
  private readonly left = this.turn > 1 ? reg(uint(clog2(this.turn)), { init: 0 }) : undefined;

  protected override logic() {
    const { left } = this;
    const valid = validOf(this.in);
    const waiting = valid.and(this.served.not());
    const next = lowestBit(mux(waiting.any(), waiting, valid));
    const last = this.served.and(this.served.shr(1).not());
    const offered = left ? mux(last.and(valid).any().and(left.any()), last, next) : next;
    const grant = mux(this.owner.any(), this.owner, offered);
    join(this.in, this.out, valid, grant);
    this.owner.set(mux(this.out.valid.and(this.out.ready.not()), grant, 0));
    when(this.out.fire, () => {
      this.served.set(grant.or(grant.sub(1)));
      left?.set(mux(grant.eq(last).and(left.any()), left.sub(1), this.share(grant, left.width)));
    });
  }

  /** Words that may follow the first one of the turn of the input that is granted. */
  private share(grant: UInt<number>, width: number): UInt<number> {
    const { weights = [] } = this.p;
    return muxOneHot(
      grant.words(1),
      weights.map(weight => u(width, weight - 1)),
    );
  }

  /** @throws HdlError for weights that do not fit. */
  private longestTurn(): number {
    const { n, weights = [] } = this.p;
    if (weights.length !== 0 && weights.length !== n)
      throw refusal(this, `${weights.length} weights are given for ${n} inputs`, { help: 'give one weight per input' });
    return Math.max(1, ...weights.map(weight => atLeast(this, 1, 'a weight', weight)));
  }
}

/** Which inputs have a word; input 0 is bit 0. */
function validOf(inputs: readonly Stream<HType>[]): UInt<number> {
  return cat(...inputs.map(({ valid }) => valid).toReversed());
}

/** Connects the input that `grant` names, one-hot, with the output. */
function join<T extends HType>(inputs: readonly Stream<T>[], out: Stream<T>, valid: UInt<number>, grant: UInt<number>): void {
  out.valid.set(grant.and(valid).any());
  out.put(
    muxOneHot(
      grant.words(1),
      inputs.map(({ payload }) => payload),
    ),
  );
  inputs.forEach(({ ready }, i) => {
    ready.set(grant.bit(i).and(out.ready));
  });
}
