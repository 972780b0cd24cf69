import { endpointsByBus, type Topology, topology } from '@hdl/pcie-rtl';
import { type EngineFunction, type LinkSnapshot, Testbench } from '@hdl/testbench';
import { MemoryBacking } from '../device/src/backing.ts';
import { bootNvme } from '../device/src/boot.ts';
import type { NvmeOptions } from '../device/src/nvme/index.ts';
import { Computer, type ComputerOptions } from '../host/src/computer.ts';
import type { NvmeDriver, NvmeDriverOptions } from '../host/src/nvme/index.ts';
import type { Provider } from '../host/src/p2pdma/index.ts';
import type { PciDevice } from '../host/src/pci/index.ts';
import type { AddressRange } from '../host/src/pci-function.ts';
import { randomBytes } from './bench.ts';

/** A drive of the fabric, in use. */
export interface FabricDrive {
  readonly device: PciDevice;
  readonly media: MemoryBacking;
  readonly driver: NvmeDriver;
  /** Its memory buffer, for peers. */
  readonly provider: Provider;
}

export interface FabricOptions extends ComputerOptions {
  readonly topology?: Topology;
  readonly engine?: EngineFunction;
  readonly width?: number;
  readonly between?: Parameters<typeof Testbench.create>[0]['between'];
  readonly bridge?: Parameters<typeof Testbench.create>[0]['bridge'];
  /** Bytes of each drive. */
  readonly capacity?: number;
  readonly firmware?: NvmeOptions;
  readonly driver?: NvmeDriverOptions;
}

const driveOf = (i: number) =>
  ({ name: `nvme${i}`, parent: 'switch0', kind: 'nvme', queues: 4, memory_bytes: 64 * 1024 }) as const;

/** One switch with NVMe drives that have memory for peers, and a card of memory alone. */
export const drivesTopology = (drives = 2): Topology =>
  topology({
    switches: [{ name: 'switch0', parent: 'root' }],
    endpoints: [
      ...Array.from({ length: drives }, (_, i) => driveOf(i)),
      { name: 'card0', parent: 'switch0', kind: 'memory' as const, memory_bytes: 64 * 1024 },
    ],
  });

/** The same with a network card that has memory for peers, and without the card of memory unless it is asked for. */
export const targetTopology = (drives = 2, { card = false }: { readonly card?: boolean } = {}): Topology =>
  topology({
    switches: [{ name: 'switch0', parent: 'root' }],
    endpoints: [
      { name: 'nic0', parent: 'switch0', kind: 'nic', queues: 16, memory_bytes: 64 * 1024 },
      ...Array.from({ length: drives }, (_, i) => driveOf(i)),
      ...(card ? [{ name: 'card0', parent: 'switch0', kind: 'memory' as const, memory_bytes: 64 * 1024 }] : []),
    ],
  });

/** A fabric on RTL with a computer at its root port, whose PCI core brought it up, and NVMe firmware on every endpoint that is a drive. */
export class FabricComputer implements Disposable {
  readonly testbench: Testbench;
  readonly computer: Computer;
  /** By the topology's names. */
  readonly devices: ReadonlyMap<string, PciDevice>;
  readonly drives: FabricDrive[] = [];

  static async start(options: FabricOptions = {}): Promise<FabricComputer> {
    const { topology: built = drivesTopology(), engine, width, between, bridge } = options;
    const testbench = await Testbench.create({
      topology: built,
      ...(engine && { engine }),
      ...(width !== undefined && { width }),
      ...(between && { between }),
      ...(bridge && { bridge }),
    });
    return testbench.scheduler.run(async () => {
      const computer = await Computer.boot(testbench, options);
      const started = new FabricComputer(testbench, computer);
      await started.startDrives(options);
      return started;
    });
  }

  private constructor(testbench: Testbench, computer: Computer) {
    this.testbench = testbench;
    this.computer = computer;
    const { endpoints } = computer;
    const first = endpoints.filter(({ bdf }) => bdf.function === 0);
    const names = endpointsByBus(testbench.topology);
    this.devices = new Map(first.map((device, i) => [names[i] ?? device.name, device]));
  }

  private async startDrives({ capacity = 1 << 18, firmware, driver }: FabricOptions): Promise<void> {
    const { testbench, computer } = this;
    const { scheduler, topology: built } = testbench;
    for (const [i, { name, params }] of built.endpoints.entries()) {
      const port = testbench.devices[i];
      const device = this.device(name);
      if (params.kind !== 'nvme' || !port) continue;
      const media = new MemoryBacking(randomBytes(capacity, i + 1));
      await bootNvme(scheduler, port, params, media, firmware);
      const used = await computer.nvme(device, { queuesInController: false, ...driver });
      const provider = computer.registry.of(computer.tree.node(device));
      if (!provider) throw new RangeError(`${name} provides nothing`);
      this.drives.push({ device, media, driver: used, provider });
    }
  }

  [Symbol.dispose](): void {
    this.testbench[Symbol.dispose]();
  }

  /** A function by the topology's name of its endpoint. */
  device(name: string): PciDevice {
    const found = this.devices.get(name);
    if (!found) throw new RangeError(`there is no endpoint ${name}`);
    return found;
  }

  /** Has the link counters count data in these ranges of addresses, four at the most, from now on. */
  countData(...ranges: readonly AddressRange[]): void {
    const { links } = this.testbench;
    links.setDataRanges(ranges.map(({ base, bytes }) => ({ base, limit: base + bytes })));
    links.clear();
  }

  /** Bytes of data on each link since `countData`: `[down, up]` by its name. */
  data(): { readonly [link: string]: readonly [number, number] } {
    const counted: readonly LinkSnapshot[] = this.testbench.links.snapshot();
    return Object.fromEntries(counted.map(l => [l.link, [l.down.data_bytes, l.up.data_bytes]]));
  }
}
