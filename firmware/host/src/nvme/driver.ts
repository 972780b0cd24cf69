import { type Completion, commandBytes, completionBytes } from '../../../nvme/commands.ts';
import { Feature } from '../../../nvme/features.ts';
import { SglSupport } from '../../../nvme/identify.ts';
import type { Capabilities } from '../../../nvme/registers.ts';
import { Status } from '../../../nvme/status.ts';
import type { BufferProvider } from '../buffer-provider.ts';
import { Deadlines } from '../deadlines.ts';
import { HostError } from '../host-error.ts';
import type { AddressRange } from '../pci-function.ts';
import { AdminCommands, type AdminExecutor, type ControllerIdentity, type EventReport } from './admin-commands.ts';
import type { PointerChoice } from './data-pointer.ts';
import { disable, enable, readCapabilities, shutDown } from './lifecycle.ts';
import { ControllerMemory } from './memory-buffer.ts';
import { type BlockExecutor, NvmeNamespace } from './namespace.ts';
import { NvmeError, type NvmePlatform, pageBytes } from './platform.ts';
import { QueuePair, ResetError } from './queue-pair.ts';

export interface NvmeDriverOptions {
  /** I/O queue pairs, one per CPU say; the controller may have fewer. 1 by default. */
  readonly queues?: number;
  /** Entries of each I/O queue: 128 by default; the controller may have less. */
  readonly entries?: number;
  /** Simulated cycles after which a command counts as lost. 2,000,000 by default. */
  readonly timeoutCycles?: number;
  /** How often a command is tried again whose failure may be a passing one. 2 by default. */
  readonly retries?: number;
  /** `auto` by default. */
  readonly pointers?: PointerChoice;
  /** Puts submission queues into the controller's memory where it allows that; true by default. */
  readonly queuesInController?: boolean;
  /** Takes the controller's memory; by default a pool of the driver's own. */
  readonly provider?: BufferProvider;
  /** Asks for these events: bits of Asynchronous Event Configuration (5.21.1.11). All critical health warnings by default. */
  readonly events?: number;
}

/** What went wrong so far. */
export interface DriverStatistics {
  /** Completions that were found without an interrupt. */
  lostInterrupts: number;
  aborts: number;
  resets: number;
  retries: number;
}

const adminEntries = 32;
/** Submission queues with fewer entries are not worth the controller's memory. */
const fewestEntries = 64;
const largestTransfer = 4 << 20;

/** Memory of an I/O queue pair. */
interface QueueMemory {
  readonly id: number;
  readonly size: number;
  readonly submission: bigint;
  readonly inController: boolean;
  readonly completion: bigint;
  readonly vector: number;
  readonly release: () => void;
}

/**
 * The host's driver of an NVMe controller: it brings the controller up as an operating system does, and carries out commands. A command that does not end in
 * time is looked for, then aborted; if that does not help, the controller is reset, and what was on its way is tried again.
 */
export class NvmeDriver implements BlockExecutor {
  readonly platform: NvmePlatform;
  readonly admin: AdminCommands;
  readonly statistics: DriverStatistics = { lostInterrupts: 0, aborts: 0, resets: 0, retries: 0 };
  readonly pointers: PointerChoice;
  private readonly options: NvmeDriverOptions;
  private readonly capabilities: Capabilities;
  /** Commands of the bring-up: no retries, no recovery. */
  private readonly setup: AdminCommands;
  private readonly deadlines: Deadlines;
  private readonly timeoutCycles: number;
  private readonly adminMemory: AddressRange;
  private readonly eventHandlers: ((event: EventReport) => void)[] = [];
  private queueMemory: readonly QueueMemory[] = [];
  private adminQueue: QueuePair | undefined;
  private queues: QueuePair[] = [];
  private turn = 0;
  private resetting: Promise<void> | undefined;
  private dead: HostError | undefined;
  private identified: ControllerIdentity | undefined;
  private found: readonly NvmeNamespace[] = [];
  private buffer: ControllerMemory | undefined;

  private constructor(platform: NvmePlatform, options: NvmeDriverOptions, capabilities: Capabilities) {
    this.platform = platform;
    this.options = options;
    this.capabilities = capabilities;
    this.pointers = options.pointers ?? 'auto';
    this.timeoutCycles = options.timeoutCycles ?? 2_000_000;
    this.deadlines = new Deadlines(platform.scheduler, this.timeoutCycles);
    this.adminMemory = platform.memory.allocate(2 * pageBytes, pageBytes);
    this.setup = new AdminCommands(platform, (what, command) => this.direct(what, command));
    const guarded: AdminExecutor = (what, command, wait) => this.run(what, command, () => this.adminQueue, wait);
    this.admin = new AdminCommands(platform, guarded);
  }

  /** Takes a controller into use. @throws HostError if it is none, or does not come up. */
  static async probe(platform: NvmePlatform, options: NvmeDriverOptions = {}): Promise<NvmeDriver> {
    const driver = new NvmeDriver(platform, options, await readCapabilities(platform));
    await disable(platform, driver.timeoutCycles);
    driver.buffer = await ControllerMemory.find(platform, driver.capabilities.memoryBuffer, options.provider);
    await driver.bringUp();
    driver.found = await driver.findNamespaces();
    return driver;
  }

  get identity(): ControllerIdentity {
    if (!this.identified) throw new HostError(`${this.platform.name} is not up`);
    return this.identified;
  }
  get namespaces(): readonly NvmeNamespace[] {
    return this.found;
  }
  /** The controller's memory; none if it has none. */
  get memoryBuffer(): ControllerMemory | undefined {
    return this.buffer;
  }
  /** I/O queue pairs; submission queues of the first so many lie in the controller. */
  get queueCount(): number {
    return this.queues.length;
  }
  get queuesInController(): number {
    return this.queueMemory.filter(({ inController }) => inController).length;
  }
  get maxTransfer(): number {
    const { maxTransfer } = this.identity;
    return maxTransfer === 0 ? largestTransfer : Math.min(largestTransfer, pageBytes * 2 ** maxTransfer);
  }
  get sglSupported(): boolean {
    return (this.identity.sgl & SglSupport.supported) !== 0;
  }

  /** Calls a handler for every asynchronous event. Its log page has been read by then. */
  onEvent(handler: (event: EventReport) => void): void {
    this.eventHandlers.push(handler);
  }

  async execute(what: string, command: Uint8Array, queue?: number): Promise<void> {
    await this.run(what, command, () => this.queues[queue ?? this.turn++ % this.queues.length], 'with time limit');
  }

  /** Resets the controller and brings it up again. Commands on their way are tried again. @throws HostError if it does not come up: it is dead then. */
  reset(): Promise<void> {
    this.resetting ??= this.restart().finally(() => {
      this.resetting = undefined;
    });
    return this.resetting;
  }

  /** Ends its use: queues are deleted, the media is flushed, the controller disabled. @throws HostError if the controller does not answer. */
  async close(): Promise<void> {
    for (const { id } of this.queues) await this.admin.deleteSubmissionQueue(id);
    for (const { id } of this.queues) await this.admin.deleteCompletionQueue(id);
    this.dead = new HostError(`${this.platform.name} was closed`);
    await shutDown(this.platform, this.timeoutCycles);
    this.shut();
    await disable(this.platform, this.timeoutCycles);
    this.release();
  }

  /** The controller has been pulled out: commands on their way fail, none is taken any more, and no register is touched. */
  gone(): void {
    this.dead = new HostError(`${this.platform.name} has gone`);
    this.shut();
    this.release();
  }

  /** The memory of all queues is free. */
  private release(): void {
    for (const { release } of this.queueMemory) release();
    this.queueMemory = [];
    this.platform.memory.release(this.adminMemory);
  }

  private async restart(): Promise<void> {
    this.statistics.resets++;
    this.shut();
    try {
      await disable(this.platform, this.timeoutCycles);
      await this.bringUp();
    } catch (error) {
      this.dead = new HostError(`${this.platform.name} did not come up after a reset`, { cause: error });
      this.shut();
      throw this.dead;
    }
  }

  private shut(): void {
    this.adminQueue?.shut();
    for (const queue of this.queues) queue.shut();
  }

  private async bringUp(): Promise<void> {
    const { platform, timeoutCycles, setup } = this;
    const { base } = this.adminMemory;
    const admin = { submission: base, completion: base + BigInt(pageBytes), size: adminEntries };
    const adminQueue = new QueuePair(platform, { ...admin, id: 0, inController: false, doorbellStride: this.doorbellStride });
    this.adminQueue = adminQueue;
    this.queues = [];
    await this.connect(0);
    await enable(platform, admin, timeoutCycles);
    this.identified = await setup.identifyController();
    const count = await setup.setQueueCount(this.options.queues ?? 1);
    if (this.queueMemory.length === 0) this.queueMemory = this.allocateQueues(count);
    for (const memory of this.queueMemory.slice(0, count)) await this.createQueue(memory);
    await setup.setFeature(Feature.asynchronousEventConfiguration, this.options.events ?? 0x1f);
    platform.scheduler.spawn(`events of ${platform.name}`, () => this.watchEvents());
  }

  private get doorbellStride(): number {
    return 4 << this.capabilities.doorbellStride;
  }

  private allocateQueues(count: number): QueueMemory[] {
    const { platform, capabilities, options, buffer } = this;
    const size = Math.min(options.entries ?? 128, capabilities.maxEntries);
    const inController = (options.queuesInController ?? true) && buffer?.may('submissionQueues') === true;
    const room = inController ? Math.floor(Number(buffer.range.bytes) / count / pageBytes) * pageBytes : 0;
    const fitting = Math.min(size, room / commandBytes);
    return Array.from({ length: count }, (_, i) => {
      const id = i + 1;
      const vector = platform.vectors > count ? id : id % platform.vectors;
      const taken = fitting >= Math.min(size, fewestEntries) ? buffer?.allocate(fitting * commandBytes) : undefined;
      const entries = taken ? fitting : size;
      const inHost = (bytes: number) => {
        const range = platform.memory.allocate(bytes, pageBytes);
        return { base: range.base, release: () => platform.memory.release(range) };
      };
      const submission = taken ? { base: taken.bus, release: () => buffer?.release(taken) } : inHost(size * commandBytes);
      const completion = inHost(entries * completionBytes);
      const release = () => {
        submission.release();
        completion.release();
      };
      const inController = taken !== undefined;
      return { id, size: entries, submission: submission.base, inController, completion: completion.base, vector, release };
    });
  }

  private async createQueue(memory: QueueMemory): Promise<void> {
    const { id, size, submission, completion, vector } = memory;
    const queue = new QueuePair(this.platform, { ...memory, doorbellStride: this.doorbellStride });
    this.queues.push(queue);
    await this.connect(vector);
    await this.setup.createCompletionQueue({ id, size, address: completion }, vector);
    await this.setup.createSubmissionQueue({ id, size, address: submission }, id);
  }

  /** Interrupts of a vector are for all queues that use it. */
  private connect(vector: number): Promise<void> {
    return this.platform.connect(vector, () => {
      if (vector === 0) this.adminQueue?.interrupt();
      for (const queue of this.queues) if (this.queueMemory[queue.id - 1]?.vector === vector) queue.interrupt();
    });
  }

  private async findNamespaces(): Promise<NvmeNamespace[]> {
    const found: NvmeNamespace[] = [];
    for (const id of await this.admin.activeNamespaces()) {
      const { size, blockShift } = await this.admin.identifyNamespace(id);
      found.push(new NvmeNamespace(this, { id, blocks: Number(size), blockBytes: 2 ** blockShift }));
    }
    return found;
  }

  /** Waits for events, one at a time, until the controller is reset. */
  private async watchEvents(): Promise<void> {
    const queue = this.adminQueue;
    while (queue === this.adminQueue && !this.dead) {
      try {
        const event = await this.admin.nextEvent();
        await this.admin.logPage(event.page, 512);
        for (const handler of this.eventHandlers) handler(event);
      } catch (error) {
        if (!(error instanceof HostError)) throw error;
        return;
      }
    }
  }

  /** Carries out a command of the bring-up. */
  private async direct(what: string, command: Uint8Array): Promise<Completion> {
    const { adminQueue, platform } = this;
    if (!adminQueue) throw new HostError(`${platform.name} is not up`);
    const { ended } = await adminQueue.submit(command);
    const completion = await this.deadlines.within(ended);
    if (!completion) throw new HostError(`${platform.name} did not answer ${what} in ${this.timeoutCycles} cycles`);
    return check(`${platform.name}: ${what}`, completion);
  }

  /** Carries out a command, as often as it takes. */
  private async run(
    what: string,
    command: Uint8Array,
    choose: () => QueuePair | undefined,
    wait: Parameters<AdminExecutor>[2],
  ): Promise<Completion> {
    const { name } = this.platform;
    for (let attempt = 0; ; attempt++) {
      while (this.resetting) await this.resetting.catch(() => {});
      if (this.dead) throw this.dead;
      const queue = choose();
      if (!queue) throw new HostError(`${name} has no such queue for ${what}`);
      try {
        return check(`${name}: ${what}`, await this.attempt(queue, command, wait));
      } catch (error) {
        const passing = error instanceof NvmeError ? !error.doNotRetry : error instanceof ResetError;
        if (!passing || wait === 'for ever' || attempt >= (this.options.retries ?? 2)) throw error;
        this.statistics.retries++;
      }
    }
  }

  /** One attempt, with all that can be done for a command that does not end. */
  private async attempt(queue: QueuePair, command: Uint8Array, wait: Parameters<AdminExecutor>[2]): Promise<Completion> {
    const { identifier, ended } = await queue.submit(command);
    if (wait === 'for ever') return ended;
    const inTime = await this.deadlines.within(ended);
    if (inTime) return inTime;
    if (queue.interrupt() > 0) {
      const late = await Promise.race([ended, this.platform.scheduler.delay(1)]);
      this.statistics.lostInterrupts++;
      if (late) return late;
    }
    if (queue !== this.adminQueue) {
      this.statistics.aborts++;
      await this.admin.abort(queue.id, identifier).catch(() => {});
      const aborted = await this.deadlines.within(ended);
      if (aborted) return aborted;
    }
    await this.reset();
    return ended;
  }
}

/** @throws NvmeError for a status other than success. */
function check(what: string, completion: Completion): Completion {
  const status = (completion.statusType << 8) | completion.statusCode;
  if (status !== Status.success) throw new NvmeError(what, status, completion.doNotRetry === 1);
  return completion;
}
