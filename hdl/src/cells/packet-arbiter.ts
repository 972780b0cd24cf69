import { input, Module, output, reg } from '../lang/module.ts';
import { anyOf, cat, muxOneHot } from '../lang/ops.ts';
import { type bool, stream, uint, vec } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { Bool, BundleValue, Fields, Stream, Var } from '../lang/values.ts';
import type { Contract } from './contract.ts';
import { lastOf, type PacketType } from './packet.ts';

/**
 * Joins `n` packet streams: round robin between packets, never inside one. Combinational from input to output (0 cycles), a word per cycle, no idle
 * cycle between packets. `in.ready` depends on `out.ready`; `out.valid` and the grant never do.
 */
export class PacketArbiter<F extends Fields> extends Module<{ n: number; type: PacketType<F> }> {
  static readonly contract: Contract = {
    purpose: 'Joins packet streams, packet by packet in turn',
    latency: 0,
    throughput: 1,
    storage: 0,
    paths: ['in.ready: in.valid, out.ready', 'out.payload: in.payload, in.valid', 'out.valid: in.valid'],
    reset: 'gives input 0 the turn, and forgets what packet was under way',
    keeps: [],
  };
  readonly in = input(vec(this.p.n, stream(this.p.type)));
  readonly out = output(stream(this.p.type));
  /** Inputs up to and including the one last granted: they come after the others. */
  private readonly served = reg(uint(this.p.n), { init: 0 });
  /** The input whose packet is under way, one-hot; 0 between packets. */
  private readonly owner = reg(uint(this.p.n), { init: 0 });

  protected override logic() {
    const inputs: readonly Stream<PacketType<F>>[] = this.in;
    const valid = inputs.map(s => s.valid);
    const waiting = valid.map((v, i) => v.and(this.served.bit(i).not()));
    const wrap = anyOf(waiting).not();
    const again = lowest(valid);
    const chosen = lowest(waiting).map((w, i) => w.or(wrap.and(again[i] ?? w)));
    const free = this.owner.any().not();
    const grant = chosen.map((c, i) => free.and(c).or(this.owner.bit(i)));

    this.out.valid.set(anyOf(grant.map((g, i) => g.and(valid[i] ?? g))));
    const word = muxOneHot(
      grant,
      inputs.map(s => s.payload as Var<BundleValue<F & { readonly last: typeof bool }>>),
    );
    this.out.put(word as never);
    inputs.forEach((s, i) => {
      s.ready.set((grant[i] ?? free).and(this.out.ready));
    });
    // The grant stays while the consumer waits: a word that was offered is not withdrawn.
    when(this.out.valid, () => {
      this.owner.set(cat(...grant.toReversed()));
      when(this.out.ready.and(lastOf(word)), () => {
        this.owner.set(0);
        this.served.set(cat(...grant.map((_, i) => anyOf(grant.slice(i))).toReversed()));
      });
    });
  }
}

/** One-hot: the lowest bit that is set. */
function lowest(bits: readonly Bool[]): Bool[] {
  return bits.map((bit, i) => (i === 0 ? bit : bit.and(anyOf(bits.slice(0, i)).not())));
}
