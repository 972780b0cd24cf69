import { bool, cat, clog2, connect, input, Module, mux, output, reg, SimpleDualPortRam, u, uint, when } from '@hdl/ts-hdl';
import { at } from '../../at.ts';
import { beyond, LaneRotator, laneBits, lanesOf } from '../lane-rotator.ts';

/**
 * The reorder buffer of the read DMA: a ring of words in block RAM, a bank per DW lane. A beat of a completion, whose payload begins at lane 0, is
 * stored from lane `lane` of word `index` on and runs over into the next word: lane i of memory holds the DW whose address ends in i. A beat per
 * cycle, stored 1 cycle after it came. `word` is the word at `address`, 1 cycle later, kept while `fetch` is 0; a beat that came 2 cycles before is
 * seen, what one that came 1 cycle before leaves there is unknown. Reset forgets the beat that was not yet stored.
 */
export class ReorderMemory extends Module<{
  readonly width: number;
  /** Words: a power of two. */
  readonly depth: number;
}> {
  readonly write = input(bool);
  readonly index = input(uint(clog2(this.p.depth)));
  readonly lane = input(uint(laneBits(this.p.width)));
  /** DW of the payload from this beat's first on: those beyond are not stored. */
  readonly left = input(uint(11));
  readonly data = input(uint(this.p.width));
  readonly fetch = input(bool);
  readonly address = input(uint(clog2(this.p.depth)));
  readonly word = output(uint(this.p.width));
  private readonly banks = Array.from(
    { length: this.p.width / 32 },
    () => new SimpleDualPortRam({ type: uint(32), depth: this.p.depth, style: 'block', collision: 'never' }),
  );
  private readonly rotator = new LaneRotator({ width: this.p.width });
  private readonly storing = reg(uint(this.p.width / 32), { init: 0 });
  private readonly place = reg(uint(clog2(this.p.depth)));
  private readonly turned = reg(uint(laneBits(this.p.width)));
  private readonly payload = reg(uint(this.p.width));

  protected override logic() {
    const lanes = this.p.width / 32;
    const valid = cat(...Array.from({ length: lanes }, (_, lane) => this.left.gt(lane)).toReversed());
    this.storing.set(u(lanes, 0));
    when(this.write, () => this.storing.set(valid.rotl(this.lane)));
    this.place.set(this.index);
    this.turned.set(this.lane);
    this.payload.set(this.data);
    connect(this.rotator, { word: this.payload, by: this.turned });
    const stored = lanesOf(this.rotator.rotated);
    const following = this.place.add(1);
    this.banks.forEach((bank, lane) => {
      connect(bank, {
        write_enable: this.storing.bit(lane),
        write_address: mux(beyond(this.turned, lane), following, this.place),
        write_data: at(stored, lane),
        read_enable: this.fetch,
        read_address: this.address,
      });
    });
    this.word.set(cat(...this.banks.map(bank => bank.read_data).toReversed()));
  }
}
