import { WorkStatus } from '../../../rdma/status.ts';
import { CompletionOpcode } from '../../../rdma/work.ts';
import { Turns } from '../../../semaphore.ts';
import { DmaError } from '../endpoint/hardware.ts';
import type { PeerWrites } from './data-mover.ts';
import type { QueuePair } from './queue-pair.ts';
import { isRead, isWrite, type SendWork } from './work.ts';

/** Tells the host how send requests ended, in their order, when what READs wrote to other devices has arrived there. */
export class SendCompletions {
  private readonly qp: QueuePair;
  private readonly peers: PeerWrites;
  private readonly turns = new Turns();

  constructor(qp: QueuePair, peers: PeerWrites) {
    this.qp = qp;
    this.peers = peers;
  }

  add(work: SendWork, status: number): void {
    const told = this.turns.run(() => this.tell(work, status));
    this.qp.tasks.spawn(() => told);
  }

  /** Resolves when all are told. */
  told(): Promise<void> {
    return this.turns.run(async () => {});
  }

  private async tell(work: SendWork, ending: number): Promise<void> {
    const status = isRead(work) && ending === WorkStatus.success ? await this.arrived() : ending;
    if (status === WorkStatus.success && !work.signaled) return;
    const { read, write, send } = CompletionOpcode;
    // Its place among the completions is what counts here, not when it is written.
    void this.qp.params.sendCompletions.post({
      queuePair: this.qp.number,
      index: work.index,
      opcode: isRead(work) ? read : isWrite(work) ? write : send,
      status,
      bytes: isRead(work) && status === WorkStatus.success ? work.bytes : 0,
      immediate: 0,
      hasImmediate: 0,
      solicited: 0,
    });
    if (status !== ending) this.qp.fail(undefined);
  }

  private async arrived(): Promise<number> {
    try {
      await this.peers.arrived();
      return WorkStatus.success;
    } catch (error) {
      if (error instanceof DmaError) return WorkStatus.localOperation;
      throw error;
    }
  }
}
