/** Nothing moves any more, although something should. */
export class Hang extends Error {
  override readonly name = 'Hang';
}

/** Cycles without any movement after which nobody waits any longer. */
const patience = 20_000;

/** A bench in which time passes in pieces of some cycles, and which knows for how long nothing has moved. */
export abstract class PatientBench {
  /** Cycles between two looks at what came. */
  private readonly chunk: number;
  /** What is simulated, for people. */
  private readonly device: string;
  private still = 0;

  constructor(device: string, chunk: number) {
    this.device = device;
    this.chunk = chunk;
  }

  abstract get cycle(): number;
  /** Exactly so many cycles pass. */
  protected abstract step(cycles: number): void;
  /** Beats that software has given and the hardware has not taken. */
  protected abstract get given(): number;
  /** Takes what came. @returns how much that was, 0 for nothing. */
  protected abstract take(): number;

  /** Something has moved, or begins anew. */
  protected moved(): void {
    this.still = 0;
  }

  /** Some cycles pass. @throws Hang if nothing has moved for long. */
  advance(cycles: number = this.chunk): void {
    const before = this.given;
    this.step(cycles);
    const taken = this.take();
    this.still = taken > 0 || this.given !== before ? 0 : this.still + cycles;
    if (this.still > patience) throw new Hang(`nothing moved for ${patience} cycles`);
  }

  /** Lets time pass until something is so. @throws Hang */
  until(done: () => boolean, what: () => string): void {
    try {
      while (!done()) this.advance();
    } catch (error) {
      if (error instanceof Hang) throw new Hang(`${error.message}, waiting for ${what()}`);
      throw error;
    }
  }

  /** Lets time pass until nothing has moved for `cycles` cycles. @throws Hang */
  silence(cycles: number): void {
    this.moved();
    const end = this.cycle + patience;
    do {
      this.advance();
      if (this.cycle > end) throw new Hang(`the ${this.device} never falls silent`);
    } while (this.still < cycles);
    this.moved();
  }
}
