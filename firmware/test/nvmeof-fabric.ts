import { bootNic } from '../device/src/boot.ts';
import type { RdmaOptions } from '../device/src/rdma/index.ts';
import {
  FabricTarget,
  type InitiatorOptions,
  NvmeOfInitiator,
  type NvmeOfTarget,
  RdmaInitiatorNetwork,
  type TargetOptions,
} from '../host/src/nvmeof/index.ts';
import type { DmaClient, Provider } from '../host/src/p2pdma/index.ts';
import type { RdmaDriver } from '../host/src/rdma/index.ts';
import { RemoteNic } from '../rdma/remote/index.ts';
import { Wire, type WireOptions } from '../rdma/wire.ts';
import { at } from './bench.ts';
import { FabricComputer, type FabricOptions, targetTopology } from './fabric-computer.ts';
import { there } from './p2pdma-bench.ts';

/** A storage target on RTL: a fabric with a network card and drives, whose wire ends in a remote host. */
export interface TargetFabric extends Disposable {
  readonly on: FabricComputer;
  readonly nic: RdmaDriver;
  readonly nicProvider: Provider;
  readonly remoteNic: RemoteNic;
  readonly network: DmaClient;
  /** Makes a target with a namespace for each drive and the settings of their memory, and connects the remote host. */
  target(
    settings: readonly string[],
    options?: TargetOptions & { readonly initiator?: InitiatorOptions },
  ): Promise<StartedTarget>;
}

export interface StartedTarget {
  readonly target: NvmeOfTarget;
  readonly host: NvmeOfInitiator;
}

/** Starts all but the target. */
export async function targetFabric(
  options: FabricOptions & { readonly wire?: WireOptions; readonly card?: RdmaOptions } = {},
): Promise<TargetFabric> {
  const on = await FabricComputer.start({ topology: targetTopology(), ...options });
  const { testbench, computer } = on;
  const { scheduler } = testbench;
  const wire = new Wire(scheduler, options.wire);
  const remoteNic = new RemoteNic(scheduler, wire.ends[1], {});
  const index = testbench.topology.endpoints.findIndex(({ name }) => name === 'nic0');
  const device = on.device('nic0');
  const { params } = at(testbench.topology.endpoints, index);
  const { fabric, nic } = await scheduler.run(async () => {
    await bootNic(scheduler, at(testbench.devices, index), params, wire.ends[0], options.card);
    const card = await computer.rdma(device);
    return { fabric: await FabricTarget.open(computer, device, card), nic: card };
  });
  const remote = new RdmaInitiatorNetwork(scheduler, remoteNic, fabric.port);
  return {
    on,
    nic,
    remoteNic,
    nicProvider: there(computer.registry.of(computer.tree.node(device))),
    network: fabric.network,
    async target(settings, { initiator, ...rest } = {}) {
      const drives = on.drives.map((drive, i) => ({ ...drive, p2pmem: settings[i] ?? '0' }));
      const target = fabric.serve(drives, rest, () => 0);
      return { target, host: await NvmeOfInitiator.connect(remote, initiator) };
    },
    [Symbol.dispose]: () => on[Symbol.dispose](),
  };
}
