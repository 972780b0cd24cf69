import { describe, expect, test } from 'vitest';
import { enableContainment, enableErrorReporting, handleContainment, handleErrors } from '../host/src/pci/errors.ts';
import { hotAdd, hotRemove, slotState } from '../host/src/pci/hot-plug.ts';
import { Machine } from '../host/src/pci/machine.ts';
import { ExtendedId } from '../host/src/pci/registers.ts';
import { busReset, functionReset, saveConfig } from '../host/src/pci/reset.ts';
import { endpoint, PciModel, rootPort, switchOf } from './pci-model.ts';
import type { FunctionParams, ModelBar } from './pci-model-function.ts';

const MiB = 1n << 20n;
const apertures = {
  memory: { base: 0xc000_0000n, bytes: 512n * MiB },
  prefetchable: { base: 0x80_0000_0000n, bytes: 1n << 40n },
};
const bars: readonly ModelBar[] = [
  { index: 0, bytes: 16_384n, kind: 'memory32' },
  { index: 2, bytes: MiB, kind: 'memory64', prefetchable: true },
];
const drive = (name: string, more: Partial<FunctionParams> = {}) => endpoint(name, { bars, aer: true, flr: true, ...more });

/** Root port with errors and a switch with two drives; the second port has a slot and contains errors. */
async function machine(more: Partial<FunctionParams> = {}) {
  const model = new PciModel([
    [
      rootPort(
        'rp',
        [switchOf('s', [[drive('a', more)], [drive('b', more)]], { slot: true, dpc: true, acs: 0x7f }, { aer: true })],
        { aer: true },
      ),
    ],
  ]);
  const up = await Machine.bringUp([{ domain: model.domain(), apertures }], { acs: { iommu: true }, hotPlugBuses: 2 });
  const [a, b] = up.devices.filter(({ bridge }) => !bridge);
  const [, , port] = up.devices;
  const root = up.devices[0];
  if (!a || !b || !port || !root) throw new RangeError('a device is missing');
  return { model, up, a, b, port, root };
}
/** All registers of a function that software sets. */
const registers = (model: PciModel, name: string) =>
  [4, 0x10, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x68, 0x88, 0x104].map(offset => model.get(name).at(offset));

describe('resets', () => {
  test('C86: a function level reset waits 100 ms and until it is ready, gives the configuration back, and touches nobody else (C84)', async () => {
    const { model, a } = await machine({ readyAfter: 350 });
    const before = ['a', 'b', 's.0'].map(name => registers(model, name));
    const start = model.now;
    await functionReset(a);
    expect(['a', 'b', 's.0'].map(name => registers(model, name))).toEqual(before);
    expect(['a', 'b', 's.0'].map(name => model.get(name).resets)).toEqual([1, 0, 0]);
    expect([model.now - start >= 350, model.violations]).toEqual([true, []]);
    expect(model.routeMemory(a.bars[0]?.address ?? 0n)).toBe(model.get('a'));
  });

  test('sizes of BARs, masks and access control come back too (C84)', async () => {
    const sizes = [{ index: 2, bytes: MiB, kind: 'memory64' as const, prefetchable: true, sizes: [0, 4, 8] }];
    const { model, up, a, port } = await machine({ bars: sizes, acs: 0x04, firmwareAcs: 0x04 });
    await up.resize(a, 2, 256n * MiB);
    const aer = model.get('a').extended.get(ExtendedId.aer) ?? 0;
    await enableContainment(up.domains[0]?.devices ?? []);
    await busReset(up.devices[0] ?? a);
    expect([model.get('a').bars[0]?.bytes, model.get('a').acs, model.violations]).toEqual([256n * MiB, 0x04, []]);
    expect(model.routeMemory((a.bars[0]?.address ?? 0n) + 255n * MiB)).toBe(model.get('a'));
    const dpc = port.extended.get(ExtendedId.dpc) ?? 0;
    expect([model.get('s.0').at(dpc + 4) >>> 16, model.get('a').at(aer + 8)]).toEqual([1, 0x0040_0000]);
  });

  test('transactions that are pending are waited for; a function without such a reset says so (C84)', async () => {
    const { model, a } = await machine();
    model.get('a').poke(0x68, model.get('a').at(0x68) | (1 << 21));
    const start = model.now;
    await functionReset(a);
    expect(model.now - start).toBeGreaterThanOrEqual(200);
    const { a: without } = await machine({ flr: false });
    await expect(functionReset(without)).rejects.toThrow(/has no function level reset: reset the bus above it/);
  });

  test('C86: a bus reset takes everything below and leaves the bridge; all of it comes back (C85)', async () => {
    const { model, root } = await machine({ readyAfter: 250 });
    const all = ['rp', 's', 's.0', 's.1', 'a', 'b'];
    const before = all.map(name => registers(model, name));
    await busReset(root);
    expect(all.map(name => model.get(name).resets)).toEqual([0, 1, 1, 1, 1, 1]);
    expect(all.map(name => registers(model, name))).toEqual(before);
    expect(model.violations).toEqual([]);
  });

  test('C86: who asks too early is noticed; a device that does not come back is named', async () => {
    const { model, a, port } = await machine();
    model.get('a').reset(true);
    await a.read(0).catch(() => 0);
    expect(model.violations).toEqual(['a configuration read of a comes 0 ms after its reset']);
    const other = await machine();
    const pulled = busReset(other.port);
    other.model.get('s.0').below.length = 0;
    await expect(pulled).rejects.toThrow(/0000:03:00\.0 did not come back from its reset: its ID reads 0xffffffff/);
    await expect(busReset(a)).rejects.toThrow(/is no bridge/);
    expect(port.name).toBe('0000:02:00.0');
  });
});

describe('slots', () => {
  test('a device is pulled out and another put in: bus numbers and windows stay, addresses are inside, peers reach it', async () => {
    const { model, up, a, b, port } = await machine();
    const { secondary, subordinate, windows } = port.bridge ?? { windows: {} };
    const kept = { ...windows };
    expect(await slotState(port)).toEqual({ present: true, link: true, changed: false });
    model.get('s.0').unplug();
    expect(await slotState(port)).toEqual({ present: false, link: false, changed: true });
    expect(await slotState(port)).toEqual({ present: false, link: false, changed: false });
    const order: string[] = [];
    expect(await hotRemove(port, ({ name }) => void order.push(name))).toEqual([a]);
    expect([order, up.devices.includes(a)]).toEqual([['0000:03:00.0'], false]);
    const start = model.now;
    model.get('s.0').plug([switchOf('inner', [[drive('c')]])]);
    const added = await hotAdd(port);
    expect([model.now - start >= 100, model.violations]).toEqual([true, []]);
    expect([port.bridge?.secondary, port.bridge?.subordinate, port.bridge?.windows]).toEqual([secondary, subordinate, kept]);
    const c = up.devices.find(({ bdf, bridge }) => !bridge && bdf.bus === (secondary ?? 0) + 2);
    const at = c?.bars[1]?.address ?? 0n;
    expect([
      added.length,
      c?.name,
      model.routeMemory(at, model.get('b')),
      model.routeMemory(b.bars[1]?.address ?? 0n, model.get('c')),
    ]).toEqual([1, '0000:05:00.0', model.get('c'), model.get('b')]);
    await expect(hotAdd(port)).rejects.toThrow(/has 0000:03:00\.0 below it: remove that first/);
  });

  test('what the slot kept no room for is refused with names, and nothing is left of it', async () => {
    const { model, up, port } = await machine();
    const plug = async (device: readonly FunctionParams[]) => {
      await hotRemove(port);
      model.get('s.0').plug(device);
      await hotAdd(port);
    };
    await expect(plug([endpoint('large', { bars: [{ index: 0, bytes: 64n * MiB, kind: 'memory32' }] })])).rejects.toThrow(
      /64 MiB of 32-bit addresses are wanted, and the window of 0000:02:00\.0 has 2 MiB from .* BAR0 of 0000:03:00\.0 64 MiB/,
    );
    expect(up.devices.some(({ bdf }) => bdf.bus === 3)).toBe(false);
    await expect(plug([switchOf('deep', [[drive('c')], [drive('d')], [drive('e')]])])).rejects.toThrow(
      /no bus number up to 5 is left/,
    );
    model.get('s.0').unplug();
    await expect(hotAdd(port)).rejects.toThrow(/the link below 0000:02:00\.0 did not come up in 1000 ms/);
  });

  test('a device that takes smaller payloads than the machine sends is refused, or its root port follows it', async () => {
    const model = new PciModel([
      [rootPort('rp', [drive('a')], { slot: true })],
      [rootPort('rq', [switchOf('s', [[drive('b')]], { slot: true })])],
    ]);
    const up = await Machine.bringUp([{ domain: model.domain(), apertures }], { payload: 'perf' });
    const [direct, behind] = ['rp', 's.0'].map(name =>
      up.devices.find(
        ({ bdf }) => bdf.bus === model.get(name).captured?.bus && bdf.device << 3 === model.get(name).captured?.devfn,
      ),
    );
    if (!direct || !behind) throw new RangeError('a port is missing');
    for (const [port, name] of [
      [direct, 'rp'],
      [behind, 's.0'],
    ] as const) {
      await hotRemove(port);
      model.get(name).plug([drive('small', { maxPayload: 128 })]);
    }
    await hotAdd(direct);
    expect(['rp', 'small'].map(name => model.get(name).payload)).toEqual([128, 128]);
    await expect(hotAdd(behind)).rejects.toThrow(
      /takes payloads of 128 bytes, and the functions around it send 512: .* peer2peer/,
    );
    expect(behind.bridge?.children).toEqual([]);
  });
});

/** A function notes an error and the root port gets the message. */
function inject(
  model: PciModel,
  name: string,
  bits: readonly number[],
  { correctable = false, several = false, header = [0x4000_0001, 0x0300_000f, 0xc000_0000, 0] } = {},
) {
  const from = model.get(name);
  const base = from.extended.get(ExtendedId.aer) ?? 0;
  const value = bits.reduce((sum, bit) => sum | (1 << bit), 0) >>> 0;
  from.poke(base + (correctable ? 0x10 : 0x04), value);
  const id = ((from.captured?.bus ?? 0) << 8) | (from.captured?.devfn ?? 0);
  if (!correctable) {
    from.poke(base + 0x18, bits[0] ?? 0);
    for (const [i, word] of header.entries()) from.poke(base + 0x1c + 4 * i, word);
  }
  const root = model.get('rp');
  const at = root.extended.get(ExtendedId.aer) ?? 0;
  root.poke(at + 0x30, correctable ? (several ? 3 : 1) : several ? 0xc : 4);
  root.poke(at + 0x34, correctable ? id : id << 16);
}

describe('errors', () => {
  test('the source is found by its ID, its errors by their bits, the first in front, and all is cleared (C87, C90)', async () => {
    const { model, up, root, b } = await machine();
    await enableErrorReporting(up.domains[0]?.devices ?? []);
    expect([
      model.get('rp').at((model.get('rp').extended.get(ExtendedId.aer) ?? 0) + 0x2c),
      model.get('b').at(0x68) & 0xf,
    ]).toEqual([7, 0xf]);
    inject(model, 'b', [20, 12]);
    const seen: string[] = [];
    const reports = await handleErrors(root, {
      detected: ({ device }, frozen) => seen.push(`${device.name} ${frozen}`),
      resume: ({ name }) => seen.push(`resume ${name}`),
    });
    expect(reports).toEqual([
      {
        device: b,
        severity: 'non-fatal',
        errors: ['unsupported request', 'poisoned TLP'],
        header: [0x4000_0001, 0x0300_000f, 0xc000_0000, 0],
      },
    ]);
    expect(seen).toEqual([`${b.name} false`, `resume ${b.name}`]);
    expect([model.get('b').resets, await handleErrors(root)]).toEqual([0, []]);
  });

  test('masked errors are not reported, fatal ones reset the link above the source, and the driver goes on (C88)', async () => {
    const { model, root, a } = await machine();
    const base = model.get('a').extended.get(ExtendedId.aer) ?? 0;
    const before = registers(model, 'a');
    inject(model, 'a', [22]);
    expect(await handleErrors(root)).toEqual([]);
    inject(model, 'a', [18]);
    const seen: string[] = [];
    const hooks = {
      detected: (_: unknown, frozen: boolean) => seen.push(`detected ${frozen}`),
      reset: () => seen.push('reset'),
      resume: () => seen.push('resume'),
    };
    expect((await handleErrors(root, hooks)).map(({ severity, errors }) => [severity, errors])).toEqual([
      ['fatal', ['malformed TLP']],
    ]);
    expect([seen, model.get('a').resets, model.get('b').resets]).toEqual([['detected true', 'reset', 'resume'], 1, 0]);
    expect([registers(model, 'a'), model.violations, a.name]).toEqual([before, [], '0000:03:00.0']);
    expect(model.get('a').at(base + 0x0c) & (1 << 18)).not.toBe(0);
  });

  test('correctable errors are noted and need nothing; with several errors all functions are looked at (C89)', async () => {
    const { model, root } = await machine();
    inject(model, 'a', [6, 12], { correctable: true });
    expect((await handleErrors(root)).map(({ severity, errors }) => [severity, errors])).toEqual([
      ['correctable', ['bad TLP', 'replay timer timeout']],
    ]);
    inject(model, 'a', [14]);
    inject(model, 'b', [15], { several: true, header: [] });
    expect((await handleErrors(root)).map(({ device, errors }) => [device.name, errors[0]])).toEqual([
      ['0000:03:00.0', 'completion timeout'],
      ['0000:06:00.0', 'completer abort'],
    ]);
    expect(model.get('a').resets).toBe(0);
  });

  test('a port that contained an error is released, and what is below it gets its configuration back (C91)', async () => {
    const { model, up, port, a, b } = await machine({ readyAfter: 300 });
    const devices = up.domains[0]?.devices ?? [];
    await enableContainment(devices);
    const dpc = model.get('s.0').extended.get(ExtendedId.dpc) ?? 0;
    expect(model.get('s.0').at(dpc + 4) >>> 16).toBe(1);
    const saved = await saveConfig(devices);
    const before = registers(model, 'a');
    expect(await handleContainment(port, saved)).toBeUndefined();
    // The link goes down, and the device is reset by it.
    model.get('s.0').poke(dpc + 8, (0x0300 << 16) | (2 << 1) | 1);
    model.get('a').reset(true);
    expect(await a.read(0)).toBe(0xffff_ffff);
    const seen: string[] = [];
    const contained = await handleContainment(port, saved, {
      detected: (report, frozen) => seen.push(`${report.device.name} ${report.errors[0]} ${frozen}`),
      resume: ({ name }) => seen.push(`resume ${name}`),
    });
    expect(contained).toEqual({ port, reason: 'ERR_FATAL from below', source: 0x0300 });
    expect(seen).toEqual(['0000:03:00.0 ERR_FATAL from below true', 'resume 0000:03:00.0']);
    expect([registers(model, 'a'), model.violations, model.get('b').resets, b.name]).toEqual([before, [], 0, '0000:06:00.0']);
    await expect(handleContainment(a, saved)).rejects.toThrow(/does not contain errors/);
    await expect(handleErrors(a)).rejects.toThrow(/no root port that reports errors/);
  });
});
