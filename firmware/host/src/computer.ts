import type { RootPort, Scheduler } from '../../ports.ts';
import { Turns } from '../../semaphore.ts';
import { GpuDriver, type GpuDriverOptions } from './gpu/index.ts';
import { Host, type HostOptions } from './host.ts';
import { HostError } from './host-error.ts';
import { HostMemoryPool } from './host-memory-pool.ts';
import { hostPlatform } from './host-platform.ts';
import { NvmeDriver, type NvmeDriverOptions } from './nvme/index.ts';
import {
  type DataBuffer,
  type Direction,
  type DmaClient,
  identityDma,
  type MappedPiece,
  mapScatterList,
  P2pBus,
  PhysicalMemory,
  type Platform,
  type Provider,
  type ProviderForm,
  ProviderRegistry,
  type SystemMemory,
  unmapScatterList,
} from './p2pdma/index.ts';
import {
  type BringUpOptions,
  barRanges,
  type Domain,
  type DomainApertures,
  type DomainSetup,
  type ErrorMessage,
  type ErrorReport,
  enableErrorReporting,
  errorMessage,
  functionReset,
  hotAdd,
  hotRemove,
  Machine,
  P2pTree,
  type PciDevice,
  takeErrors,
} from './pci/index.ts';
import { type AddressRange, type PciFunction, routingId } from './pci-function.ts';
import { RdmaDriver, type RdmaDriverOptions } from './rdma/index.ts';

export interface ComputerOptions extends BringUpOptions, HostOptions {
  /** Where BARs may be; below 4 GiB from 0xd0000000 and above from 576 GiB without. Several root ports share it. */
  readonly apertures?: DomainApertures;
  /** What is known about the machine beside its tree: which host bridges forward, and how distances are judged. */
  readonly platform?: Platform;
  /** Providers as state of their functions, or as devices of their own. */
  readonly form?: ProviderForm;
}

const defaultApertures: DomainApertures = {
  memory: { base: 0xd000_0000n, bytes: 0x1000_0000n },
  prefetchable: { base: 0x90_0000_0000n, bytes: 1n << 40n },
};

const pageBytes = 4096n;

/** The room of one of several root ports: equal parts, in whole pages of 1 MiB. */
function share(all: DomainApertures, port: number, ports: number): DomainApertures {
  if (ports === 1) return all;
  const { memory, prefetchable, io } = all;
  const part = ({ base, bytes }: AddressRange): AddressRange => {
    const each = (bytes / BigInt(ports)) & ~0xf_ffffn;
    return { base: base + BigInt(port) * each, bytes: each };
  };
  return { memory: part(memory), ...(prefetchable && { prefetchable: part(prefetchable) }), ...(io && port === 0 && { io }) };
}

/** A buffer as a client's requests reach it. */
export interface MappedBuffer {
  /** What the client's driver gives to its device. */
  readonly ranges: readonly AddressRange[];
  /** Takes the mapping back. */
  unmap(): void;
}

/**
 * A computer as an operating system runs it: the PCI core has brought the fabric up, and the peer-to-peer core knows its functions, its memory and what they
 * provide. Devices are taken into use with `nvme` and `rdma`; addresses for their devices come from `map`.
 */
export class Computer {
  readonly host: Host;
  readonly machine: Machine;
  readonly tree: P2pTree;
  readonly bus: P2pBus;
  readonly memory: PhysicalMemory;
  readonly registry: ProviderRegistry;
  readonly system: SystemBuffers;
  /** Where `system` takes its buffers from: the upper half of the memory for data. */
  readonly buffers: AddressRange;
  /** What functions reported since `reportErrors`, in order. */
  readonly errors: ErrorReport[] = [];
  private readonly clients = new Map<PciDevice, DmaClient>();
  private readonly errorTurns = new Turns();
  private reporting = false;

  private constructor(host: Host, machine: Machine, tree: P2pTree, options: ComputerOptions) {
    this.host = host;
    this.machine = machine;
    this.tree = tree;
    this.bus = new P2pBus(options.platform);
    this.memory = new PhysicalMemory([host.control.range, host.data.range]);
    this.registry = new ProviderRegistry(options.form);
    const { base, bytes } = host.data.range;
    const half = (bytes / 2n / pageBytes) * pageBytes;
    this.buffers = host.data.take({ base: base + bytes - half, bytes: half });
    this.system = systemMemory(this.buffers);
    host.requester.onRequest(packet => this.heard(errorMessage(packet)));
  }

  /**
   * Starts it: finds all functions, gives them addresses, payload limits and access control. What is below a root port is a domain of its own; where there are several, peers in two of them
   * need one payload limit, which is `peer2peer` then. @throws HostError as `Machine.bringUp`, where nothing answers, and where domains have different limits.
   */
  static async boot(
    at: { readonly root: RootPort; readonly scheduler: Scheduler },
    options: ComputerOptions = {},
  ): Promise<Computer> {
    const host = new Host(at, options);
    // Milliseconds that hardware is waited for; what is simulated is ready earlier, so a microsecond stands for each.
    const clock = { sleep: (milliseconds: number) => at.scheduler.delay(milliseconds * 250) };
    const setups = host.config.buses.map(({ first, last }, number): DomainSetup => {
      const domain: Domain = { number, config: host.config, clock, bus: first, lastBus: last, starts: 'link' };
      const apertures = share(options.apertures ?? defaultApertures, number, at.root.ports);
      const windows = [apertures.memory, ...(apertures.prefetchable ? [apertures.prefetchable] : [])];
      at.root.describe(number, { windows, buses: { first, last } });
      return { domain, apertures };
    });
    const payload = at.root.ports > 1 ? 'peer2peer' : 'safe';
    const machine = await Machine.bringUp(setups, { payload, ...options });
    const limits = await Promise.all(
      machine.domains.map(({ devices: [first], domain }) => {
        if (!first) throw new HostError(`nothing answers at root port ${domain.number}: there is no device 0 at its link`);
        return first.payload();
      }),
    );
    const [limit = 128, ...others] = limits;
    if (others.some(other => other !== limit))
      throw new HostError(
        `the functions below the root ports have payload limits of ${limits.join(', ')} bytes: bring them up with the policy peer2peer`,
      );
    at.root.setMaxPayload(limit);
    return new Computer(host, machine, await P2pTree.of(machine.domains), options);
  }

  /** All functions that are no bridges, in the order of their numbers. */
  get endpoints(): readonly PciDevice[] {
    return this.machine.devices.filter(({ bridge }) => !bridge);
  }

  /** A function as one that reaches others' memory; always the same one, so that what is known about it stays known. */
  client(device: PciDevice): DmaClient {
    const known = this.clients.get(device);
    if (known) return known;
    const client: DmaClient = { name: device.name, pci: this.tree.node(device), dma: identityDma };
    this.clients.set(device, client);
    return client;
  }

  /** Makes a function a provider, whose driver says which part of its BARs is memory for peers. @throws Errno EBUSY if it is one. */
  provide(device: PciDevice): Provider {
    const parts = { device: this.tree.node(device), memory: this.memory, bars: barRanges(device) };
    return this.registry.register(parts).provider;
  }

  /** Takes an NVMe controller into use; its memory buffer becomes memory for peers. @throws HostError as `NvmeDriver.probe`. */
  async nvme(device: PciDevice, options: NvmeDriverOptions = {}): Promise<NvmeDriver> {
    const platform = await hostPlatform(this.host, asFunction(device), device.name);
    return NvmeDriver.probe(platform, { provider: this.provide(device), ...options });
  }

  /** Takes an RDMA network card into use; its memory becomes memory for peers. @throws HostError as `RdmaDriver.probe`. */
  async rdma(device: PciDevice, options: RdmaDriverOptions = {}): Promise<RdmaDriver> {
    const platform = await hostPlatform(this.host, asFunction(device), device.name);
    return RdmaDriver.probe(platform, { provider: this.provide(device), ...options });
  }

  /** Takes a GPU into use: its memory can be reached by peers, and its driver alone gives it out. @throws HostError as `GpuDriver.probe`. */
  async gpu(device: PciDevice, options: GpuDriverOptions = {}): Promise<GpuDriver> {
    const platform = await hostPlatform(this.host, asFunction(device), device.name);
    const driver = await GpuDriver.probe(platform, options);
    this.provide(device).enableBar(driver.memoryBar);
    return driver;
  }

  /** Has functions report errors: they are read and cleared as messages come, and memory of a provider with an error that was not corrected counts as lost. */
  async reportErrors(): Promise<void> {
    this.reporting = true;
    for (const { devices } of this.machine.domains) await enableErrorReporting(devices);
  }

  /** Resets a function (`functionReset`); its memory counts as lost before and after. @throws HostError. */
  async reset(device: PciDevice): Promise<void> {
    this.lose(device);
    await functionReset(device);
    this.lose(device);
  }

  /** The device below a port is gone: what it provided is withdrawn as soon as nobody uses it any more. Its driver has been closed. */
  async unplug(port: PciDevice): Promise<void> {
    for (const device of port.bridge?.children ?? []) this.lose(device);
    await hotRemove(port, async device => {
      await this.registry.unbind(this.tree.node(device));
      this.clients.delete(device);
    });
    await this.tree.changed(port);
  }

  /** A device was put in below a port. @returns its functions. @throws HostError as `hotAdd`. */
  async plug(port: PciDevice): Promise<readonly PciDevice[]> {
    const added = await hotAdd(port);
    await this.tree.changed(port);
    if (this.reporting) await enableErrorReporting(added);
    return added;
  }

  private lose(device: PciDevice): void {
    const node = this.tree.find(device);
    const provider = node && this.registry.of(node);
    if (provider) provider.losses++;
  }

  private heard(message: ErrorMessage | undefined): void {
    if (!message) return;
    const device = this.machine.devices.find(({ bdf }) => routingId(bdf) === message.source);
    if (!device) return;
    if (message.severity !== 'correctable') this.lose(device);
    this.host.scheduler.spawn(`errors of ${device.name}`, () =>
      this.errorTurns.run(async () => {
        const report = await takeErrors(device, message.severity).catch((error: unknown) => this.unreadable(error));
        if (report) this.errors.push(report);
      }),
    );
  }

  /** A function that is being reset, or is gone, tells nothing. */
  private unreadable(error: unknown): undefined {
    if (!(error instanceof HostError)) throw error;
  }

  /** Maps a buffer for a client. @throws Errno as `mapScatterList`. */
  map(client: DmaClient, buffer: Pick<DataBuffer, 'cpu' | 'bytes'>, direction: Direction = 'both'): MappedBuffer {
    const mapped: MappedPiece[] = mapScatterList(this, client, [buffer], direction);
    return {
      ranges: mapped.map(({ dma, bytes }) => ({ base: dma, bytes })),
      unmap: () => unmapScatterList(client, mapped),
    };
  }
}

/** RAM for buffers. */
export interface SystemBuffers extends SystemMemory {
  /** Buffers that are not free. */
  readonly used: number;
}

/** RAM for buffers, in whole pages. */
function systemMemory(buffers: AddressRange): SystemBuffers {
  const pool = new HostMemoryPool(buffers);
  const used = new Map<bigint, AddressRange>();
  return {
    get used() {
      return used.size;
    },
    alloc: bytes => {
      const range = pool.allocate(bytes, pageBytes);
      used.set(range.base, range);
      return range.base;
    },
    free: cpu => {
      const range = used.get(cpu);
      if (!range) throw new HostError(`no buffer of system memory begins at 0x${cpu.toString(16)}`);
      used.delete(cpu);
      pool.release(range);
    },
  };
}

/** A function of the PCI core as drivers see it. */
export function asFunction(device: PciDevice): PciFunction {
  const { bdf, vendorId, deviceId, classCode, capabilities, maxPayload, portType, bars } = device;
  return {
    bdf,
    vendorId,
    deviceId,
    classCode,
    capabilities: [...capabilities].map(([id, offset]) => ({ id, offset })),
    maxPayload,
    ...(portType !== undefined && { portType }),
    bars: bars.map(({ index, kind, prefetchable, bytes, address }) => ({
      index,
      kind,
      prefetchable,
      bytes,
      ...(address !== undefined && { address }),
    })),
  };
}
