import { ErrorEvent, EventType, Feature, HealthEvent, LogPage } from '../../../nvme/features.ts';
import { retryable, Status } from '../../../nvme/status.ts';
import type { AddressSpace } from './address-space.ts';
import { adminCommand, type Result } from './admin-commands.ts';
import type { Command } from './command.ts';
import { CommandError } from './command-error.ts';
import { DataPointers } from './data-pointer.ts';
import { Events } from './events.ts';
import { FeatureSet } from './feature-set.ts';
import { DmaError, type NvmeHardware } from './hardware.ts';
import type { Health } from './health.ts';
import { RangeLocks } from './lba-locks.ts';
import { nvmCommand } from './nvm-commands.ts';
import type { Profile } from './profile.ts';
import { CompletionQueue, type CompletionQueueParams, type QueueParams, SubmissionQueue } from './queues.ts';
import { Transfer } from './transfer.ts';

export interface SessionParams {
  readonly hardware: NvmeHardware;
  readonly profile: Profile;
  readonly space: AddressSpace;
  readonly health: Health;
  /** Bytes of a memory page. */
  readonly pageBytes: number;
  readonly adminSubmission: QueueParams;
  readonly adminCompletion: CompletionQueueParams;
  /** The controller cannot go on: a queue cannot be reached. */
  readonly onFatal: () => void;
}

/**
 * A controller from its enabling to the next reset: all that a reset forgets.
 *
 *     doorbell ─► SubmissionQueue ─► arbitrate: fetch ─► execute (many at a time) ─► CompletionQueue ─► entry, interrupt
 *
 * Queues take turns, each for an arbitration burst (NVMe 1.4 section 4.13.1).
 */
export class Session {
  readonly hardware: NvmeHardware;
  readonly profile: Profile;
  readonly space: AddressSpace;
  readonly health: Health;
  readonly pageBytes: number;
  readonly features: FeatureSet;
  readonly events: Events;
  readonly pointers: DataPointers;
  readonly transfer: Transfer;
  readonly locks = new RangeLocks();
  readonly submission = new Map<number, SubmissionQueue>();
  readonly completion = new Map<number, CompletionQueue>();
  private readonly onFatal: () => void;
  private readonly running = new Set<Promise<void>>();
  private readonly drainWaits = new Map<SubmissionQueue, () => void>();
  private stopped = false;
  private lastServed = -1;
  private wake: (() => void) | undefined;
  private readonly arbitration: Promise<void>;

  constructor(params: SessionParams) {
    const { hardware, profile, space, pageBytes } = params;
    this.hardware = hardware;
    this.profile = profile;
    this.space = space;
    this.health = params.health;
    this.pageBytes = pageBytes;
    this.onFatal = params.onFatal;
    this.features = new FeatureSet(profile, hardware.vectors);
    this.events = new Events((request, result) => this.end(request, Status.success, result));
    this.pointers = new DataPointers(hardware, space, pageBytes);
    this.transfer = new Transfer(hardware, ({ queue }) => this.submission.get(queue)?.completion.place);
    const admin = new CompletionQueue(hardware, params.adminCompletion);
    this.completion.set(0, admin);
    this.submission.set(0, new SubmissionQueue(params.adminSubmission, admin));
    this.arbitration = this.task(() => this.arbitrate());
  }

  /** There are I/O queues. */
  get hasQueues(): boolean {
    return this.submission.size + this.completion.size > 2;
  }

  /** The host rang a doorbell. What makes no sense becomes an asynchronous event (5.2.1), and has no other effect. */
  ring(index: number, value: number): void {
    if (this.stopped) return;
    const id = index >> 1;
    const queue = index & 1 ? this.completion.get(id) : this.submission.get(id);
    const information = !queue
      ? ErrorEvent.invalidDoorbellRegister
      : queue.ring(value & 0xffff)
        ? undefined
        : ErrorEvent.invalidDoorbellValue;
    if (information !== undefined) this.events.raise({ type: EventType.error, information, page: LogPage.error });
    else if (queue instanceof CompletionQueue) this.spawn(() => this.post(queue));
    this.kick();
  }

  /** @throws CommandError for more than the largest transfer. */
  checkTransfer(bytes: number): void {
    const { maxTransfer, capabilities } = this.profile;
    if (maxTransfer > 0 && bytes > 2 ** (12 + capabilities.minPage + maxTransfer)) throw new CommandError(Status.invalidField);
  }

  /** Sends the data of an admin command. @returns DW0 of the completion. */
  async reply(command: Command, data: Uint8Array): Promise<number> {
    const segments = await this.pointers.resolve(command, data.length, 'readData');
    await this.transfer.send(command, segments, data);
    return 0;
  }

  /** A sensor is hotter, or colder, than the host wants (5.21.1.4). */
  beyondThreshold(): boolean {
    const { temperature } = this.health;
    return [0, 1].some(
      sensor => temperature >= this.features.threshold(sensor, 'over') || temperature <= this.features.threshold(sensor, 'under'),
    );
  }

  /** Tells the host if a temperature is beyond its threshold, and it wants to know. */
  watchTemperature(): void {
    const wanted = this.features.value(Feature.asynchronousEventConfiguration) & 2;
    if (wanted && this.beyondThreshold())
      this.events.raise({ type: EventType.health, information: HealthEvent.temperature, page: LogPage.health });
  }

  /** Ends a command that waits, with an error. */
  fail(command: Command, error: CommandError): void {
    this.reportError(command, error);
    this.end(command, error.status, 0);
  }

  /** Resolves when no command of a queue runs. */
  async drained(queue: SubmissionQueue): Promise<void> {
    if (queue.inFlight.size > 0) await new Promise<void>(resolve => this.drainWaits.set(queue, resolve));
  }

  /** Writes the completions that a queue has room for; if memory cannot be reached, the controller is dead. */
  async post(queue: CompletionQueue): Promise<void> {
    try {
      await queue.post();
    } catch (error) {
      if (!(error instanceof DmaError)) throw error;
      this.die();
    }
    this.kick();
  }

  /** Fetches no more commands; those that run end, and their completions are posted. */
  async finish(): Promise<void> {
    this.stopped = true;
    this.kick();
    await this.arbitration;
    while (this.running.size > 0) await Promise.all(this.running);
  }

  /** Ends all: resolves when nothing runs, and no completion will be posted. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.kick();
    for (const queue of this.submission.values()) for (const command of queue.inFlight.values()) command.aborted = true;
    const silent = Promise.all([...this.completion.values()].map(queue => queue.stop()));
    await this.arbitration;
    while (this.running.size > 0) await Promise.all(this.running);
    await silent;
  }

  private die(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.kick();
    this.onFatal();
  }

  /** Runs a task that the session waits for when it ends. */
  private spawn(work: () => Promise<void>): void {
    const task = this.task(work).finally(() => {
      this.running.delete(task);
      this.kick();
    });
    this.running.add(task);
  }

  /** Runs a task under the scheduler, which learns of its failure. */
  private task(work: () => Promise<void>): Promise<void> {
    return new Promise(resolve => {
      this.hardware.scheduler.spawn(`NVMe controller of ${this.hardware.name}`, () => work().finally(resolve));
    });
  }

  private kick(): void {
    this.wake?.();
    this.wake = undefined;
  }

  private async arbitrate(): Promise<void> {
    while (!this.stopped) {
      const queue = this.running.size < this.profile.commands ? this.next() : undefined;
      if (queue) await this.serve(queue);
      else
        await new Promise<void>(resolve => {
          this.wake = resolve;
        });
    }
  }

  /** The next queue, after the one served last, that has commands. */
  private next(): SubmissionQueue | undefined {
    const ids = [...this.submission.keys()].sort((a, b) => a - b);
    const turn = [...ids.filter(id => id > this.lastServed), ...ids.filter(id => id <= this.lastServed)];
    for (const id of turn) {
      const queue = this.submission.get(id);
      if (!queue?.ready) continue;
      this.lastServed = id;
      return queue;
    }
    return undefined;
  }

  private async serve(queue: SubmissionQueue): Promise<void> {
    const burst = this.features.value(Feature.arbitration) & 7;
    const most = Math.min(burst === 7 ? queue.size : 2 ** burst, this.profile.commands - this.running.size);
    try {
      const commands = await queue.fetch(this.hardware, most);
      if (!queue.deleting) for (const command of commands) this.begin(queue, command);
    } catch (error) {
      if (!(error instanceof DmaError)) throw error;
      this.die();
    }
  }

  private begin(queue: SubmissionQueue, command: Command): void {
    const conflict = queue.inFlight.has(command.identifier);
    if (!conflict) queue.inFlight.set(command.identifier, command);
    this.spawn(async () => {
      try {
        if (conflict) throw new CommandError(Status.identifierConflict);
        const result = await this.execute(command);
        if (result !== undefined) this.end(command, Status.success, result);
      } catch (error) {
        this.fail(command, failureOf(error));
      }
      await this.post(queue.completion);
    });
  }

  private async execute(command: Command): Promise<Result> {
    // No fused operations (Identify Controller, FUSES).
    if (command.fuse !== 0) throw new CommandError(Status.invalidField, { byte: 1, bit: 0 });
    return command.queue === 0 ? adminCommand(this, command) : nvmCommand(this, command);
  }

  private end(command: Command, status: number, result: number): void {
    const queue = this.submission.get(command.queue);
    if (!queue) return;
    if (queue.inFlight.get(command.identifier) === command) queue.inFlight.delete(command.identifier);
    const ending = command.aborted && status === Status.success ? Status.abortRequested : status;
    queue.completion.add({
      queue,
      identifier: command.identifier,
      status: ending,
      result,
      more: ending !== Status.success && ending !== Status.abortRequested,
      doNotRetry: !retryable.has(ending),
    });
    if (queue.inFlight.size === 0) {
      this.drainWaits.get(queue)?.();
      this.drainWaits.delete(queue);
    }
    this.spawn(() => this.post(queue.completion));
  }

  private reportError(command: Command, { status, location }: CommandError): void {
    if (status === Status.abortRequested) return;
    if (status === Status.unrecoveredReadError || status === Status.writeFault) this.health.countMediaError();
    this.health.report({
      queue: command.queue,
      identifier: command.identifier,
      status: (status << 1) | (1 << 14) | (Number(!retryable.has(status)) << 15),
      location: location ? location.byte | ((location.bit ?? 0) << 8) : 0xffff,
      block: command.queue === 0 ? 0n : BigInt(command.cdw10) | (BigInt(command.cdw11) << 32n),
      namespace: command.namespace,
      specific: 0n,
    });
  }
}

/** What a command ends with after an error. @throws what is no error of a command. */
function failureOf(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof DmaError) return new CommandError(Status.dataTransferError);
  throw error;
}
