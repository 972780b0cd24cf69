import { encode } from '../../../layout.ts';
import { EventKind, event, eventBytes } from '../../../rdma/work.ts';
import { DmaError, type Place, placeAt } from '../endpoint/hardware.ts';
import type { RdmaHardware } from './hardware.ts';
import type { Tasks } from './signal.ts';

/** What the host is told of without having asked. */
export interface AsyncEvent {
  /** One of `EventKind`. */
  readonly kind: number;
  /** One of `WorkStatus` or of `QueueError`. */
  readonly reason: number;
  /** Queue pair, completion queue, or doorbell. */
  readonly number: number;
}

interface EventRing {
  readonly place: Place;
  readonly entries: number;
  readonly vector: number;
}

/** Most events that wait for room. */
const mostWaiting = 64;

/**
 * The ring of asynchronous events. Events wait while it has no room; where too many wait, the rest are lost, which the host is told by an event of its own. A
 * ring that cannot be reached is given up.
 */
export class EventQueue {
  private readonly hardware: RdmaHardware;
  private readonly tasks: Tasks;
  private readonly waiting: AsyncEvent[] = [];
  private ring: EventRing | undefined;
  private produced = 0;
  private taken = 0;
  private lost = false;
  private posting = false;

  constructor(hardware: RdmaHardware, tasks: Tasks) {
    this.hardware = hardware;
    this.tasks = tasks;
  }

  /** From now on events go there, from its first entry on; nowhere without a ring. */
  use(ring: EventRing | undefined): void {
    this.ring = ring;
    this.produced = 0;
    this.taken = 0;
    this.kick();
  }

  raise(what: AsyncEvent): void {
    if (this.waiting.length < mostWaiting) this.waiting.push(what);
    else this.lost = true;
    this.kick();
  }

  /** The host told how many events it has taken so far. What cannot be is ignored: the next doorbell is right again. */
  took(taken: number): void {
    const newly = (taken - this.taken) & 0xffff;
    if (newly <= this.produced - this.taken) this.taken += newly;
    this.kick();
  }

  private kick(): void {
    if (this.posting || !this.ring) return;
    this.posting = true;
    this.tasks.spawn(async () => {
      try {
        await this.post();
      } catch (error) {
        if (!(error instanceof DmaError)) throw error;
        this.ring = undefined;
      } finally {
        this.posting = false;
      }
    });
  }

  private async post(): Promise<void> {
    for (let ring = this.ring; ring && this.produced - this.taken < ring.entries; ring = this.ring) {
      const next = this.next();
      if (!next) return;
      const index = this.produced % ring.entries;
      const phase = Math.floor(this.produced / ring.entries) % 2 === 0 ? 1 : 0;
      this.produced++;
      await this.hardware.write(placeAt(ring.place, index * eventBytes), encode(event, eventBytes, { ...next, phase }));
      await this.hardware.interrupt(ring.vector);
    }
  }

  private next(): AsyncEvent | undefined {
    const next = this.waiting.shift();
    if (next || !this.lost) return next;
    this.lost = false;
    return { kind: EventKind.lost, reason: 0, number: 0 };
  }
}
