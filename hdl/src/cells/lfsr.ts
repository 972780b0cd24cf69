import { HdlError } from '../lang/errors.ts';
import { input, Module, output, reg } from '../lang/module.ts';
import { mux, u } from '../lang/ops.ts';
import { bool, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { UInt } from '../lang/values.ts';
import type { Contract } from './contract.ts';
import { bitsFrom, type Sum, sumsOf } from './linear.ts';
import { primitiveTerms } from './primitive-terms.ts';

/**
 * The taps of a Galois LFSR of `width` bits that shifts towards bit 0: the bits that change where a 1 leaves. With these it runs through all
 * 2^width - 1 states that are not 0. @throws HdlError for a width that is not 2 to 64.
 */
export function maximalTaps(width: number): bigint {
  const terms = primitiveTerms[width];
  if (!terms)
    throw new HdlError(`taps are known for 2 to 64 bits, not for ${width}`, {
      help: 'choose a width from 2 to 64, or state taps of your own',
    });
  return [width, ...terms].reduce((taps, term) => taps | (1n << BigInt(term - 1)), 0n);
}

/** The state of a Galois LFSR after `steps` steps, all in one: each bit is one exclusive or. */
export function lfsrNext<W extends number>(state: UInt<W>, taps: bigint, steps = 1): UInt<W> {
  const { width } = state;
  let sums: readonly Sum[] = bitsFrom(0, width);
  for (let step = 0; step < steps; step++) {
    const [out = 0n] = sums;
    sums = sums.map((_, i) => (sums[i + 1] ?? 0n) ^ ((taps >> BigInt(i)) & 1n ? out : 0n));
  }
  return sumsOf(state, sums).as(width);
}

/**
 * A pseudo-random sequence of maximal length: `value` takes `steps` steps (1 by default) in each cycle in which `en` is 1. Reset gives it the seed
 * (1 by default).
 */
export class Lfsr<W extends number> extends Module<{ width: W; steps?: number; seed?: number | bigint }> {
  static readonly contract: Contract = {
    purpose: 'Pseudo-random sequence of maximal length',
    latency: 1,
    paths: [],
    reset: 'the seed',
    keeps: [],
  };
  readonly en = input(bool);
  readonly value = output(uint(this.p.width));
  private readonly state = reg(uint(this.p.width), { init: this.p.seed ?? 1 });

  protected override logic() {
    const { width, steps = 1, seed = 1 } = this.p;
    if (BigInt(seed) === 0n)
      throw new HdlError('the seed of an LFSR is not 0', { help: 'from 0 it never moves: use another number' });
    const taps = maximalTaps(width);
    const { state } = this;
    // One step as everybody writes it; several as the sums that they are.
    const next = steps === 1 ? state.shr(1).xor(mux(state.bit(0), u(width, taps), 0)) : lfsrNext(state, taps, steps);
    when(this.en, () => state.set(next));
    this.value.set(state);
  }
}
