import { doorbellBase } from '../../../rdma/registers.ts';
import { Turns } from '../../../semaphore.ts';
import type { DevicePlatform } from '../device-platform.ts';
import { HostError } from '../host-error.ts';

export interface WorkRingParams {
  readonly base: bigint;
  readonly entries: number;
  readonly entryBytes: number;
  /** It lies in host memory, or else in a BAR. */
  readonly inHost: boolean;
  /** Number of its doorbell. */
  readonly doorbell: number;
}

/** A request's entry, made when its number is known. */
export interface Posting {
  readonly id: number;
  encode(index: number): Uint8Array;
}

/** A ring of work requests as the driver sees it: it remembers their identifiers, and which entries are free. */
export class WorkRing {
  private readonly platform: DevicePlatform;
  private readonly params: WorkRingParams;
  private readonly turns = new Turns();
  private readonly ids: number[] = [];
  /** Requests so far, and those of them whose entries are free again. */
  private posted = 0;
  private freed = 0;

  constructor(platform: DevicePlatform, params: WorkRingParams) {
    this.platform = platform;
    this.params = params;
  }

  /** Requests that have not ended, as far as completions told. */
  get outstanding(): number {
    return this.posted - this.freed;
  }

  /** Posts requests together. Resolves when the doorbell is on its way. @throws HostError if there is no room; none is posted then. */
  post(what: string, postings: readonly Posting[]): Promise<void> {
    const { entries, entryBytes, base, inHost, doorbell } = this.params;
    if (this.outstanding + postings.length > entries)
      return Promise.reject(
        new HostError(`${what}: ${this.outstanding} of ${entries} entries are in use; ask for completions, and take them`),
      );
    const writes = postings.map(({ id, encode }) => {
      const slot = this.posted % entries;
      const data = encode(this.posted & 0xffff);
      this.ids[slot] = id;
      this.posted++;
      return { address: base + BigInt(slot * entryBytes), data };
    });
    const { posted, platform } = this;
    return this.turns.run(async () => {
      for (const { address, data } of writes) {
        if (inHost) platform.memory.write(address, data);
        else await platform.writeBar(address, data);
      }
      await platform.writeRegister(doorbellBase + 4 * doorbell, posted & 0xffff);
    });
  }

  /** A request has ended, and with it all before it. @returns its identifier; nothing if there is no such request. */
  ended(index: number): number | undefined {
    const number = this.freed + ((index - this.freed) & 0xffff);
    if (number >= this.posted) return undefined;
    this.freed = number + 1;
    return this.ids[number % this.params.entries];
  }

  /** The device has forgotten all. */
  reset(): void {
    this.posted = 0;
    this.freed = 0;
  }
}
