/** Things that are lent one at a time, in the order in which they were asked for. */

/** A set of equal things: whoever comes when none is left waits, first come first served, but the urgent ones before the others. */
export class Pool<T> {
  private readonly free: T[];
  private readonly urgent: ((item: T) => void)[] = [];
  private readonly waiting: ((item: T) => void)[] = [];

  constructor(items: Iterable<T>) {
    this.free = [...items];
  }

  /** Takes one of the things; waits until one is given back where none is left. */
  acquire({ urgent = false } = {}): Promise<T> {
    const item = this.free.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise(resolve => (urgent ? this.urgent : this.waiting).push(resolve));
  }

  /** Gives a thing back. */
  release(item: T): void {
    const next = this.urgent.shift() ?? this.waiting.shift();
    if (next) next(item);
    else this.free.push(item);
  }
}

/** Runs tasks one after the other, in the order in which they came. */
export class Turns {
  private readonly turn = new Pool(['turn']);

  /** Runs a task when all earlier ones have ended. @returns what the task gives; rejects as the task does. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    const turn = await this.turn.acquire();
    try {
      return await task();
    } finally {
      this.turn.release(turn);
    }
  }
}
