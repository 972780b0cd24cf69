import type { BarRange } from '../p2pdma/provider.ts';
import type { HostBridge, NodeKind, PciNode } from '../p2pdma/tree.ts';
import type { DomainState } from './machine.ts';
import type { PciDevice } from './pci-device.ts';
import { acsRegister, ExtendedId, PortType } from './registers.ts';

const kinds: { readonly [portType: number]: NodeKind } = {
  [PortType.rootPort]: 'root port',
  [PortType.upstream]: 'upstream port',
  [PortType.downstream]: 'downstream port',
  [PortType.integratedEndpoint]: 'integrated endpoint',
};

/** What the peer-to-peer core knows about a machine: all of it comes from configuration space (M1-22). */
export class P2pTree {
  private readonly nodes = new Map<PciDevice, { -readonly [key in keyof PciNode]: PciNode[key] }>();

  /** Makes the nodes of domains. */
  static async of(domains: readonly DomainState[]): Promise<P2pTree> {
    const tree = new P2pTree();
    for (const { domain, devices } of domains) {
      const host = hostBridge(domain.number, devices);
      for (const device of devices) tree.add(device, host, undefined);
    }
    await tree.readAcs();
    return tree;
  }

  /** The node of a function. @throws RangeError for a function that was not there. */
  node(device: PciDevice): PciNode {
    const node = this.find(device);
    if (!node) throw new RangeError(`${device.name} is not in the tree`);
    return node;
  }

  /** The same, or nothing: a function of a slot is known from when that was looked at (`changed`) until it was again. */
  find(device: PciDevice): PciNode | undefined {
    return this.nodes.get(device);
  }

  /** What is below a bridge now: devices that were put in are there, and those that were pulled out are not. */
  async changed(bridge: PciDevice): Promise<void> {
    const node = this.node(bridge);
    for (const [device, { up }] of this.nodes) if (this.isBelow(node, up)) this.nodes.delete(device);
    for (const child of bridge.bridge?.children ?? []) this.add(child, node.host, node);
    await this.readAcs();
  }

  private isBelow(node: PciNode, up: PciNode | undefined): boolean {
    return up !== undefined && (up === node || this.isBelow(node, up.up));
  }

  /** Reads access control anew: what changed since is not noticed otherwise. */
  async readAcs(): Promise<void> {
    for (const [device, node] of this.nodes) {
      const offset = device.extended.get(ExtendedId.acs);
      if (offset !== undefined) node.acs = ((await device.read(offset + acsRegister)) >>> 16) & 0x7f;
    }
  }

  private add(device: PciDevice, host: HostBridge, up: PciNode | undefined): void {
    const kind = kinds[device.portType ?? -1] ?? (up ? 'endpoint' : 'integrated endpoint');
    const node: PciNode = { name: device.name, kind, host, ...(up && { up }) };
    this.nodes.set(device, node);
    for (const child of device.bridge?.children ?? []) this.add(child, host, node);
  }
}

/** A host bridge speaks by the first function on its root bus, if that is at 00.0 or a root port. */
function hostBridge(domain: number, devices: readonly PciDevice[]): HostBridge {
  const first = devices[0];
  const identifies =
    first !== undefined && ((first.bdf.device === 0 && first.bdf.function === 0) || first.portType === PortType.rootPort);
  return { name: `domain ${domain}`, vendor: first?.vendorId ?? 0, device: first?.deviceId ?? 0, identifies };
}

/** The BARs of a function as a provider has them. */
export function barRanges(device: PciDevice): BarRange[] {
  const offset = device.domain.cpuOffset ?? 0n;
  return device.bars.flatMap(({ index, kind, bytes, address }) =>
    address === undefined
      ? []
      : [
          {
            index,
            kind: kind === 'io' ? ('io' as const) : ('memory' as const),
            cpu: address + offset,
            bytes,
            busOffset: -offset,
          },
        ],
  );
}
