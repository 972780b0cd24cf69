import type { Scheduler } from '../../ports.ts';
import { decodePacket, isResponse } from '../packet.ts';
import type { WireEnd } from '../wire.ts';
import { RemoteQueuePair } from './remote-queue-pair.ts';

export interface RemoteNicOptions {
  /** 1 MiB by default. */
  readonly memoryBytes?: number;
}

/** Memory of the remote end that the other side may reach by its key. */
export interface RemoteRegion {
  readonly address: number;
  readonly bytes: number;
  readonly remoteRead?: boolean;
  readonly remoteWrite?: boolean;
}

/**
 * The other end of a wire: another host and its network card in one, in software. It has memory of its own, whose addresses are byte offsets, and queue pairs of
 * reliable connections, written independently of the card's firmware. READs and WRITEs of the other side are served by themselves.
 */
export class RemoteNic {
  readonly memory: Uint8Array;
  readonly scheduler: Scheduler;
  readonly wire: WireEnd;
  private readonly regions = new Map<number, RemoteRegion>();
  private readonly queuePairs = new Map<number, RemoteQueuePair>();
  private nextKey = 0x1001;
  private nextNumber = 0x11;

  constructor(scheduler: Scheduler, wire: WireEnd, options: RemoteNicOptions = {}) {
    this.scheduler = scheduler;
    this.wire = wire;
    this.memory = new Uint8Array(options.memoryBytes ?? 1 << 20);
    scheduler.spawn('remote network card', () => this.receive());
  }

  /** Opens memory to the other side. @returns its key. @throws RangeError beyond the memory. */
  register(region: RemoteRegion): number {
    const { address, bytes } = region;
    if (address < 0 || bytes < 1 || address + bytes > this.memory.length)
      throw new RangeError(`${bytes} bytes at ${address} are not in the remote end's memory of ${this.memory.length} bytes`);
    const key = this.nextKey;
    this.nextKey += 0x101;
    this.regions.set(key, region);
    return key;
  }

  /** Closes it again. */
  unregister(key: number): void {
    this.regions.delete(key);
  }

  /** Where in the memory the other side may read or write. @returns nothing if the key does not allow it. */
  reach(key: number, address: bigint, bytes: number, access: 'remoteRead' | 'remoteWrite'): number | undefined {
    const region = this.regions.get(key);
    if (!region?.[access]) return undefined;
    const offset = address - BigInt(region.address);
    return offset >= 0n && offset + BigInt(bytes) <= BigInt(region.bytes) ? Number(address) : undefined;
  }

  createQueuePair(): RemoteQueuePair {
    const pair = new RemoteQueuePair(this, this.nextNumber++);
    this.queuePairs.set(pair.number, pair);
    return pair;
  }

  private async receive(): Promise<never> {
    for (;;) {
      const packet = decodePacket(await this.wire.receive());
      const pair = packet && this.queuePairs.get(packet.queuePair);
      if (!packet || !pair) continue;
      if (isResponse(packet.opcode)) pair.requester?.take(packet);
      else pair.responder?.take(packet);
    }
  }
}
