import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HostError } from '../host/src/host-error.ts';
import { Machine } from '../host/src/pci/machine.ts';
import { bridgesAbove, everyDevice, type PciDevice } from '../host/src/pci/pci-device.ts';
import { resizableBars, resizeBar } from '../host/src/pci/resizable-bar.ts';
import { assignResources, clear, type DomainApertures } from '../host/src/pci/resources.ts';
import { scanDomain } from '../host/src/pci/scan.ts';
import type { AddressRange } from '../host/src/pci-function.ts';
import { endpoint, PciModel, rootPort, switchOf } from './pci-model.ts';
import type { FunctionParams, ModelBar } from './pci-model-function.ts';

const MiB = 1n << 20n;
const GiB = 1n << 30n;
const apertures: DomainApertures = {
  memory: { base: 0xc000_0000n, bytes: 0x3ec0_0000n },
  prefetchable: { base: 0x80_0000_0000n, bytes: 1n << 40n },
  io: { base: 0x1000n, bytes: 0xf000n },
};
const bar = (index: number, bytes: bigint, kind: ModelBar['kind'] = 'memory32', prefetchable = false): ModelBar => ({
  index,
  bytes,
  kind,
  prefetchable,
});

/** Trees with any BARs and bridges that can more or less. */
const anyBar = (index: number): fc.Arbitrary<ModelBar> =>
  fc
    .record({
      kind: fc.constantFrom('memory32', 'memory64', 'io'),
      prefetchable: fc.boolean(),
      log2: fc.integer({ min: 4, max: 26 }),
    })
    .map(({ kind, prefetchable, log2 }) =>
      bar(index, 1n << BigInt(kind === 'io' ? Math.max(2, log2 % 9) : log2), kind, kind !== 'io' && prefetchable),
    );
const anyBars = fc.tuple(anyBar(0), anyBar(2), anyBar(4)).chain(all => fc.subarray(all));
const anyBridge = fc.record({
  prefetchable: fc.constantFrom(64, 64, 32, 0),
  io: fc.boolean(),
  slot: fc.boolean(),
  // Registers of the bridge itself stand beside its window.
  bars: fc
    .option(fc.integer({ min: 12, max: 22 }), { nil: undefined })
    .map(log2 => (log2 === undefined ? [] : [bar(0, 1n << BigInt(log2))])),
}) as fc.Arbitrary<Partial<FunctionParams>>;
let names = 0;
const anyDevice = fc.letrec<{ device: FunctionParams }>(tie => ({
  device: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    anyBars.map(bars => endpoint(`e${names++}`, { bars })),
    fc.tuple(fc.array(tie('device'), { maxLength: 3 }), anyBridge).map(([below, more]) =>
      switchOf(
        `s${names++}`,
        below.map(d => [d]),
        more,
        { ...more, slot: false },
      ),
    ),
  ),
})).device;
const anyRoot = fc
  .array(fc.tuple(fc.option(anyDevice, { nil: undefined }), anyBridge), { minLength: 1, maxLength: 4 })
  .map(ports => ports.map(([below, more]) => [rootPort(`r${names++}`, below ? [below] : [], more)]));

const ends = ({ base, bytes }: AddressRange) => base + bytes;
const inside = (inner: AddressRange, outer: AddressRange) => inner.base >= outer.base && ends(inner) <= ends(outer);

/** What the devices of a bus claim: BARs with addresses and windows, each with the space that it has to lie in. */
function claims(devices: readonly PciDevice[]): (AddressRange & { readonly what: string })[] {
  return devices.flatMap(({ name, bars, bridge }) => [
    ...bars.flatMap(({ address, bytes, kind, index }) =>
      address === undefined
        ? []
        : [{ base: kind === 'io' ? address - (1n << 64n) : address, bytes, what: `${name} BAR${index}` }],
    ),
    ...Object.entries(bridge?.windows ?? {}).map(([space, { base, bytes }]) => ({
      base: space === 'io' ? base - (1n << 64n) : base,
      bytes,
      what: `${name} ${space}`,
    })),
  ]);
}

/** The rules of 7.5.1 for an assignment: alignment, containment, no overlap. */
function checkBus(devices: readonly PciDevice[], windows: readonly AddressRange[]): void {
  const all = claims(devices);
  all.forEach((range, i) => {
    if (!windows.some(window => inside(range, window))) throw new Error(`${range.what} lies in no window`);
    for (const other of all.slice(i + 1))
      if (range.base < ends(other) && other.base < ends(range)) throw new Error(`${range.what} overlaps ${other.what}`);
  });
  for (const { bars, bridge, name } of devices) {
    for (const { address, bytes } of bars)
      if (address !== undefined && address % bytes !== 0n) throw new Error(`${name} has a BAR that is not aligned`);
    if (!bridge) continue;
    const open = Object.entries(bridge.windows).map(([space, range]) => {
      const granule = space === 'io' ? 4096n : MiB;
      if (range.base % granule !== 0n || range.bytes % granule !== 0n || range.bytes === 0n)
        throw new Error(`${name} has a bad window`);
      return space === 'io' ? { ...range, base: range.base - (1n << 64n) } : range;
    });
    checkBus(bridge.children, open);
  }
}

const idOf = (place: { readonly bus: number; readonly devfn: number } | undefined) =>
  place && (place.bus << 8) | (place?.devfn ?? 0);
const max = (a: bigint, b: bigint) => (a > b ? a : b);
const whole = (given: DomainApertures) => [
  given.memory,
  ...(given.prefetchable ? [given.prefetchable] : []),
  ...(given.io ? [{ ...given.io, base: given.io.base - (1n << 64n) }] : []),
];

describe('addresses', () => {
  test('any tree: BARs and windows are aligned, apart, inside the window above, and all are placed or the error names what does not fit (C30)', async () => {
    const roomy = fc.constantFrom<DomainApertures>(
      apertures,
      { memory: apertures.memory },
      { memory: { base: 0xe000_0000n, bytes: 64n * MiB }, prefetchable: { base: GiB * 8n, bytes: 64n * MiB } },
    );
    let failed = 0;
    await fc.assert(
      fc.asyncProperty(anyRoot, roomy, async (root, given) => {
        const model = new PciModel(root);
        const devices = await scanDomain(model.domain(), { hotPlugBuses: 1 });
        const all = [...everyDevice(devices)];
        try {
          assignResources(devices, given, { hotPlugMemory: MiB, hotPlugPrefetchable: MiB });
        } catch (error) {
          failed++;
          expect(error).toBeInstanceOf(HostError);
          expect((error as Error).message).toMatch(
            / are wanted, and the domain has .*; the largest are (BAR\d of 0000:[0-9a-f:.]+ \d+ |none)/,
          );
          expect(all.every(({ bars }) => bars.every(({ address }) => address === undefined))).toBe(true);
          // It does not give up where there is plenty of room: gaps are smaller than what they stand before, level by level.
          const wanted = (io: boolean, least: bigint) =>
            all
              .flatMap(({ bars }) => bars)
              .reduce((sum, each) => sum + ((each.kind === 'io') === io ? max(each.bytes, least) : 0n), 0n);
          const memory = wanted(false, MiB) + 2n * MiB * BigInt(all.length);
          const crowded = given.io !== undefined && 32n * (wanted(true, 4096n) + 4096n) > given.io.bytes;
          expect(crowded || 32n * memory > given.memory.bytes).toBe(true);
          return;
        }
        checkBus(devices, whole(given));
        for (const device of all)
          for (const { kind, address, prefetchable } of device.bars) {
            const io = given.io && bridgesAbove(device).every(({ bridge }) => bridge?.can.io);
            expect(address !== undefined).toBe(kind !== 'io' || io === true);
            // Above 4 GiB only what may be there (C37).
            if (address !== undefined && address >> 32n !== 0n) expect([kind, prefetchable]).toEqual(['memory64', true]);
          }
      }),
      { seed: 37, numRuns: 250 },
    );
    expect(failed).toBeGreaterThan(5);
  });

  test('in any tree the first and the last byte of every BAR are reached from the host, and windows hold nothing else (C30, C31, C32)', async () => {
    await fc.assert(
      fc.asyncProperty(anyRoot, async root => {
        const model = new PciModel(root);
        let machine: Machine;
        try {
          machine = await Machine.bringUp([{ domain: model.domain(), apertures }], { hotPlugBuses: 1 });
        } catch (error) {
          if (error instanceof HostError) return;
          throw error;
        }
        expect(model.violations).toEqual([]);
        for (const device of machine.devices) {
          for (const { kind, address, bytes } of device.bars) {
            if (kind === 'io' || address === undefined) continue;
            for (const at of [address, address + bytes - 1n]) {
              const to = model.routeMemory(at);
              if (typeof to !== 'object' || idOf(to.captured) !== idOf({ bus: device.bdf.bus, devfn: device.bdf.device << 3 }))
                throw new Error(`${at.toString(16)} of ${device.name} ends at ${typeof to === 'object' ? to.name : to}`);
            }
          }
        }
      }),
      { seed: 32, numRuns: 100 },
    );
  });

  test('C37: 64-bit non-prefetchable stays below 4 GiB under bridges, and may lie above on the root bus', async () => {
    const bars = [bar(0, MiB, 'memory64'), bar(2, MiB, 'memory64', true), bar(4, MiB, 'memory32', true)];
    const model = new PciModel([[rootPort('rp', [endpoint('e', { bars })])], [endpoint('i', { portType: 9, bars })]]);
    const machine = await Machine.bringUp([{ domain: model.domain(), apertures }]);
    const high = (name: string) => machine.device(name).bars.map(({ address = 0n }) => address >> 32n !== 0n);
    expect([high('0000:01:00.0'), high('0000:00:01.0')]).toEqual([
      [false, true, false],
      [true, true, false],
    ]);
    const { memory, prefetchable } = machine.device('0000:00:00.0').bridge?.windows ?? {};
    expect([memory?.bytes, prefetchable?.bytes]).toEqual([2n * MiB, MiB]);
  });

  test('C37: below a bridge without a 64-bit prefetchable window, or without room above 4 GiB, all goes below', async () => {
    const bars = [bar(0, 4n * MiB, 'memory64', true)];
    for (const [prefetchable, given] of [
      [32, apertures],
      [0, apertures],
      [64, { memory: apertures.memory }],
      [64, { ...apertures, prefetchable: { base: 4n * GiB, bytes: MiB } }],
    ] as const) {
      const model = new PciModel([[rootPort('rp', [switchOf('s', [[endpoint('e', { bars })]], { prefetchable })])]]);
      const machine = await Machine.bringUp([{ domain: model.domain(), apertures: given }]);
      const e = machine.devices.at(-1);
      expect([prefetchable, e?.bars[0]?.address]).toEqual([prefetchable, 0xc000_0000n]);
      expect(model.routeMemory(0xc03f_ffffn)).toBe(model.get('e'));
    }
  });

  test('of what fits above 4 GiB in part, the smallest go below', async () => {
    const model = new PciModel([
      [rootPort('a', [endpoint('large', { bars: [bar(0, 64n * MiB, 'memory64', true)] })])],
      [rootPort('b', [endpoint('small', { bars: [bar(0, 16n * MiB, 'memory64', true)] })])],
    ]);
    const machine = await Machine.bringUp([
      { domain: model.domain(), apertures: { ...apertures, prefetchable: { base: 4n * GiB, bytes: 64n * MiB } } },
    ]);
    const at = (name: string) => model.get(name).address(bar(0, 0n, 'memory64'));
    expect([at('large'), at('small'), machine.devices.length]).toEqual([4n * GiB, 0xc000_0000n, 4]);
  });

  test('a window below which nothing wants memory is closed, and passes nothing (C31)', async () => {
    const model = new PciModel([[rootPort('rp', [endpoint('e', { bars: [bar(0, 4096n)] })])], [rootPort('none')]]);
    const machine = await Machine.bringUp([{ domain: model.domain(), apertures }]);
    expect(Object.keys(machine.device('0000:00:00.0').bridge?.windows ?? {})).toEqual(['memory']);
    expect(machine.device('0000:00:01.0').bridge?.windows).toEqual({});
    for (const address of [0n, 0xfff0_0000n, 0x80_0000_0000n, 0xffff_ffff_fff0_0000n]) {
      expect([model.get('rp').inWindow(address), model.get('none').inWindow(address)]).toEqual([false, false]);
    }
    expect([
      model.get('rp').inWindow(0xbfff_ffffn),
      model.get('rp').inWindow(0xc00f_ffffn),
      model.get('rp').inWindow(0xc010_0000n),
    ]).toEqual([false, true, false]);
  });

  test('I/O windows of 4 KiB where bridges have them; without one an I/O BAR has no address', async () => {
    const bars = [bar(0, 256n, 'io'), bar(1, 16n, 'io')];
    const model = new PciModel([
      [rootPort('yes', [endpoint('e', { bars })], { io: true })],
      [rootPort('no', [endpoint('f', { bars })])],
    ]);
    const machine = await Machine.bringUp([{ domain: model.domain(), apertures }]);
    expect(machine.device('0000:01:00.0').bars.map(({ address }) => address)).toEqual([0x1000n, 0x1100n]);
    expect(machine.device('0000:00:00.0').bridge?.windows.io).toEqual({ base: 0x1000n, bytes: 4096n });
    expect(machine.devices.at(-1)?.bars.map(({ address }) => address)).toEqual([undefined, undefined]);
    expect([model.get('e').at(4) & 1, model.get('f').at(4) & 1]).toEqual([1, 0]);
  });

  test('what does not fit is named with its size, with what there is, and nothing is half done', async () => {
    const model = new PciModel([
      [rootPort('rp', [endpoint('e', { bars: [bar(0, 2n * GiB), bar(1, GiB / 2n)] })], { slot: true })],
    ]);
    const devices = await scanDomain(model.domain());
    expect(() => assignResources(devices, apertures)).toThrow(
      /2560 MiB of 32-bit addresses are wanted, and the domain has 1004 MiB from 0xc0000000 on; the largest are BAR0 of 0000:01:00\.0 2 GiB, BAR1 of 0000:01:00\.0 512 MiB, and 1 slots keep room/,
    );
    clear(devices);
    expect([...everyDevice(devices)].every(({ bars }) => bars.every(each => each.address === undefined))).toBe(true);
  });

  test('bus addresses are programmed, and the processor adds its offset', async () => {
    const model = new PciModel([[rootPort('rp', [endpoint('e', { bars: [bar(0, MiB)] })])]]);
    const machine = await Machine.bringUp([{ domain: model.domain({ cpuOffset: 0x40_0000_0000n }), apertures }]);
    const e = machine.device('0000:01:00.0');
    const [first] = e.bars;
    expect([first?.address, first && e.cpuAddress(first)]).toEqual([0xc000_0000n, 0x40_c000_0000n]);
    expect(model.get('e').address(bar(0, MiB))).toBe(0xc000_0000n);
  });
});

describe('resizable BARs', () => {
  const gpu = () =>
    endpoint('gpu', { bars: [{ ...bar(2, 256n * MiB, 'memory64', true), sizes: [8, 9, 10, 14] }, bar(0, 64n * 1024n)] });

  test('a BAR gets another size while nothing is decoded, and the windows above with it (C94)', async () => {
    const model = new PciModel([
      [rootPort('rp', [switchOf('s', [[gpu()], [endpoint('nic', { bars: [bar(0, MiB, 'memory64', true)] })]])])],
    ]);
    const machine = await Machine.bringUp([{ domain: model.domain(), apertures }]);
    const device = machine.device('0000:03:00.0');
    expect((await resizableBars(device))[0]?.sizes).toEqual([256n * MiB, 512n * MiB, GiB, 16n * GiB]);
    await machine.resize(device, 2, 16n * GiB);
    expect([device.bars.find(({ index }) => index === 2)?.bytes, model.violations]).toEqual([16n * GiB, []]);
    checkBus(machine.domains[0]?.devices ?? [], whole(apertures));
    const at = device.bars.find(({ index }) => index === 2)?.address ?? 0n;
    expect([at % (16n * GiB), model.routeMemory(at + 16n * GiB - 1n)]).toEqual([0n, model.get('gpu')]);
    expect(model.routeMemory(machine.device('0000:04:00.0').bars[0]?.address ?? 0n)).toBe(model.get('nic'));
    await machine.resize(device, 2, 512n * MiB);
    expect(device.bars.find(({ index }) => index === 2)?.bytes).toBe(512n * MiB);
  });

  test('a size that it cannot have is refused; one that does not fit is taken back, and all works as before (C94)', async () => {
    const model = new PciModel([[rootPort('rp', [gpu()], { prefetchable: 0 })]]);
    const machine = await Machine.bringUp([{ domain: model.domain(), apertures }]);
    const device = machine.device('0000:01:00.0');
    await expect(resizeBar(device, 2, 2n * GiB)).rejects.toThrow(
      /BAR2 of 0000:01:00\.0 cannot have 2 GiB, only 256 MiB, 512 MiB, 1 GiB, 16 GiB/,
    );
    await expect(resizeBar(device, 0, MiB)).rejects.toThrow(/BAR0 of 0000:01:00\.0 has one size only/);
    await expect(machine.resize(device, 2, 16n * GiB)).rejects.toThrow(/16 GiB/);
    const at = device.bars.find(({ index }) => index === 2)?.address ?? 0n;
    expect([model.routeMemory(at), model.routeMemory(at + 256n * MiB - 1n), model.violations]).toEqual([
      model.get('gpu'),
      model.get('gpu'),
      [],
    ]);
  });
});
