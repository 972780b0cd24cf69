import { memory } from '../lang/memory.ts';
import { input, Module, output, reg } from '../lang/module.ts';
import { bool, stream, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { Fields } from '../lang/values.ts';
import type { Contract } from './contract.ts';
import { lastOf, type PacketType } from './packet.ts';
import { addressWidth } from './parameters.ts';

/**
 * First in, first out, of whole packets, in block RAM: store and forward. A packet can leave once its last word came without `discard`; else it is
 * as if it had never come. A packet of more than `depth` words is dropped too, so that it cannot block. A committed packet's first word can leave 2
 * cycles after its last one came; one word per cycle in and out. `valid` and `ready` depend on registers only. Reset empties it.
 */
export class PacketFifo<F extends Fields> extends Module<{ type: PacketType<F>; depth: number }> {
  static readonly contract: Contract = {
    purpose: 'Store and forward of packets, which can be discarded up to their last word',
    latency: 2,
    throughput: 1,
    storage: 'depth + 1',
    paths: [],
    reset: 'empties it',
    keeps: ['words'],
  };
  private readonly width = addressWidth(this, this.p.depth);
  readonly in = input(stream(this.p.type));
  /** With the last word of a packet: 1 drops the packet. */
  readonly discard = input(bool);
  readonly out = output(stream(this.p.type));
  /** For one cycle, after the last word of a packet that was dropped. */
  readonly dropped = output(bool);
  private readonly words = memory(this.p.type, { depth: this.p.depth, style: 'block', collisions: 'never' });
  /** One bit more than an address, so that full and empty differ. */
  private readonly write_pointer = reg(uint(this.width + 1), { init: 0 });
  /** Where the packet that is coming began. */
  private readonly commit_pointer = reg(uint(this.width + 1), { init: 0 });
  private readonly read_pointer = reg(uint(this.width + 1), { init: 0 });
  private readonly word_valid = reg(bool, { init: 0 });
  /** The packet that is coming does not fit: its words are taken and thrown away. */
  private readonly too_long = reg(bool, { init: 0 });
  private readonly was_dropped = reg(bool, { init: 0 });

  protected override logic() {
    const { width } = this;
    const { depth } = this.p;
    const full = this.write_pointer.sub(this.read_pointer).eq(depth);
    const committed = this.commit_pointer.ne(this.read_pointer);
    const fetch = committed.and(this.word_valid.not().or(this.out.ready));
    const push = this.in.fire;
    const last = push.and(lastOf(this.in.payload));
    const drop = last.and(this.discard.or(this.too_long));

    this.in.ready.set(full.not().or(this.too_long));
    when(drop, () => this.write_pointer.set(this.commit_pointer)).elsewhen(push.and(this.too_long.not()), () => {
      const next = this.write_pointer.add(1);
      this.words.write(this.write_pointer.trunc(width), this.in.payload as never);
      this.write_pointer.set(next);
      when(last, () => this.commit_pointer.set(next));
    });
    // Nothing of it can leave before its last word came, which has no room.
    when(last, () => this.too_long.set(0)).elsewhen(full.and(committed.not()), () => this.too_long.set(1));
    this.was_dropped.set(drop);
    this.dropped.set(this.was_dropped);

    const word = this.words.read(this.read_pointer.trunc(width), fetch);
    when(fetch, () => {
      this.read_pointer.set(this.read_pointer.add(1));
      this.word_valid.set(1);
    }).elsewhen(this.out.ready, () => this.word_valid.set(0));
    this.out.valid.set(this.word_valid);
    this.out.put(word as never);
  }
}
