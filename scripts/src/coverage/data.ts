import type { CoverageData, DecisionCoverage, SignalCoverage, StateCoverage } from '@hdl/ts-hdl';

/** A signal, and what is known of its bits in every design that was simulated. */
export interface SignalBits extends SignalCoverage {
  /** Those that are constant. */
  readonly constant: bigint;
  /** Those on which nothing depends. */
  readonly unread: bigint;
}

/** What simulations exercised, as plain data. */
export interface RtlCoverage extends CoverageData {
  readonly signals: readonly SignalBits[];
  readonly decisions: readonly DecisionCoverage[];
  readonly states: readonly StateCoverage[];
}

/** What a process of a run leaves behind. */
export interface RunRecord {
  readonly coverage: RtlCoverage;
  readonly simulations: number;
  /** Seconds of CPU time. */
  readonly seconds: number;
  /** Counts of combinations of the cross, by their text. */
  readonly bins?: Readonly<Record<string, number>>;
}

/** Bits are text in the files. */
export const recordText = (record: RunRecord): string =>
  JSON.stringify(record, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));

const bitFields: readonly string[] = ['rose', 'fell', 'constant', 'unread'];

/** A record from the text that `recordText` made of it. */
export const parseRecord = (text: string): RunRecord =>
  JSON.parse(text, (key, value: unknown) => (bitFields.includes(key) && typeof value === 'string' ? BigInt(value) : value));
