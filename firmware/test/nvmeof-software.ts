import type { Scheduler } from '../../sim/testbench/src/scheduler.ts';
import { HostError } from '../host/src/host-error.ts';
import { HostMemoryPool } from '../host/src/host-memory-pool.ts';
import {
  type InitiatorBuffer,
  type InitiatorConnection,
  type InitiatorNetwork,
  NvmeOfTarget,
  type TargetConnection,
  type TargetDevice,
  type TargetMachine,
  type TargetOptions,
} from '../host/src/nvmeof/index.ts';
import {
  type DmaClient,
  mapScatterList,
  NamespaceMemory,
  P2pBus,
  PhysicalMemory,
  type Piece,
  type Provider,
  ProviderRegistry,
  unmapScatterList,
} from '../host/src/p2pdma/index.ts';
import type { AddressRange } from '../host/src/pci-function.ts';
import { softwareScheduler } from './nvme-double.ts';
import { barAt, client, KiB, t1, there } from './p2pdma-bench.ts';

/** A computer without hardware: what is written to an address is read there, and who touched which address is noted. */

const ram: AddressRange = { base: 0x10_0000n, bytes: 1024n * KiB };
const barBase = 0x9000_0000n;
const cyclesOfStep = 10;

/** Who accessed what. */
export interface Access {
  readonly by: string;
  readonly way: 'read' | 'write';
  readonly address: bigint;
  readonly bytes: number;
}

/** Messages between two programs. */
class Pipe {
  private readonly messages: Uint8Array[] = [];
  private waiting: ((message: Uint8Array | undefined) => void) | undefined;
  private closed = false;

  put(message: Uint8Array): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting) waiting(message);
    else this.messages.push(message);
  }
  take(): Promise<Uint8Array | undefined> {
    const message = this.messages.shift();
    if (message || this.closed) return Promise.resolve(message);
    return new Promise(resolve => {
      this.waiting = resolve;
    });
  }
  close(): void {
    this.closed = true;
    this.waiting?.(undefined);
  }
}

/** A block device in memory, whose data goes through the computer's addresses. */
export class SoftwareDrive implements TargetDevice {
  readonly blocks: number;
  readonly blockBytes = 512;
  readonly bytes: Uint8Array;
  flushes = 0;
  /** Thrown by the next access. */
  failure: Error | undefined;
  private readonly on: SoftwareTarget;
  private readonly name: string;

  constructor(on: SoftwareTarget, name: string, blocks: number) {
    this.on = on;
    this.name = name;
    this.blocks = blocks;
    this.bytes = new Uint8Array(blocks * this.blockBytes);
  }

  async read(start: number, data: readonly AddressRange[]): Promise<void> {
    await this.step();
    let at = start * this.blockBytes;
    for (const { base, bytes } of data) {
      this.on.store(this.name, base, this.bytes.subarray(at, at + Number(bytes)));
      at += Number(bytes);
    }
  }
  async write(start: number, data: readonly AddressRange[]): Promise<void> {
    await this.step();
    let at = start * this.blockBytes;
    for (const { base, bytes } of data) {
      this.bytes.set(this.on.load(this.name, base, Number(bytes)), at);
      at += Number(bytes);
    }
  }
  async writeZeroes({ start, count }: { readonly start: number; readonly count: number }): Promise<void> {
    await this.step();
    this.bytes.fill(0, start * this.blockBytes, (start + count) * this.blockBytes);
  }
  async flush(): Promise<void> {
    await this.step();
    this.flushes++;
  }

  private async step(): Promise<void> {
    await this.on.scheduler.delay(cyclesOfStep);
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
  }
}

/** A target on such a computer: the standard topology with a NIC, two drives, of which the second provides memory, and a card. */
export class SoftwareTarget {
  readonly scheduler: Scheduler;
  readonly target: NvmeOfTarget;
  readonly drives: readonly SoftwareDrive[];
  readonly namespaces: readonly NamespaceMemory[];
  readonly registry = new ProviderRegistry();
  readonly bus = new P2pBus();
  readonly providers: { readonly nvme1: Provider; readonly card: Provider };
  readonly accesses: Access[] = [];
  readonly pool = new HostMemoryPool(ram);
  /** Faults of the network: the next fetch fails. */
  breakFetch = false;
  readonly connections: SoftwareTargetEnd[] = [];
  readonly network: InitiatorNetwork;
  readonly machine: TargetMachine;
  private readonly memory = new PhysicalMemory([ram]);
  private readonly bytes = new Map<bigint, number>();
  private readonly nic: DmaClient;
  private readonly clients: readonly DmaClient[];

  constructor(options: TargetOptions = {}) {
    this.scheduler = softwareScheduler();
    const nodes = t1();
    this.nic = client(nodes.nic);
    const provide = (device: (typeof nodes)['card'], base: bigint) => {
      const { provider } = this.registry.register({ device, memory: this.memory, bars: [barAt(base, 16n * KiB)] });
      provider.addResource(2);
      provider.publish(true);
      return provider;
    };
    this.providers = { nvme1: provide(nodes.nvme1, barBase), card: provide(nodes.card, barBase + 64n * KiB) };
    this.machine = this.machineOf();
    this.target = new NvmeOfTarget(this.machine, options);
    this.drives = [new SoftwareDrive(this, 'nvme0', 256), new SoftwareDrive(this, 'nvme1', 512)];
    this.clients = [nodes.nvme0, nodes.nvme1].map(node => client(node));
    const shared = { registry: this.registry, bus: this.bus, system: this.machine.system, choose: () => 0 };
    this.namespaces = this.clients.map(each => new NamespaceMemory(shared, { client: each, peers: true }));
    this.network = { scheduler: this.scheduler, connect: async ({ capsuleBytes }) => this.connect(capsuleBytes) };
  }

  /** Switches the namespaces on with these settings. */
  start(...settings: readonly string[]): void {
    for (const [i, device] of this.drives.entries()) {
      const memory = there(this.namespaces[i]);
      memory.p2pmem = settings[i] ?? '0';
      this.target.add({ id: i + 1, device, client: there(this.clients[i]), memory });
    }
  }

  /** Stores bytes for somebody, and notes it. */
  store(by: string, address: bigint, data: Uint8Array): void {
    this.accesses.push({ by, way: 'write', address, bytes: data.length });
    for (const [i, byte] of data.entries()) this.bytes.set(address + BigInt(i), byte);
  }
  load(by: string, address: bigint, bytes: number): Uint8Array {
    this.accesses.push({ by, way: 'read', address, bytes });
    return Uint8Array.from({ length: bytes }, (_, i) => this.bytes.get(address + BigInt(i)) ?? 0);
  }
  isRam(address: bigint): boolean {
    return this.memory.isRam(address);
  }

  private machineOf(): TargetMachine {
    const { pool } = this;
    const used = new Map<bigint, AddressRange>();
    return {
      host: {
        scheduler: this.scheduler,
        readMemory: (address, bytes) => this.load('processor', address, bytes),
        writeMemory: (address, data) => this.store('processor', address, data),
      },
      system: {
        alloc: bytes => {
          const range = pool.allocate(bytes, 4096);
          used.set(range.base, range);
          return range.base;
        },
        free: cpu => pool.release(there(used.get(cpu))),
      },
      map: (of, buffer, direction) => {
        const mapped = mapScatterList({ memory: this.memory, bus: this.bus }, of, [buffer], direction);
        return {
          ranges: mapped.map(({ dma, bytes }) => ({ base: dma, bytes })),
          unmap: () => unmapScatterList(of, mapped),
        };
      },
    };
  }

  private connect(capsuleBytes: number): InitiatorConnection {
    const there = new Pipe();
    const back = new Pipe();
    const remote = new Map<number, Uint8Array>();
    const end = new SoftwareTargetEnd(this, this.nic, { there, back, remote, capsuleBytes });
    this.connections.push(end);
    this.target.accept(end);
    let next = 1;
    return {
      send: async message => {
        await this.scheduler.delay(cyclesOfStep);
        there.put(message);
      },
      receive: () => back.take(),
      buffer: (bytes): InitiatorBuffer => {
        const key = next++;
        const data = new Uint8Array(bytes);
        remote.set(key, data);
        return {
          address: 0x100n,
          key,
          bytes,
          read: () => data.slice(),
          write: given => data.set(given),
          release: () => void remote.delete(key),
        };
      },
      close: () => {
        there.close();
        back.close();
      },
    };
  }
}

/** The target's end of such a connection. */
export class SoftwareTargetEnd implements TargetConnection {
  readonly network: DmaClient;
  /** Memory that was prepared. */
  readonly prepared: Piece[] = [];
  private readonly on: SoftwareTarget;
  private readonly of: {
    readonly there: Pipe;
    readonly back: Pipe;
    readonly remote: Map<number, Uint8Array>;
    readonly capsuleBytes: number;
  };

  constructor(on: SoftwareTarget, network: DmaClient, of: SoftwareTargetEnd['of']) {
    this.on = on;
    this.network = network;
    this.of = of;
  }

  async receive() {
    const bytes = await this.of.there.take();
    if (!bytes) return undefined;
    if (bytes.length > this.of.capsuleBytes) throw new HostError('the capsule is too long');
    const range = this.on.pool.allocate(Math.max(bytes.length, 64), 64);
    this.on.store('nic', range.base, bytes);
    return {
      bytes,
      ...(bytes.length > 64 && { data: { cpu: range.base + 64n, bytes: BigInt(bytes.length - 64) } }),
      release: async () => this.on.pool.release(range),
    };
  }

  async fetch(from: { readonly address: bigint; readonly key: number; readonly bytes: number }, to: Piece): Promise<void> {
    await this.on.scheduler.delay(cyclesOfStep);
    if (this.on.breakFetch) {
      this.on.breakFetch = false;
      throw new HostError('the network failed');
    }
    const data = this.of.remote.get(from.key);
    if (!data) throw new HostError('there is no such key');
    this.on.store('nic', this.bus(to), data.subarray(0, from.bytes));
  }

  async respond(capsule: Uint8Array, data?: { readonly from: Piece; readonly to: { readonly key: number } }): Promise<void> {
    await this.on.scheduler.delay(cyclesOfStep);
    if (data) {
      const target = this.of.remote.get(data.to.key);
      if (!target) throw new HostError('there is no such key');
      target.set(this.on.load('nic', this.bus(data.from), Number(data.from.bytes)));
    }
    this.of.back.put(capsule);
  }

  async prepare(memory: Piece): Promise<void> {
    this.prepared.push(memory);
  }

  async close(): Promise<void> {
    this.of.there.close();
    this.of.back.close();
  }

  private bus(piece: Piece): bigint {
    const mapped = this.on.machine.map(this.network, piece);
    return there(mapped.ranges[0]).base;
  }
}
