import { decode, store } from '../../../layout.ts';
import { type Completion, commandBytes, commonCommand, completion, completionBytes } from '../../../nvme/commands.ts';
import { doorbellBase, doorbellOf } from '../../../nvme/registers.ts';
import { Pool, Turns } from '../../../semaphore.ts';
import { HostError } from '../host-error.ts';
import type { NvmePlatform } from './platform.ts';

/** A command on its way. */
export interface Submitted {
  readonly identifier: number;
  /** Resolves with the completion; rejects with `ResetError` if the controller is reset before. */
  readonly ended: Promise<Completion>;
}

/** The controller was reset while a command was on its way. */
export class ResetError extends HostError {}

export interface QueuePairParams {
  readonly id: number;
  /** Entries of both queues. */
  readonly size: number;
  readonly submission: bigint;
  /** The submission queue lies in the controller's memory. */
  readonly inController: boolean;
  /** In host memory. */
  readonly completion: bigint;
  /** Bytes from one doorbell to the next. */
  readonly doorbellStride: number;
}

interface InFlight {
  readonly resolve: (completion: Completion) => void;
  readonly reject: (error: Error) => void;
}

/** A submission queue and its completion queue (NVMe 1.4 section 4.1). One entry stays free, so as many commands as entries less one may be on their way. */
export class QueuePair {
  readonly id: number;
  readonly size: number;
  /** Completions for commands that nobody waits for: the controller's error. */
  spurious = 0;
  private readonly platform: NvmePlatform;
  private readonly params: QueuePairParams;
  private readonly identifiers: Pool<number>;
  private readonly submitTurns = new Turns();
  private readonly inFlight = new Map<number, InFlight>();
  private tail = 0;
  private head = 0;
  private phase = 1;
  private down: ResetError | undefined;

  constructor(platform: NvmePlatform, params: QueuePairParams) {
    this.platform = platform;
    this.params = params;
    this.id = params.id;
    this.size = params.size;
    this.identifiers = new Pool(Array.from({ length: params.size - 1 }, (_, i) => i));
    platform.memory.write(params.completion, new Uint8Array(params.size * completionBytes));
  }

  /** Commands on their way. */
  get outstanding(): number {
    return this.inFlight.size;
  }

  /** Submits a command of 64 bytes, whose identifier is given here; waits for a free entry. @throws ResetError. */
  async submit(command: Uint8Array): Promise<Submitted> {
    const identifier = await this.identifiers.acquire();
    if (this.down) {
      this.identifiers.release(identifier);
      throw this.down;
    }
    const entry = command.slice();
    store(commonCommand, entry, { identifier });
    const ended = new Promise<Completion>((resolve, reject) => this.inFlight.set(identifier, { resolve, reject }));
    ended.catch(() => {});
    await this.submitTurns.run(() => this.put(entry));
    return { identifier, ended };
  }

  /** The interrupt handler: takes the completions that have come. @returns how many. */
  interrupt(): number {
    let taken = 0;
    for (let entry = this.next(); entry; entry = this.next()) {
      taken++;
      const waiting = this.inFlight.get(entry.identifier);
      if (!waiting || entry.queue !== this.id) {
        this.spurious++;
        continue;
      }
      this.inFlight.delete(entry.identifier);
      this.identifiers.release(entry.identifier);
      waiting.resolve(entry);
    }
    if (taken > 0 && !this.down) {
      const { head } = this;
      this.platform.scheduler.spawn(`completion doorbell ${this.id} of ${this.platform.name}`, () =>
        this.platform.writeRegister(this.doorbell(doorbellOf.completion(this.id)), head),
      );
    }
    return taken;
  }

  /** Takes the queues out of use: commands on their way are rejected, and so are new ones. */
  shut(): void {
    this.down ??= new ResetError(`${this.platform.name}: queue ${this.id} went down as the controller was reset`);
    for (const [identifier, { reject }] of this.inFlight) {
      this.inFlight.delete(identifier);
      this.identifiers.release(identifier);
      reject(this.down);
    }
  }

  private async put(entry: Uint8Array): Promise<void> {
    const { submission, inController } = this.params;
    const address = submission + BigInt(this.tail * commandBytes);
    if (inController) await this.platform.writeBar(address, entry);
    else this.platform.memory.write(address, entry);
    this.tail = (this.tail + 1) % this.size;
    if (!this.down) await this.platform.writeRegister(this.doorbell(doorbellOf.submission(this.id)), this.tail);
  }

  private next(): Completion | undefined {
    const address = this.params.completion + BigInt(this.head * completionBytes);
    const entry = decode(completion, this.platform.memory.read(address, completionBytes));
    if (entry.phase !== this.phase) return undefined;
    this.head = (this.head + 1) % this.size;
    if (this.head === 0) this.phase ^= 1;
    return entry;
  }

  private doorbell(index: number): number {
    return doorbellBase + index * this.params.doorbellStride;
  }
}
