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
  /** What was run, and how much. */
  readonly runs: readonly CampaignRun[];
  /** Whether it looked for what isolation forbids. */
  readonly isolation: boolean;
}

export interface CampaignRun {
  /** The command that repeats it. */
  readonly command: string;
  /** Figures for people: seeds, TLPs, cycles, seconds. */
  readonly figures: string;
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

/** Joins the reports of the same campaign, run with other seeds. */
export function joined(reports: readonly CampaignReport[]): readonly CampaignReport[] {
  const all: CampaignReport[] = [];
  for (const report of reports) {
    const index = all.findIndex(({ title }) => title === report.title);
    const known = all[index];
    if (!known) {
      all.push(report);
      continue;
    }
    const counts = new Map<string, FaultCount>();
    for (const { name, ...row } of [...known.rows, ...report.rows]) {
      const sum = counts.get(name);
      if (!sum) counts.set(name, { ...row });
      else for (const key of Object.keys(row) as (keyof FaultCount)[]) sum[key] += row[key];
    }
    all[index] = { ...known, rows: rowsOf(counts, known.signs), runs: [...known.runs, ...report.runs] };
  }
  return all;
}

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
