import type { FaultCount } from '../soak/fault-ledger.ts';

/** Faults of one class. */
export interface FaultRow extends Readonly<FaultCount> {
  /** The kind, a colon, and what it happens to. */
  readonly name: string;
}

/** What tells of faults, by their kind. */
export type Signs = Readonly<Record<string, string>>;

/** A campaign that has ended well on one piece of hardware. */
export interface CampaignReport {
  readonly title: string;
  /** What the hardware is, and who judges it. */
  readonly about: readonly string[];
  readonly rows: readonly FaultRow[];
  readonly signs: Signs;
  /** The command that runs this campaign alone, and figures for people: seeds, TLPs, cycles, seconds. */
  readonly command: string;
  readonly figures: string;
  /** Whether it looked for what isolation forbids. */
  readonly isolation: boolean;
}

/** The first thing that was seen of a bit that flipped where nothing protects it: nothing, all was right; a TLP that its receiver finds wrong; damage of which nobody was told; that something waits for ever. */
export type UnprotectedOutcome = 'nothing' | 'told' | 'untold' | 'hangs';

/** What became of such bits. */
export interface UnprotectedRow extends Record<UnprotectedOutcome, number> {
  readonly name: string;
  readonly flips: number;
}

/** What a campaign has counted, and how it ended. */
export interface CampaignOutcome {
  readonly rows: readonly FaultRow[];
  readonly batches: number;
  readonly tlps: number;
  readonly cycles: number;
  readonly failure?: {
    /** Of the batch. */
    readonly seed: number;
    readonly message: string;
    readonly hang: boolean;
    /** A small batch that fails, for `npm run soak -- --replay`. */
    readonly batch?: string;
  };
}

/** Faults of which nothing told although something had to. */
export const missed = ({ injected, alone, together, harmless }: FaultCount): number => injected - alone - together - harmless;

export const injected = (rows: Iterable<FaultCount>): number => [...rows].reduce((sum, row) => sum + row.injected, 0);

/** The kind of a class. @throws RangeError for one that has no sign. */
export function kindOf(name: string, signs: Signs): string {
  const kind = name.split(':')[0] ?? '';
  if (!(kind in signs)) throw new RangeError(`nobody knows what tells of faults of the class '${name}': add its kind to signs`);
  return kind;
}

/** Rows in the order of kinds, then of names. */
export function rowsOf(counts: ReadonlyMap<string, Readonly<FaultCount>>, signs: Signs): readonly FaultRow[] {
  const order = (name: string) => Object.keys(signs).indexOf(kindOf(name, signs));
  return [...counts]
    .map(([name, count]) => ({ name, ...count }))
    .toSorted((a, b) => order(a.name) - order(b.name) || a.name.localeCompare(b.name, 'en'));
}
