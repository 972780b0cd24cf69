import { sizeText } from '@hdl/pcie-rtl';
import { HostError } from './host-error.ts';
import { type AddressRange, allFunctions, type Bar, formatBdf, formatIds, type PciFunction } from './pci-function.ts';

/** Where the host has room for device memory. */
export interface Apertures {
  /** Below 4 GiB, for everything that is not 64-bit prefetchable. */
  readonly memory: AddressRange;
  /** For 64-bit prefetchable memory. */
  readonly prefetchable: AddressRange;
}

/** Non-prefetchable from 3 GiB up to the interrupt addresses; prefetchable 1 TiB from 512 GiB on. Bus and CPU addresses are the same. */
export const defaultApertures: Apertures = {
  memory: { base: 0xc000_0000n, bytes: 0xfec0_0000n - 0xc000_0000n },
  prefetchable: { base: 0x80_0000_0000n, bytes: 1n << 40n },
};

/** Granularity of a bridge's memory windows (rule C30). */
export const windowGranule: bigint = 1n << 20n;

type Space = keyof Apertures;

/** The window that a BAR has to lie in (rule C37); I/O is not assigned. */
const spaceOf = (bar: Bar): Space | undefined => {
  if (bar.kind === 'io') return undefined;
  return bar.kind === 'memory64' && bar.prefetchable ? 'prefetchable' : 'memory';
};

/** Addresses that belong together and are moved together. */
interface Block {
  readonly bytes: bigint;
  /** A power of two. */
  readonly alignment: bigint;
  place(base: bigint): void;
}

/** What the blocks were given. */
interface Placement {
  readonly bars: Map<Bar, bigint>;
  readonly windows: Map<PciFunction, AddressRange>;
}

/**
 * Gives every BAR an address and every bridge its windows: a BAR is aligned to its size, a window to 1 MiB (or more, where a BAR below wants it), windows of a
 * bus do not overlap, and each lies in that of the bridge above. A bridge below which nothing wants a space has no window there.
 * @returns the same functions with addresses. @throws HostError if an aperture is too small: its size, and the largest BARs with theirs.
 */
export function assignWindows(functions: readonly PciFunction[], apertures: Apertures = defaultApertures): PciFunction[] {
  const bars = new Map<Bar, bigint>();
  const memory = place(functions, 'memory', apertures, bars);
  const prefetchable = place(functions, 'prefetchable', apertures, bars);
  const assigned = (of: PciFunction): PciFunction => {
    const { bridge: _, ...rest } = of;
    const placed: PciFunction = {
      ...rest,
      bars: of.bars.map(bar => {
        const address = bars.get(bar);
        return address === undefined ? bar : { ...bar, address };
      }),
    };
    if (!of.bridge) return placed;
    const { primary, secondary, subordinate } = of.bridge;
    const low = memory.get(of);
    const high = prefetchable.get(of);
    const windows = { ...(low && { memory: low }), ...(high && { prefetchable: high }) };
    return { ...placed, bridge: { primary, secondary, subordinate, ...windows, children: of.bridge.children.map(assigned) } };
  };
  return functions.map(assigned);
}

function place(functions: readonly PciFunction[], space: Space, apertures: Apertures, bars: Map<Bar, bigint>) {
  const placement: Placement = { bars, windows: new Map() };
  const { base, bytes } = apertures[space];
  const blocks = arrange(blocksOf(functions, space, placement), base);
  if (blocks.some(({ block, at }) => at + block.bytes > base + bytes)) throw new HostError(tooSmall(functions, space, apertures));
  for (const { block, at } of blocks) block.place(at);
  return placement.windows;
}

/** Names the largest BARs: one of them is what does not fit. */
function tooSmall(functions: readonly PciFunction[], space: Space, apertures: Apertures): string {
  const { base, bytes } = apertures[space];
  const wanted = [...allFunctions(functions)]
    .flatMap(of => of.bars.filter(bar => spaceOf(bar) === space).map(bar => ({ of, bar })))
    .sort((a, b) => Number(b.bar.bytes > a.bar.bytes) - Number(b.bar.bytes < a.bar.bytes))
    .slice(0, 4)
    .map(({ of, bar }) => `BAR${bar.index} of ${formatBdf(of.bdf)} (${formatIds(of)}) ${sizeText(bar.bytes)}`);
  const kind = space === 'memory' ? '32-bit' : '64-bit prefetchable';
  return (
    `the BARs do not fit the ${sizeText(bytes)} of ${kind} addresses from 0x${base.toString(16)} on; the largest are ${wanted.join(', ')}: ` +
    'make BAR memories smaller or leave devices out'
  );
}

/** What the functions of one bus want of a space: a block per BAR, and one per bridge. */
function blocksOf(functions: readonly PciFunction[], space: Space, placement: Placement): Block[] {
  return functions.flatMap(of => {
    const own = of.bars
      .filter(bar => spaceOf(bar) === space)
      .map(bar => ({
        bytes: bar.bytes,
        alignment: bar.bytes,
        place: (base: bigint) => void placement.bars.set(bar, base),
      }));
    return of.bridge ? [...own, ...windowOf(of, of.bridge.children, space, placement)] : own;
  });
}

/** The window of a bridge: one block, or none if nothing below wants the space. */
function windowOf(bridge: PciFunction, children: readonly PciFunction[], space: Space, placement: Placement): Block[] {
  const blocks = blocksOf(children, space, placement);
  if (blocks.length === 0) return [];
  // Blocks that are arranged from an aligned base lie the same way at every other such base.
  const alignment = largest([windowGranule, ...blocks.map(block => block.alignment)]);
  const arranged = arrange(blocks, 0n);
  const end = largest(arranged.map(({ block, at }) => at + block.bytes));
  const bytes = alignUp(end, windowGranule);
  return [
    {
      bytes,
      alignment,
      place: base => {
        placement.windows.set(bridge, { base, bytes });
        for (const { block, at } of arranged) block.place(base + at);
      },
    },
  ];
}

/** One behind the other from `base` on, the widest alignment first, which leaves no gaps between powers of two. */
function arrange(blocks: readonly Block[], base: bigint): { readonly block: Block; readonly at: bigint }[] {
  let next = base;
  return [...blocks]
    .sort((a, b) => Number(b.alignment > a.alignment) - Number(b.alignment < a.alignment))
    .map(block => {
      const at = alignUp(next, block.alignment);
      next = at + block.bytes;
      return { block, at };
    });
}

/** The largest value, 0 if there is none. */
function largest(values: readonly bigint[]): bigint {
  let most = 0n;
  for (const value of values) if (value > most) most = value;
  return most;
}

const alignUp = (value: bigint, to: bigint): bigint => (value + to - 1n) & ~(to - 1n);
