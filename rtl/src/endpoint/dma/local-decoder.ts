import { allOf, anyOf, type Bool, cat, input, Module, muxOneHot, output, type UInt, u, uint, vec } from '@hdl/ts-hdl';
import { at } from '../../at.ts';
import { functionControls } from '../../config/function-controls.ts';

/** A memory BAR of a function, and where its bytes lie in the endpoint's BAR memory. */
export interface LocalRegion {
  readonly function: number;
  /** Number of the BAR among those that the function was built with. */
  readonly bar: number;
  /** Byte offset in the BAR memory. */
  readonly base: number;
}

/** ACS control bits that keep requests of one function for another on the link: request redirect, egress control (C74, C77). */
const redirected = 0b010_0100;

/**
 * Tells whether a transfer lies wholly inside the endpoint's own memory, so that it is moved inside and no TLP leaves: all its bytes in one memory BAR of
 * a function whose memory space is enabled (C83). The BAR of another function only counts while neither request redirect nor egress control of the
 * requesting function sends such requests up the link. Combinational, no state.
 */
export class LocalDecoder extends Module<{
  readonly functions: number;
  readonly bars: number;
  readonly regions: readonly LocalRegion[];
}> {
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  readonly address = input(uint(64));
  readonly length = input(uint(32));
  readonly owner = input(uint(3));
  readonly hit = output(uint(1));
  /** Byte offset of `address` in the BAR memory. */
  readonly offset = output(uint(32));

  protected override logic() {
    const final = this.address.add(this.length.zext(64)).sub(1);
    const { regions } = this.p;
    const hits = regions.map(region => this.contains(region, final));
    this.hit.set(hits.length === 0 ? u(1, 0) : anyOf(hits));
    const offsets = regions.map(region => {
      const { compare } = at(at(this.controls, region.function).bars, region.bar);
      const inside = this.address.and(cat(compare, u(12, 0)).as(64).not());
      return inside.trunc(32).add(region.base);
    });
    this.offset.set(hits.length === 0 ? u(32, 0) : muxOneHot(hits, offsets));
  }

  private contains(region: LocalRegion, final: UInt<64>): Bool {
    const owner = at(this.controls, region.function);
    const { base, compare } = at(owner.bars, region.bar);
    const within = (address: UInt<64>): Bool => address.xor(base).part(12, 52).and(compare).any().not();
    const own = this.owner.eq(region.function);
    const free = anyOf(this.controls.map((of, i) => this.owner.eq(i).and(of.acs.and(redirected).any().not())));
    return allOf([owner.memory_enable, compare.any(), this.length.any(), within(this.address), within(final), own.or(free)]);
  }
}
