import { encode } from '../../../layout.ts';
import { decodeCompletionDoorbell } from '../../../rdma/registers.ts';
import { WorkStatus } from '../../../rdma/status.ts';
import { type Completion, completion, completionBytes, QueueError } from '../../../rdma/work.ts';
import { DmaError, type Place, placeAt } from '../endpoint/hardware.ts';
import type { RdmaHardware } from './hardware.ts';
import { Signal, type Tasks } from './signal.ts';

export interface CompletionQueueParams {
  readonly number: number;
  readonly place: Place;
  /** A power of two. */
  readonly entries: number;
  /** MSI-X vector; none if the queue has no interrupts. */
  readonly vector: number | undefined;
}

/** Completions of one write: a few entries in a row cost no more than one. */
const mostAtOnce = 64;

/**
 * A completion queue: entries are written in their order, as many at once as wait. Where the host takes too few, the queue is overrun, and down for good: it is
 * the host's matter to make it large enough.
 */
export class CompletionQueue {
  readonly number: number;
  private readonly hardware: RdmaHardware;
  private readonly tasks: Tasks;
  private readonly place: Place;
  private readonly entries: number;
  private readonly vector: number | undefined;
  private readonly onError: (queue: CompletionQueue, reason: number) => void;
  private readonly waiting: { readonly entry: Omit<Completion, 'phase'>; readonly done: () => void }[] = [];
  private readonly idle = new Signal();
  /** Entries that are on their way or there, that are surely there, and that the host took. */
  private produced = 0;
  private written = 0;
  private taken = 0;
  /** The number of the last request for an interrupt that was seen; it is answered unless `armed`. */
  private request: number | undefined;
  private armed: 'solicited' | 'any' | undefined;
  private posting = false;
  private broken = false;

  constructor(
    hardware: RdmaHardware,
    tasks: Tasks,
    params: CompletionQueueParams,
    onError: (queue: CompletionQueue, reason: number) => void,
  ) {
    this.hardware = hardware;
    this.tasks = tasks;
    this.number = params.number;
    this.place = params.place;
    this.entries = params.entries;
    this.vector = params.vector;
    this.onError = onError;
  }

  /** Writes an entry. Resolves when it is written, or the queue is down. */
  post(entry: Omit<Completion, 'phase'>): Promise<void> {
    if (this.broken) return Promise.resolve();
    const posted = new Promise<void>(resolve => this.waiting.push({ entry, done: resolve }));
    this.kick();
    return posted;
  }

  /** The host rang the doorbell. */
  ring(value: number): void {
    const { taken, arm } = decodeCompletionDoorbell(value);
    const newly = (taken - this.taken) & 0xffff;
    if (newly > this.produced - this.taken) {
      this.fail(QueueError.doorbell);
      return;
    }
    this.taken += newly;
    if (!arm || arm.request === this.request) return;
    this.request = arm.request;
    this.armed = arm.solicitedOnly ? 'solicited' : 'any';
    if (this.written > this.taken) this.tasks.spawn(() => this.interrupt());
  }

  /** Nothing is written any more. Resolves when nothing is being written. */
  async stop(): Promise<void> {
    this.broken = true;
    this.drop();
    while (this.posting) await this.idle.wait();
  }

  private kick(): void {
    if (this.posting) return;
    this.posting = true;
    this.tasks.spawn(async () => {
      try {
        while (this.waiting.length > 0 && !this.broken) await this.write();
      } catch (error) {
        if (!(error instanceof DmaError)) throw error;
        this.fail(QueueError.unreachable);
      } finally {
        this.posting = false;
        this.idle.raise();
      }
    });
  }

  private async write(): Promise<void> {
    const room = this.entries - (this.produced - this.taken);
    if (room === 0) return this.fail(QueueError.overrun);
    const index = this.produced % this.entries;
    const batch = this.waiting.splice(0, Math.min(room, this.entries - index, mostAtOnce));
    const phase = Math.floor(this.produced / this.entries) % 2 === 0 ? 1 : 0;
    const data = Buffer.concat(batch.map(({ entry }) => encode(completion, completionBytes, { ...entry, phase })));
    this.produced += batch.length;
    try {
      await this.hardware.write(placeAt(this.place, index * completionBytes), data);
      this.written += batch.length;
    } finally {
      for (const { done } of batch) done();
    }
    // What the host took already, before the card knew that it was there, needs no interrupt: the request waits for the next entry.
    if (this.written <= this.taken) return;
    const special = batch.some(({ entry }) => entry.solicited === 1 || entry.status !== WorkStatus.success);
    if (this.armed === 'any' || (this.armed && special)) await this.interrupt();
  }

  private async interrupt(): Promise<void> {
    this.armed = undefined;
    if (this.vector !== undefined) await this.hardware.interrupt(this.vector);
  }

  private fail(reason: number): void {
    if (this.broken) return;
    this.broken = true;
    this.drop();
    this.onError(this, reason);
  }

  private drop(): void {
    for (const { done } of this.waiting.splice(0)) done();
  }
}
