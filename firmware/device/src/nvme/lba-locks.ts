/** A range of bytes that somebody works on. */
interface Held {
  readonly start: number;
  readonly end: number;
  readonly exclusive: boolean;
  readonly released: Promise<void>;
}

/**
 * Keeps commands on the same blocks apart, so that no command sees, or leaves, a block half written (NVMe 1.4 section 6.4.1): writers wait for all others,
 * readers for writers, in the order of asking.
 */
export class RangeLocks {
  private readonly held = new Set<Held>();

  /** Runs `work` when nobody else is in the way. @returns what it gives. */
  async run<T>(start: number, bytes: number, exclusive: boolean, work: () => Promise<T>): Promise<T> {
    let release = (): void => {};
    const released = new Promise<void>(resolve => {
      release = resolve;
    });
    const mine = { start, end: start + bytes, exclusive, released };
    const before = [...this.held].filter(other => other.start < mine.end && start < other.end && (exclusive || other.exclusive));
    this.held.add(mine);
    try {
      for (const other of before) await other.released;
      return await work();
    } finally {
      this.held.delete(mine);
      release();
    }
  }
}
