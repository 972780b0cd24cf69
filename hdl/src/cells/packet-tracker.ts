import { input, Module, output, reg } from '../lang/module.ts';
import { mux, u } from '../lang/ops.ts';
import { bool, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { Contract } from './contract.ts';

/**
 * Follows the words of a packet stream from beside: whether the next word is a packet's first, and how many words of its packet went before it
 * (modulo 2^width). Both come from registers. After reset a packet begins.
 */
export class PacketTracker<W extends number> extends Module<{ width: W }> {
  static readonly contract: Contract = {
    purpose: 'Knows the first word of a packet, and counts words',
    latency: 1,
    paths: [],
    reset: 'a packet begins',
    keeps: [],
  };
  /** A word moves: the stream's `fire`. */
  readonly word = input(bool);
  /** It is the last of its packet. */
  readonly last = input(bool);
  readonly first = output(bool);
  readonly index = output(uint(this.p.width));
  private readonly under_way = reg(bool, { init: 0 });
  private readonly position = reg(uint(this.p.width), { init: 0 });

  protected override logic() {
    this.first.set(this.under_way.not());
    this.index.set(this.position);
    when(this.word, () => {
      this.under_way.set(this.last.not());
      this.position.set(mux(this.last, u(this.p.width, 0), this.position.add(1)));
    });
  }
}
