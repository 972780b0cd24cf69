/** What became of the faults of one class. */
export interface FaultCount {
  injected: number;
  /** Something told of this fault and of no other: a completion with an error status, an error bit that was 0 before, the outcome of a job. */
  alone: number;
  /** An error bit told of it, and of others of its kind that came close to it. */
  together: number;
  /** It may go unnoticed by the specification. */
  harmless: number;
  /** All else was right up to the end of the batch: every completion, every byte of memory, every register. */
  contained: number;
  /** Traffic after it, without a reset that others needed, was right as well. */
  recovered: number;
}

type Sign = 'none' | 'harmless' | 'together' | 'alone';
const ranks: Readonly<Record<Sign, number>> = { none: 0, harmless: 1, together: 2, alone: 3 };

interface Entry {
  readonly name: string;
  readonly window: number;
  sign: Sign;
}

/**
 * Keeps account of faults: what was injected, and what told of it. A fault is known by an object of its own, mostly the TLP itself. A batch consists of
 * windows, each of which ends with a look at everything that faults leave behind.
 */
export class FaultLedger {
  private readonly rows = new Map<string, FaultCount>();
  private readonly open = new Map<object, Entry>();
  private readonly closed: Entry[] = [];
  private window = 0;

  /** Counts by class, in the order of their first fault. */
  get counts(): ReadonlyMap<string, Readonly<FaultCount>> {
    return this.rows;
  }

  /** A batch begins. What an aborted one left is neither contained nor recovered. */
  begin(): void {
    this.open.clear();
    this.closed.length = 0;
    this.window = 0;
  }

  /** A fault of a class is brought in. */
  injected(name: string, fault: object): void {
    this.open.set(fault, { name, window: this.window, sign: 'none' });
    this.row(name).injected++;
  }

  /** Something told of it. Objects that are no faults are not minded. */
  found(fault: object | undefined, sign: Exclude<Sign, 'none'>): void {
    const entry = fault && this.open.get(fault);
    if (entry && ranks[sign] > ranks[entry.sign]) entry.sign = sign;
  }

  /** Everything was looked at: what nothing has told of until now has gone unnoticed. */
  close(): void {
    for (const entry of this.open.values()) {
      if (entry.sign !== 'none') this.row(entry.name)[entry.sign]++;
      this.closed.push(entry);
    }
    this.open.clear();
    this.window++;
  }

  /** The batch ended well, after a last `close`. */
  end(): void {
    for (const { name, window } of this.closed) {
      const row = this.row(name);
      row.contained++;
      if (window < this.window - 1) row.recovered++;
    }
    this.closed.length = 0;
  }

  private row(name: string): FaultCount {
    const known = this.rows.get(name);
    if (known) return known;
    const row = { injected: 0, alone: 0, together: 0, harmless: 0, contained: 0, recovered: 0 };
    this.rows.set(name, row);
    return row;
  }
}
