import type { Computer } from '../computer.ts';
import type { DmaClient, Pagemap, Piece } from '../p2pdma/index.ts';
import type { AddressRange } from '../pci-function.ts';
import type { MemoryRegion, ProtectionDomain, RdmaDriver, ScatterEntry } from '../rdma/index.ts';
import type { TargetConnection } from './connection.ts';
import { commandCapsuleBytes } from './protocol.ts';
import { RdmaConnection } from './rdma-connection.ts';

/** What two ends agree on before they talk. On a network the connection manager carries it, beside the queue pairs. */
export interface QueueOffer {
  /** The remote end's queue pair. */
  readonly remote: number;
  /** Entries of the queue. */
  readonly entries: number;
  /** Bytes of a command capsule with its data, at the most. */
  readonly capsuleBytes: number;
  /** The target's end has gone: nothing more comes. */
  readonly ended: () => void;
}

/** What the target answers. */
export interface QueueAnswer {
  readonly queuePair: number;
  /** The remote end goes. */
  disconnect(): Promise<void>;
}

/** Largest packet on the wire. */
const mtu = 4096;

/** The part of a network card that a storage target uses: connections of remote hosts, and memory that requests may use. */
export class RdmaPort {
  readonly network: DmaClient;
  private readonly computer: Computer;
  private readonly nic: RdmaDriver;
  private readonly domain: ProtectionDomain;
  private readonly accept: (connection: TargetConnection) => void;
  private readonly regions = new Map<Pagemap, Promise<MemoryRegion>>();
  private readonly ram: MemoryRegion;
  private next = 0;

  private constructor(of: {
    readonly computer: Computer;
    readonly nic: RdmaDriver;
    readonly network: DmaClient;
    readonly domain: ProtectionDomain;
    readonly ram: MemoryRegion;
    readonly accept: (connection: TargetConnection) => void;
  }) {
    this.computer = of.computer;
    this.nic = of.nic;
    this.network = of.network;
    this.domain = of.domain;
    this.ram = of.ram;
    this.accept = of.accept;
  }

  /** Opens a card; `accept` gets every connection that is made. @throws HostError if the card refuses. */
  static async open(
    computer: Computer,
    nic: RdmaDriver,
    network: DmaClient,
    accept: (connection: TargetConnection) => void,
  ): Promise<RdmaPort> {
    const domain = await nic.allocateProtectionDomain();
    const ram = await domain.registerMemory({ ranges: [computer.host.data.range], access: { localWrite: true } });
    return new RdmaPort({ computer, nic, network, domain, ram, accept });
  }

  /** Makes a queue pair for a remote host and connects it. @throws HostError if the card has no more. */
  async connect({ remote, entries, capsuleBytes, ended }: QueueOffer): Promise<QueueAnswer> {
    const receiveEntries = powerOfTwo(entries);
    // A command has a READ, or a WRITE and a SEND at the most.
    const sendEntries = powerOfTwo(2 * entries);
    const { vectors } = this.nic.platform;
    // The first vector is for the card's events.
    const vector = vectors > 1 ? 1 + (this.next++ % (vectors - 1)) : 0;
    const completions = await this.nic.createCompletionQueue({ entries: powerOfTwo(receiveEntries + sendEntries), vector });
    const pair = await this.domain.createQueuePair({
      sendQueue: completions,
      receiveQueue: completions,
      sendEntries,
      receiveEntries,
      inlineBytes: 16,
    });
    await pair.connect({ remote, mtu });
    const slotBytes = Math.max(capsuleBytes, commandCapsuleBytes);
    const slots = this.nic.platform.memory.allocate(entries * slotBytes, 4096);
    const connection = new RdmaConnection(this, { pair, slots, slotBytes, entries, ended });
    completions.onCompletion(completion => connection.completed(completion));
    await connection.start();
    this.accept(connection);
    const disconnect = async () => {
      await connection.close();
      await pair.destroy();
      await completions.destroy();
      this.nic.platform.memory.release(slots);
    };
    return { queuePair: pair.number, disconnect };
  }

  /** Memory of a capsule. */
  read({ base, bytes }: AddressRange): Uint8Array {
    return this.computer.host.readMemory(base, Number(bytes));
  }

  /** A buffer as work requests name it: RAM, or a peer's memory as the card reaches it. @throws Errno if it cannot. */
  async entry({ cpu, bytes }: Piece): Promise<ScatterEntry> {
    const pagemap = this.computer.memory.find(cpu);
    if (!pagemap) return this.ram.entry(Number(cpu - this.computer.host.data.range.base), Number(bytes));
    const known = this.regions.get(pagemap) ?? this.register(pagemap);
    this.regions.set(pagemap, known);
    return (await known).entry(Number(cpu - pagemap.cpu), Number(bytes));
  }

  /** All of a provider's memory at once, so that requests register nothing. */
  private register(pagemap: Pagemap): Promise<MemoryRegion> {
    const { ranges } = this.computer.map(this.network, pagemap);
    const peer = pagemap.device !== this.network.pci;
    const region = this.domain.registerMemory({ ranges, access: { localWrite: true }, peer });
    this.computer.registry.of(pagemap.device)?.hold({ unmap: () => this.forget(pagemap, region) });
    return region;
  }

  /** The card may not reach memory that has gone. */
  private forget(pagemap: Pagemap, region: Promise<MemoryRegion>): void {
    this.regions.delete(pagemap);
    this.nic.platform.scheduler.spawn('deregistration of memory that has gone', async () => (await region).deregister());
  }
}

const powerOfTwo = (least: number): number => 2 ** Math.ceil(Math.log2(Math.max(2, least)));
