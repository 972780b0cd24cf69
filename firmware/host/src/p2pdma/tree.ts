/** What the peer-to-peer core looks at: functions, the bridges above them, and their access control. */

/** Bits of the ACS control register (7.7.8.3), where the capability is present. */
export const Acs = {
  sourceValidation: 1 << 0,
  translationBlocking: 1 << 1,
  requestRedirect: 1 << 2,
  completionRedirect: 1 << 3,
  upstreamForwarding: 1 << 4,
  egressControl: 1 << 5,
  directTranslated: 1 << 6,
} as const;

/** A host bridge, as the core can tell it apart: by the first function on its root bus. */
export interface HostBridge {
  readonly name: string;
  readonly vendor: number;
  readonly device: number;
  /** That function stands at device 0, function 0, or is a root port: only then its IDs speak for the host bridge. */
  readonly identifies: boolean;
}

export type NodeKind = 'root port' | 'upstream port' | 'downstream port' | 'endpoint' | 'integrated endpoint';

/** A function of the hierarchy. */
export interface PciNode {
  readonly name: string;
  readonly kind: NodeKind;
  readonly host: HostBridge;
  /** The bridge above; none for what stands on a root bus, and for virtual functions. */
  readonly up?: PciNode;
  /** Of a virtual function: its physical function, by which it climbs. */
  readonly physical?: PciNode;
  /** ACS control; none without the capability. */
  readonly acs?: number;
}

/** The bridge above a function. */
export const bridgeAbove = (node: PciNode): PciNode | undefined => (node.physical ?? node).up;

/** The function and every bridge above it, the root port last. */
export function climb(node: PciNode): PciNode[] {
  const path = [node];
  for (let above = bridgeAbove(node); above !== undefined; above = bridgeAbove(above)) path.push(above);
  return path;
}
