import type { Scheduler } from '../../../ports.ts';
import type { Packet } from '../../../rdma/packet.ts';
import type { Tasks } from './signal.ts';

/**
 * Packets that have come for one side of a queue pair and that it has not taken: it gets as many at once as are there, so that their data is written together. The sides do not
 * wait for each other, since requests and responses have no order among them: so the next command never waits behind the data of the last ones.
 */
export class Inbox {
  private readonly packets: Packet[] = [];
  private readonly tasks: Tasks;
  private readonly scheduler: Scheduler;
  private readonly mostBytes: number;
  private readonly take: (packets: readonly Packet[]) => Promise<void>;
  private readonly left: (packets: number) => void;
  private busy = false;

  /** `take` gets the packets in their order, one batch after the other, of `mostBytes` of payload or one packet more; `left` is told how many have gone. */
  constructor(
    tasks: Tasks,
    scheduler: Scheduler,
    mostBytes: number,
    take: (packets: readonly Packet[]) => Promise<void>,
    left: (packets: number) => void,
  ) {
    this.tasks = tasks;
    this.scheduler = scheduler;
    this.mostBytes = mostBytes;
    this.take = take;
    this.left = left;
  }

  add(packet: Packet): void {
    this.packets.push(packet);
    if (this.busy) return;
    this.busy = true;
    this.tasks.spawn(() => this.empty());
  }

  private async empty(): Promise<void> {
    try {
      // More may come in this cycle.
      await this.scheduler.delay(0);
      while (this.packets.length > 0) {
        const batch = this.batch();
        try {
          await this.take(batch);
        } finally {
          this.left(batch.length);
        }
      }
    } finally {
      this.busy = false;
    }
  }

  private batch(): Packet[] {
    let bytes = 0;
    let count = 0;
    for (const { payload } of this.packets) {
      if (bytes >= this.mostBytes) break;
      bytes += payload.length;
      count++;
    }
    return this.packets.splice(0, count);
  }
}
