import { sizeText } from '@hdl/pcie-rtl';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignWindows, defaultApertures, windowGranule } from '../host/src/assign-windows.ts';
import { HostError } from '../host/src/host-error.ts';
import { type AddressRange, allFunctions, type Bar, type PciFunction } from '../host/src/pci-function.ts';

const MiB = 1n << 20n;
const GiB = 1n << 30n;

function pciFunction(device: number, bars: readonly Bar[], children?: readonly PciFunction[]): PciFunction {
  const bridge = children && { bridge: { primary: 0, secondary: 1, subordinate: 1, children } };
  return {
    bdf: { bus: 1, device, function: 0 },
    vendorId: 0x1d1d,
    deviceId: 0xe000,
    classCode: 0,
    capabilities: [],
    maxPayload: 256,
    bars,
    ...bridge,
  };
}
const bar64 = (bytes: bigint): Bar => ({ index: 2, kind: 'memory64', prefetchable: true, bytes });
const bar32 = (bytes: bigint): Bar => ({ index: 0, kind: 'memory32', prefetchable: false, bytes });

/** Trees of bridges and endpoints with any BARs. */
const bar = (index: number): fc.Arbitrary<Bar> =>
  fc
    .record({
      kind: fc.constantFrom('memory32', 'memory64', 'io'),
      prefetchable: fc.boolean(),
      log2: fc.integer({ min: 4, max: 24 }),
    })
    .map(({ kind, prefetchable, log2 }) => ({ index, kind, prefetchable, bytes: 1n << BigInt(log2) }) as const);
const bars = fc.tuple(bar(0), bar(2), bar(4)).chain(all => fc.subarray(all));
const tree: fc.Arbitrary<PciFunction> = fc.letrec<{ node: PciFunction }>(tie => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.tuple(fc.nat(31), bars).map(([device, own]) => pciFunction(device, own)),
    fc
      .tuple(fc.nat(31), bars, fc.array(tie('node'), { maxLength: 4 }))
      .map(([device, own, children]) => pciFunction(device, own, children)),
  ),
})).node;

const inside = (inner: AddressRange, outer: AddressRange) =>
  inner.base >= outer.base && inner.base + inner.bytes <= outer.base + outer.bytes;

/** What a bus claims of one space: BARs, and windows of its bridges. */
function claims(functions: readonly PciFunction[], space: 'memory' | 'prefetchable'): AddressRange[] {
  return functions.flatMap(of => {
    const own = of.bars.flatMap(({ address, bytes, kind, prefetchable }) => {
      const high = kind === 'memory64' && prefetchable;
      return address !== undefined && high === (space === 'prefetchable') ? [{ base: address, bytes }] : [];
    });
    const window = of.bridge?.[space];
    return window ? [...own, window] : own;
  });
}

function checkBus(functions: readonly PciFunction[], space: 'memory' | 'prefetchable', room: AddressRange | undefined): void {
  const claimed = claims(functions, space);
  if (claimed.length > 0 && !room) throw new Error('a claim below a closed window');
  claimed.forEach((range, i) => {
    if (room) expect(inside(range, room)).toBe(true);
    for (const other of claimed.slice(i + 1))
      expect(range.base + range.bytes <= other.base || other.base + other.bytes <= range.base).toBe(true);
  });
  for (const { bridge } of functions) {
    if (!bridge) continue;
    const window = bridge[space];
    if (window) {
      expect(window.base % windowGranule).toBe(0n);
      expect(window.bytes % windowGranule).toBe(0n);
      expect(window.bytes).toBeGreaterThan(0n);
      expect(claims(bridge.children, space).length).toBeGreaterThan(0);
    }
    checkBus(bridge.children, space, window);
  }
}

test('any tree: BARs and windows are aligned, apart, and inside the window above', () => {
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 3 }), functions => {
      const assigned = assignWindows(functions);
      checkBus(assigned, 'memory', defaultApertures.memory);
      checkBus(assigned, 'prefetchable', defaultApertures.prefetchable);
      for (const each of allFunctions(assigned))
        for (const { kind, address, bytes } of each.bars) {
          expect(address === undefined).toBe(kind === 'io');
          if (address !== undefined) expect(address % bytes).toBe(0n);
        }
      const strip = (of: PciFunction): unknown => [of.bdf, of.bars.map(b => b.bytes), of.bridge?.children.map(strip)];
      expect(assigned.map(strip)).toEqual(functions.map(strip));
    }),
    { seed: 7, numRuns: 300 },
  );
});

test('the default fabric: windows of 1 MiB, the prefetchable ones above 4 GiB', () => {
  const drive = (device: number, bytes: bigint) => pciFunction(device, [bar32(16_384n), bar64(bytes)]);
  const [upstream] = assignWindows([
    pciFunction(0, [], [pciFunction(0, [], [drive(0, MiB)]), pciFunction(1, [], [drive(0, 256n * 1024n)])]),
  ]);
  expect(upstream?.bridge?.memory).toEqual({ base: 0xc000_0000n, bytes: 2n * MiB });
  expect(upstream?.bridge?.prefetchable).toEqual({ base: 0x80_0000_0000n, bytes: 2n * MiB });
  const second = upstream?.bridge?.children[1];
  expect(second?.bridge?.memory).toEqual({ base: 0xc010_0000n, bytes: MiB });
  expect(second?.bridge?.children[0]?.bars.map(b => b.address)).toEqual([0xc010_0000n, 0x80_0010_0000n]);
});

test('a window below which nothing wants memory stays closed', () => {
  const [bridge] = assignWindows([pciFunction(0, [], [pciFunction(0, [bar32(4096n)])])]);
  expect(bridge?.bridge?.prefetchable).toBeUndefined();
  expect(bridge?.bridge?.memory).toBeDefined();
});

test('BARs that do not fit are named with their sizes', () => {
  const large = [pciFunction(0, [], [pciFunction(3, [bar32(GiB / 2n)]), pciFunction(4, [bar32(GiB)])])];
  expect(() => assignWindows(large)).toThrow(HostError);
  expect(() => assignWindows(large)).toThrow(
    /1004 MiB of 32-bit addresses from 0xc0000000 .* BAR0 of 01:04\.0 \(1d1d:e000\) 1 GiB, BAR0 of 01:03\.0/,
  );
  expect(() => assignWindows([pciFunction(0, [bar64(1n << 41n)])])).toThrow(/64-bit prefetchable .* 2 TiB/);
});

test('sizes for people', () => {
  expect([0n, 1n, 1023n, 1024n, 1536n, 3n * MiB, GiB].map(sizeText)).toEqual([
    '0 bytes',
    '1 bytes',
    '1023 bytes',
    '1 KiB',
    '1536 bytes',
    '3 MiB',
    '1 GiB',
  ]);
});
