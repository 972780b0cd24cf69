import type { Cause } from '../../faults/switch-reference.ts';
import { defined } from '../../soak/reference/rules.ts';
import { hasData, isMessage, type Tlp } from '../../soak/tlp.ts';
import { allBins, type Bin, binText, type TlpType, whyNot } from './cross.ts';

const plain: Readonly<Record<number, readonly [without: TlpType, withData: TlpType]>> = {
  0: ['MRd', 'MWr'],
  1: ['MRdLk', 'MRdLk'],
  2: ['IORd', 'IOWr'],
  4: ['CfgRd', 'CfgWr'],
  5: ['CfgRd', 'CfgWr'],
  10: ['Cpl', 'CplD'],
  11: ['CplLk', 'CplDLk'],
  12: ['FetchAdd', 'FetchAdd'],
  13: ['Swap', 'Swap'],
  14: ['CAS', 'CAS'],
};

/** The type of a TLP in the cross. */
export function typeOf(t: Tlp): TlpType {
  if (!defined(t)) return 'undefined';
  const [without, withData] = isMessage(t)
    ? (['Msg', 'MsgD'] as const)
    : (plain[t.type] ?? (['undefined', 'undefined'] as const));
  return hasData(t) ? withData : without;
}

/** The combination that a TLP is, by what the reference says of it. */
export const binOf = (t: Tlp, { route, access, trouble }: Cause): Bin => ({ type: typeOf(t), route, access, trouble });

/** Counts TLPs whose outcome was checked, by their combination. */
export class Bins {
  private readonly hits = new Map<string, number>();

  /** @throws RangeError for a combination that there cannot be, by the rules of the cross. */
  checked(t: Tlp, cause: Cause): void {
    const bin = binOf(t, cause);
    const rule = whyNot(bin);
    if (rule) throw new RangeError(`${binText(bin)} was seen, of which the cross says that it cannot be: ${rule.why}`);
    this.hits.set(binText(bin), this.of(bin) + 1);
  }

  /** TLPs of a combination. */
  of(bin: Bin): number {
    return this.hits.get(binText(bin)) ?? 0;
  }

  /** Combinations that there can be, of which none was seen. */
  holes(): Bin[] {
    return allBins().filter(bin => !whyNot(bin) && this.of(bin) === 0);
  }

  /** The counts by the combination's text, as data. */
  toJSON(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.hits);
  }

  /** Adds counts that `toJSON` gave. */
  add(counts: Readonly<Record<string, number>>): void {
    for (const [text, count] of Object.entries(counts)) this.hits.set(text, (this.hits.get(text) ?? 0) + count);
  }
}
