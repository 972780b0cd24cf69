import {
  anyOf,
  assert,
  assume,
  type Bool,
  Bundle,
  bool,
  cat,
  connect,
  input,
  Module,
  mux,
  PacketArbiter,
  RoundRobinArbiter,
  reg,
  type UInt,
  u,
  uint,
  vec,
  when,
} from '@hdl/ts-hdl';
import type { Proof, ProofParams } from '../proof.ts';
import { StreamMonitor } from './monitors.ts';

/** Inputs of the arbiters. */
const n = 3;
const numbers = [0, 1, 2] as const;
class Word extends Bundle({ data: uint(2), last: bool }) {}
class Taken extends Bundle({ valid: bool, ready: bool, word: Word }) {}

const sumOf = (bits: readonly Bool[]): UInt<3> => bits.reduce<UInt<3>>((sum, bit) => sum.add(bit.zext(3)), u(3, 0));
const either = (bits: readonly Bool[], values: readonly UInt<3>[]): UInt<3> =>
  values.reduce<UInt<3>>((sum, value, i) => sum.or(mux(bits[i] ?? u(1, 0), value, u(3, 0))), u(3, 0));

/**
 * What an arbiter of words, or of packets, promises: one word out is one word in, and nobody is passed over more often than there are others. `served` and
 * `owner` are its registers, for the invariants: turns that one was passed over and turns that may still come before it are less than the inputs.
 */
class ArbiterMonitor extends Module<ProofParams & { packets: boolean }> {
  readonly in = input(vec(n, Taken));
  readonly out = input(Taken);
  readonly served = input(uint(n));
  readonly owner = input(uint(n));
  private readonly rule = numbers.map(() => new StreamMonitor({ width: 3 }));
  private readonly out_rule = new StreamMonitor({ width: 3 });
  /** By input: turns of others while it waited. */
  private readonly passed_over = reg(vec(n, uint(3)), { init: 0 });
  /** In the middle of a packet. */
  private readonly under_way = reg(bool, { init: 0 });

  protected override logic() {
    const { out, owner, served, under_way } = this;
    const inputs = numbers.map(i => this.in[i]).filter(input => input !== undefined);
    const fires = inputs.map(({ valid, ready }) => valid.and(ready));
    const fire = out.valid.and(out.ready);
    inputs.forEach((taken, i) => {
      const rule = this.rule[i];
      if (!rule) return;
      connect(rule, { valid: taken.valid, ready: taken.ready, word: taken.word.last.cat(taken.word.data) });
      assume(rule.kept, 'the inputs keep what they offer');
      const same = out.word.data.eq(taken.word.data).and(out.word.last.eq(taken.word.last));
      assert(taken.valid.and(taken.ready).not().or(same), 'the word that comes out is not the one that went in');
    });
    connect(this.out_rule, { valid: out.valid, ready: out.ready, word: out.word.last.cat(out.word.data) });
    assert(this.out_rule.kept, 'a word that waits is withdrawn or changed');
    assert(sumOf(fires).le(1), 'two inputs are taken at once');
    assert(anyOf(fires).eq(fire), 'as many words come out as go in');
    const wants = anyOf(inputs.map(({ valid }) => valid));
    assert(under_way.or(out.valid.eq(wants)), 'a word waits, and none is offered');

    const owners = numbers.map(i => owner.bit(i));
    const valid = inputs.map(taken => taken.valid);
    assert(sumOf(owners).le(1), 'two inputs own the output');
    assert(served.and(served.add(1)).any().not(), 'those that were served are the first ones');
    assert(
      under_way.or(
        owner
          .and(
            cat(...valid.toReversed())
              .as(n)
              .not(),
          )
          .any()
          .not(),
      ),
      'the owner of the output waits',
    );
    const turns = sumOf(numbers.map(i => served.bit(i)));
    const before = numbers.map(i => mux(served.bit(i), u(3, n + i), u(3, i)).sub(turns));
    const of_owner = either(owners, before);
    const turn = this.p.packets ? fire.and(out.word.last) : fire;
    inputs.forEach((taken, i) => {
      const passed = this.passed_over[i];
      const mine = fires[i];
      const to_come = before[i];
      if (!passed || !mine || !to_come) return;
      when(mine.or(taken.valid.not()), () => passed.set(0)).elsewhen(turn, () => passed.set(passed.add(1)));
      assert(passed.lt(n), 'one is passed over more often than there are others');
      when(taken.valid, () => {
        assert(passed.add(to_come).lt(n), 'turns before and to come are those of the others');
        assert(owner.any().and(to_come.lt(of_owner)).not().or(passed.any().not()), 'who is skipped has just come');
      }).otherwise(() => assert(passed.le(n), 'who does not wait is not passed over'));
    });
    if (this.p.witness)
      assert(
        this.passed_over.map(passed => passed.lt(2)).reduce((a, b) => a.and(b)),
        'none is passed over twice',
      );
    if (this.p.packets) this.claimPackets(fires, fire);
  }

  private claimPackets(fires: readonly Bool[], fire: Bool) {
    assert(this.under_way.not().or(this.owner.any()), 'a packet under way has an owner');
    when(fire, () => {
      this.under_way.set(this.out.word.last.not());
      const owner = cat(...fires.toReversed());
      assert(this.under_way.not().or(owner.eq(this.owner.as(owner.width))), 'a packet is interrupted by another');
    });
  }
}

class RoundRobinProof extends RoundRobinArbiter<typeof Word> {
  private readonly monitor: ArbiterMonitor;

  constructor(p: ProofParams) {
    super({ n, type: Word });
    this.monitor = new ArbiterMonitor({ ...p, packets: false });
  }

  protected override logic() {
    super.logic();
    const taken = (s: (typeof this.in)[number] | typeof this.out) => ({ valid: s.valid, ready: s.ready, word: s.payload });
    connect(this.monitor, {
      in: this.in.map(taken),
      out: taken(this.out),
      served: this['served'].as(n),
      owner: this['owner'].as(n),
    });
  }
}

class PacketProof extends PacketArbiter<(typeof Word)['fields']> {
  private readonly monitor: ArbiterMonitor;

  constructor(p: ProofParams) {
    super({ n, type: Word });
    this.monitor = new ArbiterMonitor({ ...p, packets: true });
  }

  protected override logic() {
    super.logic();
    const taken = (s: (typeof this.in)[number] | typeof this.out) => ({ valid: s.valid, ready: s.ready, word: s.payload });
    connect(this.monitor, {
      in: this.in.map(taken),
      out: taken(this.out),
      served: this['served'].as(n),
      owner: this['owner'].as(n),
    });
  }
}

const claim = 'A word out is a word in; what is offered stays; no input is passed over more often than there are others';
export const arbiterProofs: readonly Proof[] = [
  {
    name: 'round-robin-arbiter',
    block: 'RoundRobinArbiter',
    claim: `${claim} (3 inputs)`,
    rules: [],
    build: p => new RoundRobinProof(p),
    steps: 6,
  },
  {
    name: 'packet-arbiter',
    block: 'PacketArbiter',
    claim: `${claim}; no packet is interrupted (3 inputs)`,
    rules: [],
    build: p => new PacketProof(p),
    steps: 6,
  },
];
