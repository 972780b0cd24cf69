import type { Packet } from '../../../rdma/packet.ts';
import { doorbellUse } from '../../../rdma/registers.ts';
import { WorkStatus } from '../../../rdma/status.ts';
import type { WireEnd } from '../../../rdma/wire.ts';
import { EventKind } from '../../../rdma/work.ts';
import { AddressSpace } from './address-space.ts';
import { CompletionQueue, type CompletionQueueParams } from './completion-queue.ts';
import { DataMover } from './data-mover.ts';
import { EventQueue } from './event-queue.ts';
import type { RdmaHardware } from './hardware.ts';
import { MemoryRegions } from './memory-regions.ts';
import type { Profile } from './profile.ts';
import { QueuePair, type QueuePairParams } from './queue-pair.ts';
import { Signal, Tasks } from './signal.ts';

/** Packets that wait in the card at a time; more wait on the wire. */
const mostPackets = 1024;

/** All that a reset of the function forgets: what the driver made, and what runs on it. */
export class Session {
  readonly hardware: RdmaHardware;
  readonly wire: WireEnd;
  readonly profile: Profile;
  readonly tasks: Tasks;
  readonly space: AddressSpace;
  readonly regions: MemoryRegions;
  readonly mover: DataMover;
  readonly events: EventQueue;
  readonly domains = new Set<number>();
  readonly completionQueues = new Map<number, CompletionQueue>();
  /** By their place among the doorbells. */
  readonly queuePairs = new Map<number, QueuePair>();
  private generation = 0;
  /** Packets in inboxes. */
  private packets = 0;
  private readonly room = new Signal();
  private stopped = false;

  constructor(hardware: RdmaHardware, wire: WireEnd, profile: Profile) {
    this.hardware = hardware;
    this.wire = wire;
    this.profile = profile;
    this.tasks = new Tasks(task => hardware.scheduler.spawn(`network card ${hardware.name}`, task));
    this.space = new AddressSpace(hardware);
    const { memoryRegions, ranges } = profile.information;
    this.regions = new MemoryRegions(hardware, this.space, memoryRegions, ranges);
    this.mover = new DataMover(hardware);
    this.events = new EventQueue(hardware, this.tasks);
  }

  /** The queue pair of a number. */
  queuePair(number: number): QueuePair | undefined {
    const found = this.queuePairs.get(number & 0xff);
    return found?.number === number ? found : undefined;
  }

  makeCompletionQueue(params: CompletionQueueParams): CompletionQueue {
    const queue = new CompletionQueue(this.hardware, this.tasks, params, (broken, reason) => {
      this.events.raise({ kind: EventKind.completionQueue, reason, number: broken.number });
      for (const each of this.queuePairs.values())
        if (each.params.sendCompletions === broken || each.params.receiveCompletions === broken)
          each.fail(WorkStatus.localOperation);
    });
    this.completionQueues.set(params.number, queue);
    return queue;
  }

  /** A number for a queue pair, whose lower byte is its place among the doorbells; the others change each time, so that late packets find nobody. */
  numberFor(place: number): number {
    this.generation = (this.generation % 0xffff) + 1;
    return this.generation * 0x100 + place;
  }

  makeQueuePair(place: number, params: QueuePairParams): void {
    this.queuePairs.set(place, new QueuePair(this, params));
  }

  /** The host rang a doorbell that is not that of commands. What makes no sense is told by an event, and takes its queue pair to the error state. */
  ring(number: number, value: number): void {
    if (this.stopped) return;
    const use = doorbellUse(number, this.profile.information.completionQueues);
    if (use.of === 'events') this.events.took(value & 0xffff);
    if (!('index' in use)) return;
    const { of, index } = use;
    const queue = of === 'completions' ? this.completionQueues.get(index) : undefined;
    const pair = of === 'completions' ? undefined : this.queuePairs.get(index);
    queue?.ring(value);
    const good = queue !== undefined || (pair && of !== 'completions' && pair.ring(of, value & 0xffff));
    if (good) return;
    this.events.raise({ kind: EventKind.doorbell, reason: 0, number });
    pair?.fail(WorkStatus.localOperation);
  }

  /** Takes a packet. Resolves when there is room for the next one. */
  async take(packet: Packet): Promise<void> {
    const pair = this.stopped ? undefined : this.queuePair(packet.queuePair);
    if (pair?.take(packet)) this.packets++;
    while (this.packets >= mostPackets && !this.stopped) await this.room.wait();
  }

  /** Packets were taken from an inbox. */
  packetsLeft(count: number): void {
    this.packets -= count;
    this.room.raise();
  }

  /** Ends all: resolves when nothing runs, and nothing will be written. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.room.raise();
    await Promise.all([...this.completionQueues.values()].map(queue => queue.stop()));
    await Promise.all([...this.queuePairs.values()].map(pair => pair.reset()));
    await this.tasks.ended();
  }
}
