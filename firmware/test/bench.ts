import { defaultTopology, type Topology } from '@hdl/pcie-rtl';
import { Testbench } from '@hdl/testbench';
import { type Backing, BackingError, BlockDeviceFirmware, type FirmwareOptions, MemoryBacking } from '../device/src/index.ts';
import { allFunctions, BlockDriver, Host, type HostOptions, type PciFunction, type PciTree } from '../host/src/index.ts';
import type { RootPort } from '../ports.ts';

/** The default fabric, running, with the host at its root port. */
export interface Bench {
  readonly testbench: Testbench;
  readonly host: Host;
  readonly tree: PciTree;
  /** In the order of their bus numbers, which is that of the topology here. */
  readonly endpoints: readonly PciFunction[];
}

export interface BenchOptions extends HostOptions {
  readonly topology?: Topology;
  /** Stands between host and root port. */
  readonly between?: (root: RootPort) => RootPort;
}

/** Builds a fabric and enumerates it. */
export async function bench(options: BenchOptions = {}): Promise<Bench> {
  const { topology = defaultTopology(), between = root => root } = options;
  const testbench = await Testbench.create({ topology });
  const { scheduler } = testbench;
  const host = new Host({ root: between(testbench.root), scheduler }, options);
  const tree = await scheduler.run(() => host.enumerate());
  const endpoints = [...allFunctions(tree.functions)].filter(each => !each.bridge);
  return { testbench, host, tree, endpoints };
}

/** Boots drives with these media on the first endpoints, and takes them into use. */
export async function drives(on: Bench, media: readonly Backing[], firmware: FirmwareOptions = {}): Promise<BlockDriver[]> {
  const { testbench, host, endpoints } = on;
  const { scheduler } = testbench;
  media.forEach((backing, i) => {
    const device = testbench.devices[i];
    if (device) BlockDeviceFirmware.start(scheduler, device, backing, firmware);
  });
  return scheduler.run(() =>
    Promise.all(endpoints.slice(0, media.length).map((each, i) => BlockDriver.probe(host, each, { name: `drive${i}` }))),
  );
}

/** A drive in memory whose accesses fail while it is `broken`, from the byte `from` on. */
export class FragileBacking extends MemoryBacking {
  broken = false;
  from = 0;

  override read(offset: number, target: Uint8Array): void {
    this.scratch(offset);
    super.read(offset, target);
  }

  override write(offset: number, source: Uint8Array): void {
    this.scratch(offset);
    super.write(offset, source);
  }

  private scratch(offset: number): void {
    if (this.broken && offset >= this.from) throw new BackingError('the test broke it');
  }
}

/** Bytes that look random, the same ones for a seed. */
export function randomBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

/** The item of a list that is there. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`there is no item ${index}`);
  return item;
}
