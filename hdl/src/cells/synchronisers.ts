import { clockDomain, inDomain } from '../lang/domain.ts';
import { connect, input, Module, output, reg } from '../lang/module.ts';
import { bool, stream, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { HType } from '../lang/values.ts';
import type { Contract } from './contract.ts';
import { atLeast } from './parameters.ts';

/**
 * Takes bits of another clock domain, or of none, into its own, in `stages` registers (2 by default) one behind the other. Each bit is taken by
 * itself: of a word whose bits change together the halves of two values can come. Reset gives 0.
 */
export class Synchroniser<W extends number> extends Module<{ width: W; stages?: number }> {
  static readonly contract: Contract = {
    purpose: 'Takes bits of another clock domain, each by itself',
    latency: 'stages',
    paths: [],
    reset: '0',
    keeps: [],
    demands: 'one bit changes at a time, as in Gray code, and comes from a register',
  };
  private readonly stages = atLeast(this, 2, 'the number of stages', this.p.stages ?? 2);
  readonly in = input(uint(this.p.width), { domain: 'asynchronous' });
  readonly out = output(uint(this.p.width));
  /** May be metastable. */
  private readonly caught = reg(uint(this.p.width), { init: 0, crossing: true });
  /** Declared like the first, so that synthesis keeps all stages side by side. */
  private readonly settled = Array.from({ length: this.stages - 1 }, () => reg(uint(this.p.width), { init: 0, crossing: true }));

  protected override logic() {
    this.caught.set(this.in);
    this.settled.forEach((stage, i) => {
      stage.set(this.settled[i - 1] ?? this.caught);
    });
    this.out.set(this.settled.at(-1) ?? this.caught);
  }
}

/**
 * Takes pulses of one cycle from one clock domain to another: each gives one pulse there. Both domains are reset together.
 */
export class PulseSynchroniser extends Module<{ stages?: number }> {
  static readonly contract: Contract = {
    purpose: 'Takes pulses to another clock domain',
    latency: 'stages + 1',
    paths: [],
    reset: 'forgets pulses under way; both domains together',
    keeps: [],
    demands: 'at least 2 cycles of `to` between two pulses',
  };
  private readonly stages = atLeast(this, 2, 'the number of stages', this.p.stages ?? 2);
  readonly from = clockDomain();
  readonly to = clockDomain({ default: true });
  readonly in = input(bool, { domain: this.from });
  readonly out = output(bool);
  /** Changes with each pulse. */
  private readonly sent = reg(bool, { init: 0, domain: this.from });
  private readonly crossing = new Synchroniser({ width: 1, stages: this.stages });
  private readonly seen = reg(bool, { init: 0 });

  protected override logic() {
    connect(this.crossing, { in: this.sent });
    when(this.in, () => this.sent.set(this.sent.not()));
    this.seen.set(this.crossing.out);
    this.out.set(this.crossing.out.ne(this.seen));
  }
}

/**
 * Takes the words of a stream to another clock domain, one at a time, by a handshake in two wires: for words that are rare. Between two words there
 * is the way there and back. Both domains are reset together.
 */
export class WordSynchroniser<T extends HType> extends Module<{ type: T; stages?: number }> {
  static readonly contract: Contract = {
    purpose: 'Takes words to another clock domain, one at a time',
    latency: 'stages + 2',
    throughput: '1 / (2 * stages + 2)',
    storage: 2,
    paths: [],
    reset: 'empties it; both domains together',
    keeps: ['held', 'word'],
  };
  private readonly stages = atLeast(this, 2, 'the number of stages', this.p.stages ?? 2);
  readonly from = clockDomain();
  readonly to = clockDomain({ default: true });
  readonly in = input(stream(this.p.type), { domain: this.from });
  readonly out = output(stream(this.p.type));
  /** The word under way, which stays until it is acknowledged. */
  private readonly held = reg(this.p.type, { domain: this.from });
  /** Changes with each word that is sent. */
  private readonly sent = reg(bool, { init: 0, domain: this.from });
  private readonly request = new Synchroniser({ width: 1, stages: this.stages });
  /** Follows `sent` when the word has arrived. */
  private readonly arrived = reg(bool, { init: 0 });
  private readonly acknowledge = inDomain(this.from, () => new Synchroniser({ width: 1, stages: this.stages }));
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly word = reg(this.p.type, { crossing: 'stable' });

  protected override logic() {
    connect(this.request, { in: this.sent });
    connect(this.acknowledge, { in: this.arrived });

    this.in.ready.set(this.acknowledge.out.eq(this.sent));
    when(this.in.fire, () => {
      this.held.set(this.in.payload);
      this.sent.set(this.sent.not());
    });

    this.out.valid.set(this.word_valid);
    this.out.put(this.word);
    when(this.request.out.ne(this.arrived).and(this.word_valid.not()), () => {
      this.word.set(this.held);
      this.word_valid.set(1);
      this.arrived.set(this.request.out);
    }).elsewhen(this.out.ready, () => this.word_valid.set(0));
  }
}

/**
 * Makes a reset that begins at once and ends at a clock edge, `stages` edges (2 by default) after the one that comes in. Its output, active high, is the
 * reset of a domain: `resetDomain(clock, synchroniser.reset)`; it stands in one with the same clock and the reset from outside.
 */
export class ResetSynchroniser extends Module<{ stages?: number; active?: 'high' | 'low' }> {
  static readonly contract: Contract = {
    purpose: 'Ends an asynchronous reset at a clock edge',
    latency: 'stages',
    paths: [],
    reset: 'active',
    keeps: [],
  };
  private readonly stages = atLeast(this, 2, 'the number of stages', this.p.stages ?? 2);
  readonly raw = clockDomain({ clock: 'clk', reset: { kind: 'async', active: this.p.active ?? 'high' }, default: true });
  readonly reset = output(bool);
  /** One behind the other, each for itself: the last one drives a reset and nothing else. */
  private readonly lasting = Array.from({ length: this.stages }, () => reg(bool, { init: 1, crossing: true }));

  protected override logic() {
    this.lasting.forEach((stage, i) => {
      stage.set(this.lasting[i - 1] ?? 0);
    });
    this.reset.set(this.lasting.at(-1) ?? 0);
  }
}
