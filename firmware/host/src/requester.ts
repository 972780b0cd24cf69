import { completionOf, configTarget, type Packet, packetClass, packetName, Status, type Transaction } from '@hdl/pcie-rtl';
import type { RootPort, Scheduler } from '../../ports.ts';
import { Pool } from '../../semaphore.ts';
import { Deadlines } from './deadlines.ts';
import { HostError } from './host-error.ts';
import { formatBdf } from './pci-function.ts';

/** How the host's root port sends requests. */
export interface RequesterOptions {
  /** Non-posted requests that may be outstanding; at most the topology's `root_tags`. 64 by default. */
  readonly tags?: number;
  /** Simulated cycles after which a request without completion is an error (C59). 50,000 by default: 100 us at 500 MHz. */
  readonly timeoutCycles?: number;
}

/** What came back for a request. */
export interface Answer {
  readonly status: number;
  /** The payloads of all its completions, one behind the other: whole DW. */
  readonly data: Uint8Array;
}

/** A request that is outstanding. */
interface Outstanding {
  readonly data: Uint8Array[];
  readonly resolve: (answer: Answer) => void;
}

/** Bus 0, device 0, function 0: the root complex. */
const hostId = 0x0000;

/**
 * The host as a requester: gives tags, sends requests at the root port, and matches completions with them (2.2.6.2, 2.3.2). One reader takes
 * everything that the root port receives; requests that come up go to the handlers of `onRequest`.
 */
export class Requester {
  /** Completions that belong to no request: dropped and counted (C58). */
  unexpected = 0;
  private readonly root: RootPort;
  private readonly deadlines: Deadlines;
  private readonly tags: Pool<number>;
  private readonly outstanding = new Map<number, Outstanding>();
  private readonly handlers: ((packet: Packet) => void)[] = [];

  /** @throws HostError for options that make no sense. */
  constructor(root: RootPort, scheduler: Scheduler, options: RequesterOptions = {}) {
    const { tags = 64, timeoutCycles = 50_000 } = options;
    if (!Number.isInteger(tags) || tags < 1 || tags > 1024) throw new HostError(`the host can have 1 to 1024 tags, not ${tags}`);
    this.root = root;
    this.deadlines = new Deadlines(scheduler, timeoutCycles);
    this.tags = new Pool(Array.from({ length: tags }, (_, tag) => tag));
    scheduler.spawn('host receiver', () => this.receive());
  }

  /** Calls `handler` for every request that reaches the root port and is not for the host's memory. */
  onRequest(handler: (packet: Packet) => void): void {
    this.handlers.push(handler);
  }

  /** Sends a posted request. Resolves when the root port has taken it. */
  async post(build: (from: Transaction) => Packet): Promise<void> {
    await this.root.send(build({ requester_id: hostId, tag: 0 }));
  }

  /**
   * Sends a non-posted request and waits for all its completions. A tag whose request timed out is not used again, so that a late completion
   * cannot answer another request. @throws HostError when no completion came in `timeoutCycles`.
   */
  async request(build: (from: Transaction) => Packet): Promise<Answer> {
    const tag = await this.tags.acquire();
    const packet = build({ requester_id: hostId, tag });
    const answer = new Promise<Answer>(resolve => this.outstanding.set(tag, { data: [], resolve }));
    await this.root.send(packet);
    const result = await this.deadlines.within(answer);
    this.outstanding.delete(tag);
    if (!result)
      throw new HostError(
        `no completion came for the ${packetName(packet)} to ${targetText(packet)} in ${this.deadlines.cycles} cycles: the device, or a port on the way, swallowed it`,
      );
    this.tags.release(tag);
    return result;
  }

  private async receive(): Promise<void> {
    for (;;) {
      const packet = await this.root.receive();
      if (packetClass(packet) === 'completion') this.complete(packet);
      else for (const handler of this.handlers) handler(packet);
    }
  }

  private complete(packet: Packet): void {
    const request = this.outstanding.get(packet.tag);
    if (!request || packet.requester_id !== hostId) {
      this.unexpected++;
      return;
    }
    const { status, byte_count, lower_address } = completionOf(packet);
    request.data.push(packet.payload);
    const all = packet.payload.length === 0 || byte_count <= packet.payload.length - (lower_address & 3);
    if (all || status !== Status.success) request.resolve({ status, data: Buffer.concat(request.data) });
  }
}

/** Where a request goes, for people. */
function targetText(packet: Packet): string {
  if (packetName(packet).startsWith('Cfg')) {
    const { register, ...bdf } = configTarget(packet);
    return `register 0x${(4 * register).toString(16)} of ${formatBdf(bdf)}`;
  }
  return `0x${packet.address.toString(16)}`;
}
