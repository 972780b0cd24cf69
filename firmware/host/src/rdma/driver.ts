import { decode, type Layout, type Values } from '../../../layout.ts';
import { CommandOpcode, commandHeader, createCompletionQueue, handleCommand, setEventQueue } from '../../../rdma/commands.ts';
import {
  type DeviceInformation,
  deviceInformation,
  deviceInformationBytes,
  deviceSignature,
  doorbellBase,
  doorbellOf,
  Mailbox,
  mailboxBase,
  protocolVersion,
} from '../../../rdma/registers.ts';
import { completionBytes, EventKind, event, eventBytes } from '../../../rdma/work.ts';
import { type BufferMemory, type BufferProvider, localProvider } from '../buffer-provider.ts';
import type { DevicePlatform } from '../device-platform.ts';
import { HostError } from '../host-error.ts';
import type { AddressRange } from '../pci-function.ts';
import { CommandChannel } from './command-channel.ts';
import { CompletionQueue } from './completion-queue.ts';
import { ProtectionDomain } from './protection-domain.ts';
import type { QueuePair } from './queue-pair.ts';

export interface RdmaDriverOptions {
  /** Simulated cycles after which a command counts as lost. 2,000,000 by default. */
  readonly timeoutCycles?: number;
  /** Takes the card's memory; by default a pool of the driver's own. */
  readonly provider?: BufferProvider;
}

export interface CompletionQueueOptions {
  /** A power of two; entries of all requests that are on their way need room. */
  readonly entries: number;
  /** MSI-X vector; 1 by default, if there is one. */
  readonly vector?: number;
}

/** What the card tells without having been asked. */
export interface AsyncEvent {
  /** `lost`: events that had no room. */
  readonly kind: 'queue pair' | 'completion queue' | 'doorbell' | 'lost';
  /** Of the queue pair, the completion queue, or the doorbell. */
  readonly number: number;
  /** One of `WorkStatus` for queue pairs, of `QueueError` for completion queues. */
  readonly reason: number;
}

const eventKinds: { readonly [kind: number]: AsyncEvent['kind'] } = {
  [EventKind.queuePair]: 'queue pair',
  [EventKind.completionQueue]: 'completion queue',
  [EventKind.doorbell]: 'doorbell',
  [EventKind.lost]: 'lost',
};

const eventEntries = 64;
const eventVector = 0;
const ringAlignment = 64;
/** Cycles between two looks whether the firmware has booted. */
const lookCycles = 100;

/** Memory of the card that peers reach. */
export interface CardMemory {
  /** Bus addresses. */
  readonly range: AddressRange;
  /** Takes memory. @returns nothing if there is not so much in one piece. */
  allocate(bytes: number): BufferMemory | undefined;
  release(memory: BufferMemory): void;
}

/** The host's driver of an RDMA network card: protection domains, memory regions, completion queues and queue pairs, as verbs have them. */
export class RdmaDriver {
  readonly platform: DevicePlatform;
  /** What the card can. */
  readonly limits: DeviceInformation;
  /** Memory of the card's own, given to the provider; none if it has none. */
  readonly memory: CardMemory | undefined;
  private readonly channel: CommandChannel;
  private readonly completionQueues = new Map<number, CompletionQueue>();
  private readonly queuePairs = new Map<number, QueuePair>();
  private readonly connected = new Set<number>();
  private readonly handlers: ((event: AsyncEvent) => void)[] = [];
  private readonly events: AddressRange;
  private eventsTaken = 0;

  private constructor(
    platform: DevicePlatform,
    limits: DeviceInformation,
    channel: CommandChannel,
    memory: CardMemory | undefined,
  ) {
    this.platform = platform;
    this.limits = limits;
    this.channel = channel;
    this.memory = memory;
    this.events = platform.memory.allocate(eventEntries * eventBytes, ringAlignment);
  }

  /** Takes a card into use. @throws HostError if it is none, or does not answer. */
  static async probe(platform: DevicePlatform, options: RdmaDriverOptions = {}): Promise<RdmaDriver> {
    const { timeoutCycles = 2_000_000, provider = localProvider(platform) } = options;
    const limits = await identify(platform, timeoutCycles);
    const channel = await CommandChannel.open(platform, timeoutCycles);
    const driver = new RdmaDriver(platform, limits, channel, cardMemory(platform, limits, provider));
    await driver.useEvents();
    return driver;
  }

  /** Calls a handler for every event. */
  onEvent(handler: (event: AsyncEvent) => void): void {
    this.handlers.push(handler);
  }

  /** @throws RdmaError if the card has no more of them. */
  async allocateProtectionDomain(): Promise<ProtectionDomain> {
    const { allocateDomain } = CommandOpcode;
    return new ProtectionDomain(this, await this.command('allocation of a protection domain', allocateDomain, commandHeader, {}));
  }

  /** @throws RdmaError, HostError. */
  async createCompletionQueue(options: CompletionQueueOptions): Promise<CompletionQueue> {
    const { platform } = this;
    const { entries, vector = Math.min(1, platform.vectors - 1) } = options;
    const ring = platform.memory.allocate(entries * completionBytes, ringAlignment);
    platform.memory.write(ring.base, new Uint8Array(entries * completionBytes));
    try {
      await this.connect(vector);
      const number = await this.command(
        'creation of a completion queue',
        CommandOpcode.createCompletionQueue,
        createCompletionQueue,
        {
          address: ring.base,
          entries,
          vector,
          interrupts: 1,
        },
      );
      const queue = new CompletionQueue(this, { number, base: ring.base, entries, vector });
      this.completionQueues.set(number, queue);
      return queue;
    } catch (error) {
      platform.memory.release(ring);
      throw error;
    }
  }

  /** Destroys all queue pairs and completion queues, and hears of no events any more. @throws HostError if the card does not answer. */
  async close(): Promise<void> {
    for (const pair of this.queuePairs.values()) await this.destroyQueuePair(pair);
    for (const queue of this.completionQueues.values()) await this.destroyCompletionQueue(queue);
    await this.command('closing of the event queue', CommandOpcode.setEventQueue, setEventQueue, { entries: 0 });
    this.platform.memory.release(this.events);
  }

  /** For the parts of the driver: carries out a command. @throws RdmaError, HostError. */
  command<L extends Layout>(what: string, opcode: number, layout: L, values: Partial<Values<L>>): Promise<number> {
    return this.channel.run(what, opcode, layout, values);
  }

  /** For the parts of the driver: the queue pair of a number. */
  queuePair(number: number): QueuePair | undefined {
    return this.queuePairs.get(number);
  }

  addQueuePair(pair: QueuePair): QueuePair {
    this.queuePairs.set(pair.number, pair);
    return pair;
  }

  async destroyQueuePair(pair: QueuePair): Promise<void> {
    const { number, memory } = pair;
    await this.command(`destruction of queue pair ${number}`, CommandOpcode.destroyQueuePair, handleCommand, { handle: number });
    this.queuePairs.delete(number);
    if (memory) this.platform.memory.release(memory);
  }

  async destroyCompletionQueue({ number, base, entries }: CompletionQueue): Promise<void> {
    const { destroyCompletionQueue } = CommandOpcode;
    await this.command(`destruction of completion queue ${number}`, destroyCompletionQueue, handleCommand, { handle: number });
    this.completionQueues.delete(number);
    this.platform.memory.release({ base, bytes: BigInt(entries * completionBytes) });
  }

  private async useEvents(): Promise<void> {
    const { platform, events } = this;
    platform.memory.write(events.base, new Uint8Array(eventEntries * eventBytes));
    await this.connect(eventVector);
    await this.command('setting of the event queue', CommandOpcode.setEventQueue, setEventQueue, {
      address: events.base,
      entries: eventEntries,
      vector: eventVector,
    });
  }

  /** Interrupts of a vector are for all queues that use it. */
  private async connect(vector: number): Promise<void> {
    if (this.connected.has(vector)) return;
    this.connected.add(vector);
    await this.platform.connect(vector, () => {
      if (vector === eventVector) this.takeEvents();
      for (const queue of this.completionQueues.values()) if (queue.vector === vector) queue.interrupt();
    });
  }

  private takeEvents(): void {
    const { platform, eventsTaken: before } = this;
    for (;;) {
      const at = this.events.base + BigInt((this.eventsTaken % eventEntries) * eventBytes);
      const entry = decode(event, platform.memory.read(at, eventBytes));
      if (entry.phase !== (Math.floor(this.eventsTaken / eventEntries) % 2 === 0 ? 1 : 0)) break;
      this.eventsTaken++;
      const kind = eventKinds[entry.kind];
      if (!kind) continue;
      if (kind === 'queue pair') this.queuePairs.get(entry.number)?.broke();
      for (const handler of this.handlers) handler({ kind, number: entry.number, reason: entry.reason });
    }
    const { eventsTaken } = this;
    if (eventsTaken === before) return;
    platform.scheduler.spawn(`event doorbell of ${platform.name}`, () =>
      platform.writeRegister(doorbellBase + 4 * doorbellOf.events, eventsTaken & 0xffff),
    );
  }
}

/** What the card is. Its firmware needs a moment to boot. */
async function identify(platform: DevicePlatform, timeoutCycles: number): Promise<DeviceInformation> {
  const { scheduler, name } = platform;
  const at = mailboxBase + Mailbox.device;
  const until = scheduler.now + timeoutCycles;
  while ((await platform.readRegister(at)) >>> 0 !== deviceSignature) {
    if (scheduler.now >= until) throw new HostError(`${name} is no RDMA network card of this kind: does its firmware run?`);
    await scheduler.delay(lookCycles);
  }
  const words = new Uint32Array(deviceInformationBytes / 4);
  for (let i = 0; i < words.length; i++) words[i] = (await platform.readRegister(at + 4 * i)) >>> 0;
  const information = decode(deviceInformation, new Uint8Array(words.buffer));
  if (information.version !== protocolVersion)
    throw new HostError(`${name} speaks version ${information.version} of the protocol; the driver knows ${protocolVersion}`);
  return information;
}

/** Gives the card's memory to the provider. */
function cardMemory(platform: DevicePlatform, limits: DeviceInformation, provider: BufferProvider): CardMemory | undefined {
  const { bufferBar, bufferOffset, bufferBytes } = limits;
  const bar = bufferBytes > 0 ? platform.bar(bufferBar) : undefined;
  if (!bar) return undefined;
  provider.addResource(bufferBar, BigInt(bufferOffset), BigInt(bufferBytes));
  provider.publish(true);
  return {
    range: { base: bar.base + BigInt(bufferOffset), bytes: BigInt(bufferBytes) },
    allocate: bytes => provider.alloc(BigInt(bytes)),
    release: memory => provider.free(memory),
  };
}
