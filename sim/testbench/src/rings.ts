import type { MemoryView, PortView, Simulation } from '@hdl/ts-hdl';
import type { Scheduler } from './scheduler.ts';

/** The software's ends of ring memories: see the modules `StreamSource` and `StreamSink`. */

/** Somebody who waits for a ring to have room, or words. */
interface Waiter {
  readonly level: number;
  readonly wake: () => void;
}

/** What both ends share: pointers of one bit more than an address, and at most one waiter. */
abstract class Ring {
  readonly depth: number;
  /** Bytes of one word as software gives and takes it. */
  readonly wordBytes: number;
  protected mine = 0;
  protected readonly memory: MemoryView;
  private readonly pointer: PortView;
  private readonly enable: PortView;
  private readonly level: PortView;
  private readonly status: PortView;
  private readonly name: string;
  private waiter: Waiter | undefined;

  /** `ports` is the prefix of the control and status ports, `path` the path of the transactor below the top module. */
  constructor(simulation: Simulation, name: string, control: string, status: string, path: string) {
    this.name = name;
    this.memory = simulation.memory(`${path}.ring`);
    this.depth = this.memory.depth;
    this.wordBytes = Math.ceil(this.memory.width / 8);
    this.pointer = portOf(simulation, `${control}_pointer`);
    this.enable = portOf(simulation, `${control}_wake_enable`);
    this.level = portOf(simulation, `${control}_wake_level`);
    this.status = portOf(simulation, `${status}_pointer`);
  }

  /** The hardware's pointer, as of the last run. */
  protected get theirs(): number {
    return this.status.words[0] ?? 0;
  }

  /** `a - b`, both pointers. */
  protected distance(a: number, b: number): number {
    return (a - b + 2 * this.depth) % (2 * this.depth);
  }

  protected advance(words: number): void {
    this.mine = (this.mine + words) % (2 * this.depth);
    this.pointer.words[0] = this.mine;
  }

  /** Whether the level that a waiter wants is reached. */
  protected abstract reached(level: number): boolean;

  /** Sleeps until the level is reached. @throws Error if somebody sleeps already, because one of the two would never wake. */
  protected async wait(scheduler: Scheduler, level: number): Promise<void> {
    if (this.reached(level)) return;
    if (this.waiter) throw new Error(`two actors wait for ${this.name}: let one of them finish first`);
    const done = scheduler.waiting(this.name);
    await new Promise<void>(wake => {
      this.waiter = { level, wake };
      this.enable.words[0] = 1;
      this.level.words[0] = level;
    });
    done();
  }

  /** After a run: wakes the waiter if its level is reached. */
  poll(): boolean {
    if (!this.waiter || !this.reached(this.waiter.level)) return false;
    const { wake } = this.waiter;
    this.waiter = undefined;
    this.enable.words[0] = 0;
    wake();
    return true;
  }

  /** Calls `copy` for each run of words that lies in one piece in the ring. */
  protected pieces(words: number, copy: (place: number, done: number, count: number) => void): void {
    for (let done = 0; done < words; ) {
      const place = (this.mine + done) % this.depth;
      const count = Math.min(words - done, this.depth - place);
      copy(place, done, count);
      done += count;
    }
  }
}

/** Fills a `StreamSource`. One writer at a time; others wait in the order of asking. */
export class RingWriter extends Ring {
  private tail: Promise<void> | undefined;

  protected override reached(level: number): boolean {
    return this.distance(this.mine, this.theirs) <= level;
  }

  /** Puts whole words into the ring; the last one may be short and is filled up with zeros. Resolves when all are in. */
  write(scheduler: Scheduler, bytes: Uint8Array): Promise<void> {
    if (!this.tail) {
      const words = Math.ceil(bytes.length / this.wordBytes);
      if (words <= this.depth - this.distance(this.mine, this.theirs)) {
        this.put(bytes, words);
        return Promise.resolve();
      }
    }
    const turn = (this.tail ?? Promise.resolve()).then(() => this.feed(scheduler, bytes));
    this.tail = turn;
    return turn.finally(() => {
      if (this.tail === turn) this.tail = undefined;
    });
  }

  private async feed(scheduler: Scheduler, bytes: Uint8Array): Promise<void> {
    const words = Math.ceil(bytes.length / this.wordBytes);
    for (let done = 0; done < words; ) {
      const count = Math.min(words - done, this.depth - this.distance(this.mine, this.theirs));
      if (count > 0) this.put(bytes.subarray(done * this.wordBytes, (done + count) * this.wordBytes), count);
      done += count;
      if (done < words) await this.wait(scheduler, this.depth / 2);
    }
  }

  private put(bytes: Uint8Array, words: number): void {
    const { wordBytes } = this;
    const { stride, bytes: ring } = this.memory;
    this.pieces(words, (place, done, count) => {
      if (stride === wordBytes) {
        const piece = bytes.subarray(done * wordBytes, (done + count) * wordBytes);
        ring.set(piece, place * stride);
        ring.fill(0, place * stride + piece.length, (place + count) * stride);
        return;
      }
      for (let i = 0; i < count; i++) {
        const word = bytes.subarray((done + i) * wordBytes, (done + i + 1) * wordBytes);
        ring.set(word, (place + i) * stride);
        ring.fill(0, (place + i) * stride + word.length, (place + i + 1) * stride);
      }
    });
    this.advance(words);
  }
}

/** Empties a `StreamSink`. One reader at a time. */
export class RingReader extends Ring {
  protected override reached(level: number): boolean {
    return this.available >= level;
  }

  /** Words that wait. */
  get available(): number {
    return this.distance(this.theirs, this.mine);
  }

  /** Sleeps until at least `level` words wait, at most half of the ring. */
  whenAvailable(scheduler: Scheduler, level: number): Promise<void> {
    return this.wait(scheduler, Math.min(level, this.depth / 2));
  }

  /** Takes `words` words that wait. */
  take(words: number): Uint8Array {
    const { wordBytes } = this;
    const { stride, bytes: ring } = this.memory;
    const taken = new Uint8Array(words * wordBytes);
    this.pieces(words, (place, done, count) => {
      if (stride === wordBytes) {
        taken.set(ring.subarray(place * stride, (place + count) * stride), done * wordBytes);
        return;
      }
      for (let i = 0; i < count; i++) {
        taken.set(ring.subarray((place + i) * stride, (place + i) * stride + wordBytes), (done + i) * wordBytes);
      }
    });
    this.advance(words);
    return taken;
  }
}

/** A port by name. @throws RangeError if the harness has none of that name, which is a mistake of this package. */
export function portOf(simulation: Simulation, name: string): PortView {
  const port = simulation.ports.get(name);
  if (!port) throw new RangeError(`the harness has no port '${name}'`);
  return port;
}

/** A bit of a port. */
export const bitOf = (port: PortView, bit: number): number => ((port.words[bit >> 5] ?? 0) >>> (bit & 31)) & 1;

export function setBit(port: PortView, bit: number, value: 0 | 1): void {
  const word = port.words[bit >> 5] ?? 0;
  const mask = 1 << (bit & 31);
  port.words[bit >> 5] = value ? word | mask : word & ~mask;
}
