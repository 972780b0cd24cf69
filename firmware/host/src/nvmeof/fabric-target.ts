import type { Computer } from '../computer.ts';
import { HostError } from '../host-error.ts';
import type { NvmeDriver } from '../nvme/index.ts';
import { type DmaClient, NamespaceMemory, type Provider } from '../p2pdma/index.ts';
import type { PciDevice } from '../pci/index.ts';
import type { RdmaDriver } from '../rdma/index.ts';
import { RdmaPort } from './rdma-port.ts';
import { NvmeOfTarget, type TargetOptions } from './target.ts';

/** A drive that a target shows, with the setting of its namespace's memory. */
export interface TargetDrive {
  readonly device: PciDevice;
  readonly driver: NvmeDriver;
  /** `0`, `1`, or the name of a function: as `NamespaceMemory`. */
  readonly p2pmem: string;
}

/** Where the data of a namespace is when a host comes through a card: the provider, or nothing for the host's memory. */
export interface NamespacePlace {
  readonly namespace: number;
  readonly provider: Provider | undefined;
}

/** The network card of a computer as the port of its targets: one of them at a time answers. */
export class FabricTarget {
  readonly port: RdmaPort;
  readonly network: DmaClient;
  private readonly computer: Computer;
  private current: { readonly target: NvmeOfTarget; readonly memories: readonly NamespaceMemory[] } | undefined;

  private constructor(computer: Computer, network: DmaClient, port: RdmaPort) {
    this.computer = computer;
    this.network = network;
    this.port = port;
  }

  /** Opens a card. @throws HostError if it refuses. */
  static async open(computer: Computer, card: PciDevice, nic: RdmaDriver): Promise<FabricTarget> {
    const network = computer.client(card);
    let opened: FabricTarget | undefined;
    const port = await RdmaPort.open(computer, nic, network, connection => {
      if (!opened?.current) throw new HostError('a remote host came, and there is no target');
      opened.current.target.accept(connection);
    });
    opened = new FabricTarget(computer, network, port);
    return opened;
  }

  /**
   * From now on the card's hosts find a target with a namespace for each drive. `choose` picks one of equally near providers.
   * @throws Errno for a setting that a namespace cannot have.
   */
  serve(drives: readonly TargetDrive[], options: TargetOptions = {}, choose?: (count: number) => number): NvmeOfTarget {
    const { computer } = this;
    const { registry, bus, system } = computer;
    const target = new NvmeOfTarget(computer, options);
    const memories = drives.map(({ device, driver, p2pmem }, i) => {
      const [first] = driver.namespaces;
      if (!first) throw new HostError(`${device.name} has no namespace`);
      const client = computer.client(device);
      const memory = new NamespaceMemory({ registry, bus, system, ...(choose && { choose }) }, { client, peers: true });
      memory.p2pmem = p2pmem;
      target.add({ id: i + 1, device: first, client, memory });
      return memory;
    });
    this.current = { target, memories };
    return target;
  }

  /** Where the data of the namespaces is, for the hosts that are connected. */
  places(): NamespacePlace[] {
    return (this.current?.memories ?? []).map((memory, i) => {
      const trial = memory.request(this.network, 1n);
      trial.free();
      return { namespace: i + 1, provider: trial.provider };
    });
  }
}
