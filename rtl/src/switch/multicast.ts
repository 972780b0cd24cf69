import { allOf, type Bool, type Sig, type UInt } from '@hdl/ts-hdl';
import type { MulticastControls } from '../config/multicast-controls.ts';
import { type Header, hasData, isMemory } from '../tlp/tlp.ts';

/** What a switch port makes of a TLP that comes in by it (6.14.2). */
export interface MulticastHit {
  /** A write to a group: it goes to all ports that receive the group, and nowhere else. */
  readonly hit: Bool;
  /** This port refuses it (AER 23). */
  readonly blocked: Bool;
}

/** Number of the group that an address in the window belongs to. */
export function groupOf({ address }: Header, { first, shift }: Sig<typeof MulticastControls>): UInt<6> {
  return address.part(12, 52).sub(first).shr(shift).trunc(6);
}

/** Whether a TLP is for a multicast group: a memory write into the window. */
export function multicastHit(h: Header, controls: Sig<typeof MulticastControls>): MulticastHit {
  const page = h.address.part(12, 52);
  const inside = page.ge(controls.first).and(page.zext(53).lt(controls.end));
  const hit = allOf([controls.enable, isMemory(h), hasData(h), inside]);
  const group = groupOf(h, controls);
  const untranslated = controls.block_untranslated.bit(group).and(h.at.ne(2));
  return { hit, blocked: hit.and(controls.block_all.bit(group).or(untranslated)) };
}
