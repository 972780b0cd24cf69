import { topology as makeTopology, type Topology, type TopologyDescription } from '@hdl/pcie-rtl';

/**
 * Numbers of a soaked fabric. Agent 0 is the root, agent i the i-th leaf. Leaf i has the buses 8 i to 8 i + 3, a window of 1 MiB in each memory space, and one of
 * 4 KiB in I/O space, number i from the base; what belongs to no leaf is the root's.
 */
export const lowBase = 0x8000_0000;
export const prefetchBase = 0x40_0000_0000n;
export const ioBase = 0x10_0000;
const MiB = 2 ** 20;

/** A bridge of a switch as configuration requests reach it. */
export interface Bridge {
  /** Where it is: bus and device. */
  readonly bus: number;
  readonly device: number;
  readonly primary: number;
  readonly secondary: number;
  readonly subordinate: number;
  /** The leaves behind it. */
  readonly leaves: readonly [first: number, last: number];
  /** The device below a downstream port; undefined for an upstream port. */
  readonly below: string | undefined;
}

/** Fabrics that are soaked: two levels of switches, leaves on both. */
export const fabricNames = ['small', 'full'] as const;
export type FabricName = (typeof fabricNames)[number];

/** `full`: 4 switches and 16 leaves; `small`: 3 switches and 5 leaves. */
export function soakedTopology(name: FabricName): Topology {
  const lower = name === 'full' ? [5, 5, 5] : [2, 2];
  const leaf = { memory_bytes: 4096 };
  const description: TopologyDescription = {
    switches: [{ name: 'upper', parent: 'root' }, ...lower.map((_, i) => ({ name: `lower${i}`, parent: 'upper' }))],
    endpoints: [
      ...lower.flatMap((count, i) =>
        Array.from({ length: count }, (_, j) => ({ ...leaf, name: `leaf${i}${j}`, parent: `lower${i}` })),
      ),
      { ...leaf, name: 'leaf', parent: 'upper' },
    ],
  };
  return makeTopology(description);
}

/** All bridges of a topology, each before those below it. */
export function bridgesOf({ switches, endpoints, roots }: Topology): readonly Bridge[] {
  const bridges: Bridge[] = [];
  const number = (name: string) => 1 + endpoints.findIndex(e => e.name === name);
  const childrenOf = (name: string) => switches.find(s => s.name === name)?.children;
  const leavesOf = (name: string): number[] => childrenOf(name)?.flatMap(leavesOf) ?? [number(name)];
  const range = (name: string) => {
    const all = leavesOf(name);
    return [Math.min(...all), Math.max(...all)] as const;
  };
  /** The switch is on `bus`; two numbers before those of its first leaf are its own, more for what stands above it. */
  const visit = (name: string, primary: number, level: number) => {
    const children = childrenOf(name);
    if (!children) return;
    const leaves = range(name);
    const secondary = primary + 1;
    const subordinate = 8 * leaves[1] + 3;
    bridges.push({ bus: primary, device: 0, primary, secondary, subordinate, leaves, below: undefined });
    children.forEach((child, device) => {
      const behind = range(child);
      const isSwitch = childrenOf(child) !== undefined;
      const bus = isSwitch ? 8 * behind[0] - 4 + 2 * level : 8 * behind[0];
      const last = 8 * behind[1] + 3;
      bridges.push({
        bus: secondary,
        device,
        primary: secondary,
        secondary: bus,
        subordinate: last,
        leaves: behind,
        below: child,
      });
      visit(child, bus, level + 1);
    });
  };
  for (const { top } of roots) visit(top, 1, 1);
  return bridges;
}

/** By agent: those that are on the same switch, a bit each; the root is on the topmost one. */
export function neighboursOf({ endpoints, roots }: Topology): readonly number[] {
  const homes = [...roots.map(({ top }) => top), ...endpoints.map(({ parent }) => parent)];
  return homes.map((own, i) => homes.reduce((bits, home, j) => (j !== i && home === own ? bits | (1 << j) : bits), 0));
}

/** A register of a bridge, as a write of all or some of its bytes. */
export type RegisterWrite = readonly [offset: number, data: number, mask?: number];

/** What configures a bridge: buses, windows, payload limit, enables. */
export function bridgeRegisters(
  { primary, secondary, subordinate, leaves }: Bridge,
  max_payload: number,
): readonly RegisterWrite[] {
  const [first, last] = leaves;
  const high = (value: number) => Math.floor(value / 2 ** 16) & 0xfff0;
  const window = (base: number) => ((high(base + MiB * last) << 16) | high(base + MiB * first)) >>> 0;
  const io = (agent: number) => ioBase + 0x1000 * agent;
  const upper = Number(prefetchBase >> 32n);
  return [
    [0x18, (subordinate << 16) | (secondary << 8) | primary],
    [0x1c, ((io(last) & 0xf000) | ((io(first) >> 8) & 0xf0)) >>> 0, 0b0011],
    [0x20, window(lowBase)],
    [0x24, window(Number(prefetchBase & 0xffff_ffffn))],
    [0x28, upper],
    [0x2c, upper],
    [0x30, ((io(last) & ~0xffff) | (io(first) >>> 16)) >>> 0],
    [0x58, Math.log2(max_payload / 128) << 5, 0b0001],
    [0x04, 7],
  ];
}
