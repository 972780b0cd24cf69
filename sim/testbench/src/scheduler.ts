/** Runs clocked hardware and software actors in turn, in simulated time only: the same inputs give the same cycles on every engine. */

/** What the scheduler drives. */
export interface Clockwork {
  /** Clock edges so far. */
  readonly cycle: number;
  /** Hands what software has written to the hardware, runs at most `cycles` cycles or until something wants attention, and wakes who waited for it.
   * @returns whether anybody was woken. */
  advance(cycles: number): boolean;
}

/** Nothing can happen any more: told with what everybody waits for. */
export class StalledError extends Error {
  override readonly name = 'StalledError';
}

export interface SchedulerOptions {
  /** Cycles in which nothing wakes anybody before the simulation counts as stalled; 1,000,000 by default. */
  readonly stallCycles?: number;
  /** Called with the cycle, at most once in `progressCycles` cycles. */
  readonly onProgress?: (cycle: number) => void;
  /** 65,536 by default. */
  readonly progressCycles?: number;
}

/** Cycles of one uninterrupted run of the engine: what keeps progress and Ctrl-C alive. */
const mostCycles = 1 << 16;
/** Times that actors may be woken within one cycle: more is software that runs in circles without simulated time going on. */
const mostRounds = 100_000;

interface Timer {
  readonly at: number;
  readonly wake: () => void;
}

/**
 * Actors are async functions that await simulated events: `delay`, and what the test bench's ports offer. An actor runs until it awaits; when all of
 * them wait, the hardware runs to the next event.
 */
export class Scheduler {
  private readonly clockwork: Clockwork;
  private readonly stallCycles: number;
  private readonly onProgress: ((cycle: number) => void) | undefined;
  private readonly progressCycles: number;
  private nextProgress: number;
  /** Ascending; equal times in the order of asking. */
  private readonly timers: Timer[] = [];
  private readonly waits = new Map<symbol, string>();
  private failure: { readonly error: unknown } | undefined;

  constructor(clockwork: Clockwork, options: SchedulerOptions = {}) {
    this.clockwork = clockwork;
    this.stallCycles = options.stallCycles ?? 1_000_000;
    this.onProgress = options.onProgress;
    this.progressCycles = options.progressCycles ?? 65_536;
    this.nextProgress = clockwork.cycle + this.progressCycles;
  }

  /** The present cycle. */
  get now(): number {
    return this.clockwork.cycle;
  }

  /** Starts an actor. Its failure ends `run`. */
  spawn(name: string, actor: () => Promise<unknown>): void {
    Promise.resolve()
      .then(actor)
      .catch(error => {
        this.failure ??= { error: error instanceof Error ? error : new Error(`${name} failed: ${String(error)}`) };
      });
  }

  /** Resolves after `cycles` cycles; at once (in the order of asking) for 0. */
  delay(cycles: number): Promise<void> {
    return new Promise(wake => {
      const at = this.now + Math.max(0, Math.ceil(cycles));
      let place = this.timers.length;
      for (let t = this.timers[place - 1]; t && t.at > at; t = this.timers[place - 1]) place--;
      this.timers.splice(place, 0, { at, wake });
    });
  }

  /** Notes what an actor waits for, for the message of a stall. @returns what ends the note. */
  waiting(what: string): () => void {
    const key = Symbol(what);
    this.waits.set(key, what);
    return () => this.waits.delete(key);
  }

  /**
   * Runs until `main` is done. Other actors go on in a later `run`.
   * @returns what `main` returns. @throws what `main` or any actor throws; StalledError if nothing can wake anybody, or if actors wake without end
   * while simulated time stands still.
   */
  async run<T>(main: () => Promise<T>): Promise<T> {
    let result: { readonly value: T } | undefined;
    this.spawn('main', async () => {
      result = { value: await main() };
    });
    let idle = 0;
    let cycle = this.now;
    for (let rounds = 0; ; rounds++) {
      await settled();
      if (this.failure) {
        const { error } = this.failure;
        this.failure = undefined;
        throw error;
      }
      if (result) return result.value;
      if (this.now !== cycle) {
        cycle = this.now;
        rounds = 0;
      }
      if (rounds > mostRounds) throw new StalledError(this.circleText());
      if (this.expire()) continue;
      const before = this.now;
      const next = this.timers[0];
      const most = Math.min(mostCycles, next ? next.at - before : mostCycles);
      const woken = this.clockwork.advance(most);
      this.progress();
      idle = woken || next ? 0 : idle + (this.now - before);
      if (idle > this.stallCycles || (!woken && !next && this.now === before)) throw new StalledError(this.stallText());
    }
  }

  /** Wakes whose time has come. */
  private expire(): boolean {
    let any = false;
    for (let t = this.timers[0]; t && t.at <= this.now; t = this.timers[0]) {
      this.timers.shift();
      t.wake();
      any = true;
    }
    return any;
  }

  private progress(): void {
    if (!this.onProgress || this.now < this.nextProgress) return;
    this.nextProgress = this.now + this.progressCycles;
    this.onProgress(this.now);
  }

  private stallText(): string {
    return `the simulation stalled at cycle ${this.now}: nothing happened for ${this.stallCycles} cycles. Actors wait for:\n${this.waitList()}`;
  }

  private circleText(): string {
    return (
      `the simulation stands still at cycle ${this.now}: actors were woken ${mostRounds} times without a cycle between. Look for a loop that awaits ` +
      `an interrupt that it does not clear, or delay(0). Other actors wait for:\n${this.waitList()}`
    );
  }

  private waitList(): string {
    const waits = [...new Set(this.waits.values())];
    return waits.length > 0
      ? waits.map(w => `  ${w}`).join('\n')
      : '  no event of the hardware: they have ended, or wait for each other';
  }
}

/** Lets every actor run until it awaits something of the simulation. */
const settled = () => new Promise<void>(resolve => setImmediate(resolve));
