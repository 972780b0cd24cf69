/** One way to run a workload. */
export interface Variant {
  readonly name: string;
  /** Runs it once. @returns simulated cycles per second of wall time, setting up not included. */
  readonly run: () => Promise<number>;
}

/** A design with what happens to it; every variant does the same. */
export interface Workload {
  readonly title: string;
  /** What is done, in one line below the table. */
  readonly note: string;
  /** The first is what the others are compared with. */
  readonly variants: readonly Variant[];
}

/** Figures of a variant: cycles per second, one per round. */
export interface Figure {
  readonly name: string;
  readonly cps: readonly number[];
}

/** Runs all variants in turn, `rounds` times, so that all of them meet the same moods of the machine. */
export async function measure(workload: Workload, rounds: number): Promise<Figure[]> {
  const figures = workload.variants.map(({ name }) => ({ name, cps: [] as number[] }));
  for (let round = 0; round < rounds; round++)
    for (const [i, { run }] of workload.variants.entries()) figures[i]?.cps.push(await run());
  return figures;
}
