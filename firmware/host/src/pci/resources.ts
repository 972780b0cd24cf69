import { sizeText } from '@hdl/pcie-rtl';
import { HostError } from '../host-error.ts';
import type { AddressRange } from '../pci-function.ts';
import { type BarState, bridgesAbove, everyDevice, type PciDevice, type Space } from './pci-device.ts';

/** Where a domain has room for BARs: bus addresses. */
export interface DomainApertures {
  /** Below 4 GiB: what is not 64-bit prefetchable, and what does not fit above. */
  readonly memory: AddressRange;
  /** For 64-bit prefetchable memory; all goes below 4 GiB without. */
  readonly prefetchable?: AddressRange;
  /** I/O BARs get no address without. */
  readonly io?: AddressRange;
}

export interface AssignOptions {
  /** What a slot keeps of each kind of memory for what is plugged in later; 2 MiB by default. */
  readonly hotPlugMemory?: bigint;
  readonly hotPlugPrefetchable?: bigint;
}

/** Granularity of bridge windows (C30). */
const granules: { readonly [space in Space]: bigint } = { io: 4096n, memory: 1n << 20n, prefetchable: 1n << 20n };

/** Addresses that are moved together. */
interface Block {
  readonly bytes: bigint;
  /** A power of two. */
  readonly alignment: bigint;
  place(base: bigint): void;
}

type SpaceOf = (bar: BarState, device: PciDevice) => Space | undefined;

/**
 * Gives every BAR an address and every bridge its windows. A BAR is aligned to its size; a window holds what is below its bridge and what a slot keeps, in steps of
 * 1 MiB (4 KiB for I/O). Only a 64-bit prefetchable BAR may lie above 4 GiB, and only if all bridges above it have a 64-bit prefetchable window (C37); directly on a
 * root bus any 64-bit BAR may. What does not fit there goes below, the smallest first.
 * @throws HostError that names what does not fit; nothing is changed then.
 */
export function assignResources(devices: readonly PciDevice[], apertures: DomainApertures, options: AssignOptions = {}): void {
  const low = new Set<BarState>();
  const spaceOf: SpaceOf = (bar, device) => {
    if (bar.kind === 'io') return apertures.io && bridgesAbove(device).every(({ bridge }) => bridge?.can.io) ? 'io' : undefined;
    return !low.has(bar) && apertures.prefetchable && mayLieHigh(bar, device) ? 'prefetchable' : 'memory';
  };
  const high = [...everyDevice(devices)]
    .flatMap(device => device.bars.filter(bar => spaceOf(bar, device) === 'prefetchable'))
    .sort((a, b) => compare(a.bytes, b.bytes));
  const { prefetchable } = apertures;
  const above = () => planOf(devices, 'prefetchable', spaceOf, options);
  while (prefetchable && !fits(above(), prefetchable)) {
    const bar = high.shift();
    if (!bar) throw tooSmall(devices, 'prefetchable', prefetchable, spaceOf, options);
    low.add(bar);
  }
  const plans: readonly (readonly [Space, AddressRange | undefined])[] = [
    ['io', apertures.io],
    ['memory', apertures.memory],
    ['prefetchable', prefetchable],
  ];
  for (const [space, range] of plans)
    if (range && !fits(planOf(devices, space, spaceOf, options), range)) throw tooSmall(devices, space, range, spaceOf, options);
  clear(devices);
  for (const [space, range] of plans)
    if (range) for (const { block, at } of arrange(planOf(devices, space, spaceOf, options), range.base)) block.place(at);
}

/** Gives what was plugged in below a port addresses in the windows that the port has. @throws HostError that names what does not fit. */
export function assignBelow(port: PciDevice): void {
  const { windows = {}, children = [] } = port.bridge ?? {};
  const spaceOf: SpaceOf = (bar, device) => {
    if (bar.kind === 'io') return windows.io ? 'io' : undefined;
    return windows.prefetchable && mayLieHigh(bar, device) ? 'prefetchable' : 'memory';
  };
  const none = { hotPlugMemory: 0n, hotPlugPrefetchable: 0n };
  for (const space of ['io', 'memory', 'prefetchable'] as const) {
    const blocks = planOf(children, space, spaceOf, none);
    const window = windows[space] ?? { base: 0n, bytes: 0n };
    if (!fits(blocks, window)) throw tooSmall(children, space, window, spaceOf, none, `the window of ${port.name}`);
  }
  clear(children);
  for (const space of ['io', 'memory', 'prefetchable'] as const)
    for (const { block, at } of arrange(planOf(children, space, spaceOf, none), windows[space]?.base ?? 0n)) block.place(at);
}

/** Takes all addresses away. */
export function clear(devices: readonly PciDevice[]): void {
  for (const { bars, bridge } of everyDevice(devices)) {
    for (const bar of bars) delete bar.address;
    if (bridge) for (const space of ['io', 'memory', 'prefetchable'] as const) delete bridge.windows[space];
  }
}

function mayLieHigh(bar: BarState, device: PciDevice): boolean {
  if (bar.kind !== 'memory64') return false;
  const above = bridgesAbove(device);
  return above.length === 0 || (bar.prefetchable && above.every(({ bridge }) => bridge?.can.prefetchable === 64));
}

/** What the functions of one bus want of a space: a block per BAR, and one per bridge. */
function planOf(devices: readonly PciDevice[], space: Space, spaceOf: SpaceOf, options: AssignOptions): Block[] {
  return devices.flatMap(device => {
    const own = device.bars
      .filter(bar => spaceOf(bar, device) === space)
      .map(
        (bar): Block => ({
          bytes: bar.bytes,
          alignment: bar.bytes,
          place: base => {
            bar.address = base;
          },
        }),
      );
    return [...own, ...windowOf(device, space, spaceOf, options)];
  });
}

/** The window of a bridge: one block, or none if nothing below wants the space and no slot keeps any. */
function windowOf(device: PciDevice, space: Space, spaceOf: SpaceOf, options: AssignOptions): Block[] {
  const { bridge } = device;
  if (!bridge) return [];
  const { hotPlugMemory = 2n << 20n, hotPlugPrefetchable = 2n << 20n } = options;
  const kept = { io: 0n, memory: hotPlugMemory, prefetchable: bridge.can.prefetchable === 64 ? hotPlugPrefetchable : 0n }[space];
  const blocks = planOf(bridge.children, space, spaceOf, options);
  const wanted = device.hotPlug ? kept : 0n;
  if (blocks.length === 0 && wanted === 0n) return [];
  // Blocks that are arranged from an aligned base lie the same way at every other such base.
  const alignment = largest([granules[space], ...blocks.map(block => block.alignment)]);
  const arranged = arrange(blocks, 0n);
  const bytes = alignUp(largest([wanted, ...arranged.map(({ block, at }) => at + block.bytes)]), granules[space]);
  return [
    {
      bytes,
      alignment,
      place: base => {
        bridge.windows[space] = { base, bytes };
        for (const { block, at } of arranged) block.place(base + at);
      },
    },
  ];
}

/** One behind the other from `base` on, the widest alignment first, which leaves no gaps between powers of two. */
function arrange(blocks: readonly Block[], base: bigint): { readonly block: Block; readonly at: bigint }[] {
  let next = base;
  return [...blocks]
    .sort((a, b) => compare(b.alignment, a.alignment))
    .map(block => {
      const at = alignUp(next, block.alignment);
      next = at + block.bytes;
      return { block, at };
    });
}

const fits = (blocks: readonly Block[], { base, bytes }: AddressRange): boolean =>
  arrange(blocks, base).every(({ block, at }) => at + block.bytes <= base + bytes);

const names: { readonly [space in Space]: string } = { io: 'I/O', memory: '32-bit', prefetchable: '64-bit prefetchable' };

/** Names what wants the most: one of them is what does not fit. */
function tooSmall(
  devices: readonly PciDevice[],
  space: Space,
  range: AddressRange,
  spaceOf: SpaceOf,
  options: AssignOptions,
  where = 'the domain',
): HostError {
  const wanted = [...everyDevice(devices)]
    .flatMap(device => device.bars.filter(bar => spaceOf(bar, device) === space).map(bar => ({ device, bar })))
    .sort((a, b) => compare(b.bar.bytes, a.bar.bytes))
    .slice(0, 4)
    .map(({ device, bar }) => `BAR${bar.index} of ${device.name} ${sizeText(bar.bytes)}`);
  const slots = [...everyDevice(devices)].filter(({ hotPlug }) => hotPlug).length;
  const total = arrange(planOf(devices, space, spaceOf, options), 0n).reduce(
    (end, { block, at }) => (at + block.bytes > end ? at + block.bytes : end),
    0n,
  );
  return new HostError(
    `${sizeText(total)} of ${names[space]} addresses are wanted, and ${where} has ${sizeText(range.bytes)} from 0x${range.base.toString(16)} on; ` +
      `the largest are ${wanted.join(', ') || 'none'}${slots > 0 ? `, and ${slots} slots keep room` : ''}: make BARs smaller, leave devices out, or give more room`,
  );
}

function largest(values: readonly bigint[]): bigint {
  let most = 0n;
  for (const value of values) if (value > most) most = value;
  return most;
}
const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
const alignUp = (value: bigint, to: bigint): bigint => (value + to - 1n) & ~(to - 1n);
