import { bool, input, Module, output, reg, stream, uint, when } from '@hdl/ts-hdl';
import { lengthDw } from '../tlp/tlp.ts';
import { Request } from './interfaces.ts';
import { laneBits } from './lane-rotator.ts';

/**
 * Asks the BAR memory for all words that a read request touches, in order. The first address is offered 1 cycle after the request
 * was accepted, then one per cycle, also across requests. `out` comes from registers; `in.ready` depends on `out.ready`. Reset
 * drops the request under way.
 */
export class WordReader extends Module<{
  /** Bits of a word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
}> {
  readonly in = input(stream(Request));
  readonly out = output(stream(uint(this.p.address_width)));
  private readonly busy = reg(bool, { init: 0 });
  private readonly next = reg(uint(this.p.address_width));
  /** Words to ask for, the offered one included. */
  private readonly left = reg(uint(11));

  protected override logic() {
    const { header } = this.in.payload;
    const bits = laneBits(this.p.width);
    const lanes = this.p.width / 32;
    const final = this.left.eq(1);

    this.in.ready.set(this.busy.not().or(this.out.ready.and(final)));
    this.out.valid.set(this.busy);
    this.out.put(this.next);
    when(this.busy.and(this.out.ready), () => {
      this.busy.set(final.not());
      this.next.set(this.next.add(1));
      this.left.set(this.left.sub(1));
    });
    when(this.in.fire, () => {
      const end = header.address.part(2, bits).zext(11).add(lengthDw(header));
      this.busy.set(1);
      this.next.set(header.address.part(2 + bits, this.p.address_width));
      this.left.set(end.add(lanes - 1).shr(bits));
    });
  }
}
