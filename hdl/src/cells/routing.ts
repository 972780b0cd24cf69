import { input, Module, output } from '../lang/module.ts';
import { select } from '../lang/ops.ts';
import { stream, uint, vec } from '../lang/shapes.ts';
import type { Bool, HType, UInt } from '../lang/values.ts';
import { clog2 } from '../lang/widths.ts';
import type { Contract } from './contract.ts';

/**
 * Lets the input that `select` names through; the last one where there is none of that number. Combinational, no state.
 * While a word waits at the output `select` stays.
 */
export class StreamMux<T extends HType> extends Module<{ n: number; type: T }> {
  static readonly contract: Contract = {
    purpose: 'Lets one of several streams through',
    latency: 0,
    throughput: 1,
    storage: 0,
    paths: ['in.ready: out.ready, select', 'out.payload: in.payload, select', 'out.valid: in.valid, select'],
    reset: 'no state',
    keeps: [],
    demands: '`select` stays while a word waits',
  };
  readonly in = input(vec(this.p.n, stream(this.p.type)));
  readonly select = input(uint(clog2(this.p.n)));
  readonly out = output(stream(this.p.type));

  protected override logic() {
    const { n } = this.p;
    this.out.valid.set(
      select(
        this.select,
        this.in.map(({ valid }) => valid),
      ),
    );
    this.out.put(
      select(
        this.select,
        this.in.map(({ payload }) => payload),
      ),
    );
    this.in.forEach(({ ready }, i) => {
      ready.set(chosen(this.select, i, n).and(this.out.ready));
    });
  }
}

/**
 * Sends each word to the output that `select`, beside the word, names; to the last one where there is none of that number. Combinational, no state.
 * While a word waits at the input `select` stays.
 */
export class StreamDemux<T extends HType> extends Module<{ n: number; type: T }> {
  static readonly contract: Contract = {
    purpose: 'Sends each word to one of several streams',
    latency: 0,
    throughput: 1,
    storage: 0,
    paths: ['in.ready: out.ready, select', 'out.payload: in.payload', 'out.valid: in.valid, select'],
    reset: 'no state',
    keeps: [],
    demands: '`select` stays while a word waits',
  };
  readonly in = input(stream(this.p.type));
  readonly select = input(uint(clog2(this.p.n)));
  readonly out = output(vec(this.p.n, stream(this.p.type)));

  protected override logic() {
    const { n } = this.p;
    this.out.forEach((out, i) => {
      out.valid.set(chosen(this.select, i, n).and(this.in.valid));
      out.put(this.in.payload);
    });
    this.in.ready.set(
      select(
        this.select,
        this.out.map(({ ready }) => ready),
      ),
    );
  }
}

/** Whether `index` names stream i of n; the last one has the numbers beyond it too. */
function chosen(index: UInt<number>, i: number, n: number): Bool {
  return i === n - 1 && 2 ** index.width > n ? index.ge(i) : index.eq(i);
}
