import { decode } from '../../../layout.ts';
import { doorbellBase, doorbellOf, encodeCompletionDoorbell } from '../../../rdma/registers.ts';
import { CompletionOpcode, completion, completionBytes } from '../../../rdma/work.ts';
import type { RdmaDriver } from './driver.ts';

/** What a work completion is of. */
export type CompletionKind = 'send' | 'write' | 'read' | 'receive' | 'receive of a write';

const kinds: { readonly [opcode: number]: CompletionKind } = {
  [CompletionOpcode.send]: 'send',
  [CompletionOpcode.write]: 'write',
  [CompletionOpcode.read]: 'read',
  [CompletionOpcode.receive]: 'receive',
  [CompletionOpcode.receiveOfWrite]: 'receive of a write',
};

/** How a work request ended. */
export interface WorkCompletion {
  /** Of the work request. */
  readonly id: number;
  /** Number of its queue pair. */
  readonly queuePair: number;
  /** One of `WorkStatus`; `describeWorkStatus` says it in words. */
  readonly status: number;
  /** Says little if the status is not success. */
  readonly opcode: CompletionKind;
  /** That were received or read. */
  readonly bytes: number;
  readonly immediate?: number;
}

export interface CompletionQueueParams {
  readonly number: number;
  /** In host memory. */
  readonly base: bigint;
  readonly entries: number;
  readonly vector: number;
}

/** A completion queue. Completions are taken by `poll`, `wait`, or a handler; entries that nobody takes overrun it, and end its queue pairs. */
export class CompletionQueue {
  readonly number: number;
  readonly entries: number;
  readonly vector: number;
  /** In host memory. */
  readonly base: bigint;
  private readonly driver: RdmaDriver;
  private taken = 0;
  /** Number of the last request for an interrupt, and whether its interrupt has not come. */
  private request = 0;
  private armed: { readonly solicitedOnly: boolean } | undefined;
  private readonly waiters: (() => void)[] = [];
  private handler: ((completion: WorkCompletion) => void) | undefined;

  constructor(driver: RdmaDriver, params: CompletionQueueParams) {
    this.driver = driver;
    this.number = params.number;
    this.base = params.base;
    this.entries = params.entries;
    this.vector = params.vector;
  }

  /** Takes completions that are there, without waiting. */
  poll(most: number = Number.POSITIVE_INFINITY): WorkCompletion[] {
    const { found, taken } = this.take(most);
    if (taken > 0) this.ring();
    return found;
  }

  /** Takes completions; waits for an interrupt if there are none. @returns at least one. */
  async wait(): Promise<WorkCompletion[]> {
    for (;;) {
      const found = this.poll();
      if (found.length > 0) return found;
      const woken = new Promise<void>(resolve => this.waiters.push(resolve));
      this.arm(false);
      await woken;
    }
  }

  /** From now on gives every completion to a handler, as interrupts tell of them. It must not throw. */
  onCompletion(handler: (completion: WorkCompletion) => void): void {
    this.handler = handler;
    this.drain();
  }

  /** Asks for one interrupt, which ends `wait`: at the next completion, or the next solicited or failed one. */
  arm(solicitedOnly: boolean): void {
    if (this.armed) return;
    this.armed = { solicitedOnly };
    this.request = (this.request + 1) & 3;
    this.ring();
  }

  /** An interrupt of its vector, which may be for another queue as well. */
  interrupt(): void {
    if (!this.there()) return;
    this.armed = undefined;
    if (this.handler) this.drain();
    for (const waiter of this.waiters.splice(0)) waiter();
  }

  /** @throws RdmaError busy as long as queue pairs use it. */
  destroy(): Promise<void> {
    return this.driver.destroyCompletionQueue(this);
  }

  private drain(): void {
    const { handler } = this;
    for (let { found, taken } = this.take(64); taken > 0; { found, taken } = this.take(64))
      for (const each of found) handler?.(each);
    this.armed = undefined;
    this.arm(false);
  }

  /** Takes entries. Those of queue pairs that are gone mean nothing. */
  private take(most: number): { readonly found: WorkCompletion[]; readonly taken: number } {
    const found: WorkCompletion[] = [];
    let taken = 0;
    for (; taken < most && this.there(); taken++) {
      const entry = decode(completion, this.driver.platform.memory.read(this.slot(), completionBytes));
      this.taken++;
      const { queuePair, index, status, opcode, bytes, immediate, hasImmediate } = entry;
      const receives = opcode === CompletionOpcode.receive || opcode === CompletionOpcode.receiveOfWrite;
      const id = this.driver.queuePair(queuePair)?.ended(receives ? 'receives' : 'sends', index, status);
      if (id === undefined) continue;
      found.push({ id, queuePair, status, opcode: kinds[opcode] ?? 'send', bytes, ...(hasImmediate && { immediate }) });
    }
    return { found, taken };
  }

  private there(): boolean {
    const { phase } = decode({ phase: completion.phase }, this.driver.platform.memory.read(this.slot(), completionBytes));
    return phase === (Math.floor(this.taken / this.entries) % 2 === 0 ? 1 : 0);
  }

  private slot(): bigint {
    return this.base + BigInt((this.taken % this.entries) * completionBytes);
  }

  /** Tells how many were taken; a request for an interrupt that has not come is repeated. */
  private ring(): void {
    const { platform } = this.driver;
    const { armed, request, taken } = this;
    const value = encodeCompletionDoorbell({ taken, ...(armed && { arm: { request, ...armed } }) });
    platform.scheduler.spawn(`completion doorbell ${this.number} of ${platform.name}`, () =>
      platform.writeRegister(doorbellBase + 4 * doorbellOf.completions(this.number), value),
    );
  }
}
