import type { Scheduler } from '../../ports.ts';

/** Somebody who waits, and until when. */
interface Wait {
  readonly at: number;
  readonly expire: () => void;
}

/**
 * Waiting with a time limit in simulated cycles, the same for all. There is one timer for all waits, and it ends when nobody waits any more: so
 * waits that ended well leave nothing behind that would keep the simulation awake.
 */
export class Deadlines {
  readonly cycles: number;
  private readonly scheduler: Scheduler;
  /** In the order of their ends. */
  private readonly waits = new Set<Wait>();
  private watching = false;

  constructor(scheduler: Scheduler, cycles: number) {
    this.scheduler = scheduler;
    this.cycles = cycles;
  }

  /** Waits for a result. @returns undefined if it took longer than `cycles`. */
  async within<T>(result: Promise<T>): Promise<T | undefined> {
    let wait: Wait | undefined;
    const expired = new Promise<undefined>(resolve => {
      wait = { at: this.scheduler.now + this.cycles, expire: () => resolve(undefined) };
      this.waits.add(wait);
    });
    if (!this.watching) this.scheduler.spawn('deadlines of the host', () => this.watch());
    this.watching = true;
    try {
      return await Promise.race([result, expired]);
    } finally {
      if (wait) this.waits.delete(wait);
    }
  }

  private async watch(): Promise<void> {
    for (let [first] = this.waits; first; [first] = this.waits) {
      await this.scheduler.delay(first.at - this.scheduler.now);
      for (const wait of this.waits) if (wait.at <= this.scheduler.now) this.end(wait);
    }
    this.watching = false;
  }

  private end(wait: Wait): void {
    this.waits.delete(wait);
    wait.expire();
  }
}
