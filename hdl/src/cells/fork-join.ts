import { input, Module, output, reg } from '../lang/module.ts';
import { allOf, cat, mux, u } from '../lang/ops.ts';
import { Bundle, stream, uint, vec } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { BundleType, Fields, HType, Stream, StreamType } from '../lang/values.ts';
import type { Contract } from './contract.ts';

/**
 * Copies a stream to `n` outputs, each of which takes its copy when it can; the next word comes when all have it. A word per cycle, no latency.
 * Reset forgets who has the word that is at the input.
 */
export class EagerFork<T extends HType> extends Module<{ n: number; type: T }> {
  static readonly contract: Contract = {
    purpose: 'Copies a stream; each output takes its copy when it can',
    latency: 0,
    throughput: 1,
    storage: 0,
    paths: ['in.ready: out.ready', 'out.payload: in.payload', 'out.valid: in.valid'],
    reset: 'forgets who has the word',
    keeps: [],
  };
  readonly in = input(stream(this.p.type));
  readonly out = output(vec(this.p.n, stream(this.p.type)));
  /** The outputs that have the word that is at the input. */
  private readonly taken = reg(uint(this.p.n), { init: 0 });

  protected override logic() {
    const served = this.taken.or(cat(...this.out.map(({ ready }) => ready).toReversed()));
    this.in.ready.set(served.all());
    this.out.forEach((out, i) => {
      out.valid.set(this.in.valid.and(this.taken.bit(i).not()));
      out.put(this.in.payload);
    });
    when(this.in.valid, () => this.taken.set(mux(served.all(), u(this.p.n, 0), served)));
  }
}

/**
 * Copies a stream to `n` outputs, which all take their copies in the same cycle. Combinational, no state. The one cell where `valid` depends on
 * `ready`: on that of the other outputs, never on its own; so what takes its copies must be ready without looking at `valid`, and stay so until a word
 * comes, as a `Fifo` or a `RegisterSlice` does.
 */
export class LazyFork<T extends HType> extends Module<{ n: number; type: T }> {
  static readonly contract: Contract = {
    purpose: 'Copies a stream; all outputs take their copies in one cycle',
    latency: 0,
    throughput: 1,
    storage: 0,
    paths: ['in.ready: out.ready', 'out.payload: in.payload', 'out.valid: in.valid, out.ready'],
    reset: 'no state',
    keeps: [],
    demands: '`out.ready` does not depend on `out.valid`, and stays until a word comes',
  };
  readonly in = input(stream(this.p.type));
  readonly out = output(vec(this.p.n, stream(this.p.type)));

  protected override logic() {
    this.in.ready.set(allOf(this.out.map(({ ready }) => ready)));
    this.out.forEach((out, i) => {
      out.valid.set(allOf([this.in.valid, ...others(this.out, i).map(({ ready }) => ready)]));
      out.put(this.in.payload);
    });
  }
}

/** Joins one word of each input into a bundle of them: a word leaves when all are there. Combinational, no state. */
export class StreamJoin<F extends Fields> extends Module<{ fields: F }> {
  static readonly contract: Contract = {
    purpose: 'Joins a word of each input into one',
    latency: 0,
    throughput: 1,
    storage: 0,
    paths: ['in.ready: in.valid, out.ready', 'out.payload: in.payload', 'out.valid: in.valid'],
    reset: 'no state',
    keeps: [],
  };
  readonly in = input(streams(this.p.fields));
  readonly out = output(stream(Bundle(this.p.fields)));

  protected override logic() {
    const inputs = Object.entries(this.in as unknown as { readonly [name: string]: Stream<HType> });
    const all = inputs.map(([, { valid }]) => valid);
    this.out.valid.set(allOf(all));
    this.out.put(Object.fromEntries(inputs.map(([name, { payload }]) => [name, payload])) as never);
    inputs.forEach(([, { ready }], i) => {
      ready.set(allOf([this.out.ready, ...others(all, i)]));
    });
  }
}

/** A bundle of streams from the types of their words. */
function streams<F extends Fields>(fields: F): BundleType<{ readonly [K in keyof F]: StreamType<F[K]> }> {
  const types = Object.entries(fields).map(([name, type]) => [name, stream(type)]);
  return Bundle(Object.fromEntries(types)) as never;
}

function others<X>(list: readonly X[], i: number): X[] {
  return list.filter((_, k) => k !== i);
}
