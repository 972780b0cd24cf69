import { RdmaFirmware, type RdmaOptions } from '../device/src/rdma/index.ts';
import type { DevicePlatform } from '../host/src/device-platform.ts';
import { HostMemoryPool } from '../host/src/host-memory-pool.ts';
import type { AddressRange } from '../host/src/pci-function.ts';
import {
  type CompletionQueue,
  type Connection,
  type ProtectionDomain,
  type QueuePair,
  type QueuePairOptions,
  RdmaDriver,
  type WorkCompletion,
} from '../host/src/rdma/index.ts';
import { RemoteNic, type RemoteQueuePair } from '../rdma/remote/index.ts';
import { Wire, type WireEnd, type WireOptions } from '../rdma/wire.ts';
import { doublePlatform } from './double-platform.ts';
import { type EndpointDoubleOptions, Memory, softwareScheduler } from './endpoint-double.ts';
import { RdmaDouble } from './rdma-double.ts';

export interface RdmaComputerOptions {
  readonly hardware?: Partial<EndpointDoubleOptions>;
  readonly firmware?: RdmaOptions;
  readonly wire?: WireOptions;
  /** Makes the card's end of the wire another one. */
  readonly end?: (end: WireEnd, on: RdmaComputer) => WireEnd;
}

/** A computer with a network card in software, and the remote end of its wire. */
export class RdmaComputer {
  readonly scheduler = softwareScheduler();
  readonly memory = new Memory(0x10_0000n, 16 << 20);
  /** Memory of another device. */
  readonly peer = new Memory(0x80_0000_0000n, 1 << 20);
  readonly pool = new HostMemoryPool({ base: this.memory.base, bytes: BigInt(this.memory.bytes.length) });
  readonly wire: Wire;
  readonly hardware: RdmaDouble;
  readonly platform: DevicePlatform;
  readonly remote: RemoteNic;
  /** Interrupts so far, by vector. */
  readonly interrupts = new Map<number, number>();

  constructor(options: RdmaComputerOptions = {}) {
    const { scheduler } = this;
    this.wire = new Wire(scheduler, options.wire);
    this.hardware = new RdmaDouble(scheduler, { reach: [this.memory, this.peer], ...options.hardware });
    this.platform = doublePlatform(this, {
      onInterrupt: vector => {
        this.interrupts.set(vector, (this.interrupts.get(vector) ?? 0) + 1);
        return true;
      },
    });
    const [end] = this.wire.ends;
    RdmaFirmware.start(this.hardware, options.end?.(end, this) ?? end, options.firmware);
    this.remote = new RemoteNic(scheduler, this.wire.ends[1]);
  }

  run<T>(main: () => Promise<T>): Promise<T> {
    return this.scheduler.run(main);
  }

  probe(): Promise<RdmaDriver> {
    return RdmaDriver.probe(this.platform, { timeoutCycles: 20_000 });
  }

  /** A driver with a queue pair that is connected to one of the remote end. */
  async pair(
    options: {
      readonly connection?: Partial<Connection>;
      readonly queues?: Partial<QueuePairOptions>;
      /** Entries of the completion queue; 256 by default. */
      readonly entries?: number;
    } = {},
  ): Promise<RdmaPair> {
    return connectedPair(await this.probe(), this.remote, options);
  }

  /** A buffer in host memory with this content. */
  buffer(data: Uint8Array, alignment = 64): AddressRange {
    const range = this.pool.allocate(data.length, alignment);
    this.memory.write(range.base, data);
    return range;
  }
}

/** A connection between a driver's queue pair and one of the remote end. */
export interface RdmaPair {
  readonly driver: RdmaDriver;
  readonly domain: ProtectionDomain;
  readonly completions: CompletionQueue;
  readonly local: QueuePair;
  readonly remote: RemoteQueuePair;
}

/** Makes all that a connection needs, and connects both sides. */
export async function connectedPair(
  driver: RdmaDriver,
  nic: RemoteNic,
  options: {
    readonly connection?: Partial<Connection>;
    readonly queues?: Partial<QueuePairOptions>;
    readonly entries?: number;
  } = {},
): Promise<RdmaPair> {
  const { connection = {}, queues = {}, entries = 256 } = options;
  const domain = await driver.allocateProtectionDomain();
  const completions = await driver.createCompletionQueue({ entries });
  const local = await domain.createQueuePair({ sendQueue: completions, receiveQueue: completions, ...queues });
  const remote = nic.createQueuePair();
  const { mtu = 1024, sendPsn = 0, receivePsn = 0 } = connection;
  await local.connect({ remote: remote.number, ...connection });
  remote.connect({ remote: local.number, mtu, sendPsn: receivePsn, receivePsn: sendPsn });
  return { driver, domain, completions, local, remote };
}

/** The next `count` completions of a queue. */
export async function completionsOf(queue: CompletionQueue, count: number): Promise<WorkCompletion[]> {
  const found: WorkCompletion[] = [];
  while (found.length < count) found.push(...(await queue.wait()));
  return found;
}
