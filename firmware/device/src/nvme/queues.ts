import { encode } from '../../../layout.ts';
import { commandBytes, completion, completionBytes } from '../../../nvme/commands.ts';
import { type Command, commandFrom } from './command.ts';
import { type NvmeHardware, type Place, placeAt } from './hardware.ts';

/** What a queue is made of. */
export interface QueueParams {
  readonly id: number;
  readonly place: Place;
  /** Entries. */
  readonly size: number;
}

/** A submission queue: the host moves the tail, the controller fetches from the head. */
export class SubmissionQueue {
  readonly id: number;
  readonly size: number;
  readonly completion: CompletionQueue;
  head = 0;
  private tail = 0;
  /** No command is fetched any more. */
  deleting = false;
  /** Commands that were fetched and have not ended, by identifier. */
  readonly inFlight = new Map<number, Command>();
  private readonly place: Place;

  constructor(params: QueueParams, completionQueue: CompletionQueue) {
    this.id = params.id;
    this.size = params.size;
    this.place = params.place;
    this.completion = completionQueue;
  }

  /** The host rang the doorbell. @returns whether the value makes sense. */
  ring(tail: number): boolean {
    if (tail >= this.size) return false;
    this.tail = tail;
    return true;
  }

  /** There are commands, and room where their completions go. */
  get ready(): boolean {
    return !this.deleting && this.head !== this.tail && this.completion.waiting < this.completion.size;
  }

  /** Takes the next commands, `most` at most and 1 at least. @throws DmaError if they cannot be read. */
  async fetch(hardware: NvmeHardware, most: number): Promise<Command[]> {
    const untilWrap = (this.tail > this.head ? this.tail : this.size) - this.head;
    const count = Math.min(most, untilWrap);
    const data = await hardware.read(placeAt(this.place, this.head * commandBytes), count * commandBytes);
    this.head = (this.head + count) % this.size;
    return Array.from({ length: count }, (_, i) => commandFrom(data.slice(i * commandBytes, (i + 1) * commandBytes), this.id));
  }
}

/** How a command ended. */
export interface Ending {
  readonly queue: SubmissionQueue;
  readonly identifier: number;
  /** One of `Status`. */
  readonly status: number;
  /** DW0. */
  readonly result: number;
  readonly more: boolean;
  readonly doNotRetry: boolean;
}

export interface CompletionQueueParams extends QueueParams {
  /** MSI-X vector; none if the queue has no interrupts. */
  readonly vector: number | undefined;
}

/**
 * A completion queue: entries are written one after the other while there is room, each with the phase of its round through the queue; others wait.
 */
export class CompletionQueue {
  readonly id: number;
  readonly size: number;
  readonly place: Place;
  private readonly hardware: NvmeHardware;
  private readonly vector: number | undefined;
  private readonly endings: Ending[] = [];
  private head = 0;
  private tail = 0;
  private phase = 1;
  private posting: Promise<void> | undefined;
  private stopped = false;

  constructor(hardware: NvmeHardware, params: CompletionQueueParams) {
    this.hardware = hardware;
    this.id = params.id;
    this.size = params.size;
    this.place = params.place;
    this.vector = params.vector;
  }

  /** Completions that wait for room. */
  get waiting(): number {
    return this.endings.length;
  }

  private get full(): boolean {
    return (this.tail + 1) % this.size === this.head;
  }

  /** The host rang the doorbell. @returns whether it has taken no more entries than there were. */
  ring(head: number): boolean {
    const taken = (head - this.head + this.size) % this.size;
    const there = (this.tail - this.head + this.size) % this.size;
    if (head >= this.size || taken > there) return false;
    this.head = head;
    return true;
  }

  /** Adds a completion. */
  add(ending: Ending): void {
    this.endings.push(ending);
  }

  /** Writes what there is room for. Resolves when that is done. @throws DmaError if an entry cannot be written. */
  post(): Promise<void> {
    this.posting ??= this.postAll().finally(() => {
      this.posting = undefined;
    });
    return this.posting;
  }

  /** Completions that could not be posted yet are dropped, and none is posted any more. Resolves when nothing is being written. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.endings.length = 0;
    await this.posting?.catch(() => {});
  }

  /** Drops the completions of a submission queue that have no room. */
  forget(queue: SubmissionQueue): void {
    for (let i = this.endings.length - 1; i >= 0; i--) if (this.endings[i]?.queue === queue) this.endings.splice(i, 1);
  }

  private async postAll(): Promise<void> {
    while (!this.stopped && !this.full) {
      const ending = this.endings.shift();
      if (!ending) return;
      const at = placeAt(this.place, this.tail * completionBytes);
      const entry = this.entry(ending);
      this.tail = (this.tail + 1) % this.size;
      if (this.tail === 0) this.phase ^= 1;
      await this.hardware.write(at, entry);
      if (this.vector !== undefined) await this.hardware.interrupt(this.vector);
    }
  }

  private entry(ending: Ending): Uint8Array {
    return encode(completion, completionBytes, {
      result: ending.result,
      head: ending.queue.head,
      queue: ending.queue.id,
      identifier: ending.identifier,
      phase: this.phase,
      statusCode: ending.status & 0xff,
      statusType: ending.status >>> 8,
      more: Number(ending.more),
      doNotRetry: Number(ending.doNotRetry),
    });
  }
}
