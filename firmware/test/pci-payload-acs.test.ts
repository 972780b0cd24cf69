import { describe, expect, test } from 'vitest';
import { Acs } from '../host/src/p2pdma/tree.ts';
import { configureAcs, parseConfigAcs, parseDisableRedirect, restoreAcs, turningPorts } from '../host/src/pci/acs.ts';
import { Machine } from '../host/src/pci/machine.ts';
import { configurePayload, type PayloadPolicy, payloadMismatches } from '../host/src/pci/payload.ts';
import { everyDevice } from '../host/src/pci/pci-device.ts';
import { scanDomain } from '../host/src/pci/scan.ts';
import { endpoint, PciModel, rootPort, switchOf } from './pci-model.ts';
import type { ModelBar } from './pci-model-function.ts';

const MiB = 1n << 20n;
const apertures = { memory: { base: 0xc000_0000n, bytes: 512n * MiB } };
const bars: readonly ModelBar[] = [{ index: 0, bytes: MiB, kind: 'memory32' }];

/** A NIC that sends 512 bytes, and a drive that takes 128, behind one switch. */
const trap = () =>
  new PciModel([
    [
      rootPort(
        'rp',
        [
          switchOf('s', [[endpoint('nic', { maxPayload: 512, bars })], [endpoint('ssd', { maxPayload: 128, bars })]], {
            maxPayload: 512,
          }),
        ],
        { maxPayload: 1024 },
      ),
    ],
  ]);

describe('payload limits', () => {
  const sizes = (model: PciModel) => ['rp', 's', 's.0', 's.1', 'nic', 'ssd'].map(name => model.get(name).payload);

  test.each<[PayloadPolicy, readonly number[], string]>([
    ['peer2peer', [128, 128, 128, 128, 128, 128], 'ssd'],
    ['safe', [128, 128, 128, 128, 128, 128], 'ssd'],
    ['perf', [1024, 512, 512, 512, 512, 128], 'malformed at ssd'],
    ['tune_off', [128, 128, 128, 128, 128, 128], 'ssd'],
  ])('%s gives the functions their limits, and a peer’s write of the largest payload ends there (C4)', async (payload, expected, end) => {
    const model = trap();
    const machine = await Machine.bringUp([{ domain: model.domain(), apertures }], { payload });
    expect(sizes(model)).toEqual(expected);
    const at = machine.device('0000:04:00.0').bars[0]?.address ?? 0n;
    expect(model.transfer(model.get('nic'), at)).toBe(end);
    // From the host, and to it, every policy works.
    expect(model.transfer(model.get('nic'), 0x1000n)).toBe('host');
    const mismatches = await payloadMismatches(machine.domains[0]?.devices ?? []);
    expect(mismatches.map(({ sender, receiver, bytes, takes }) => [sender.name, receiver.name, bytes, takes])).toEqual(
      payload === 'perf' ? [['0000:03:00.0', '0000:04:00.0', 512, 128]] : [],
    );
  });

  test('safe takes what all below a root port can take, each root port by itself, and 128 where a slot may get anything', async () => {
    const model = new PciModel([
      [rootPort('a', [switchOf('s', [[endpoint('x', { maxPayload: 256 })], [endpoint('y')]])])],
      [rootPort('b', [endpoint('z', { maxPayload: 4096 })], { maxPayload: 1024, slot: true })],
      [rootPort('c', [switchOf('t', [[endpoint('w')], []], { slot: true })])],
    ]);
    await Machine.bringUp([{ domain: model.domain(), apertures }], { payload: 'safe' });
    expect(['a', 's', 'x', 'y', 'b', 'z', 'c', 't', 'w'].map(name => model.get(name).payload)).toEqual([
      256, 256, 256, 256, 1024, 1024, 128, 128, 128,
    ]);
  });

  test('perf asks for no more than a payload at a time; MRRS may be given, and sizes that there are not are refused', async () => {
    const model = trap();
    await Machine.bringUp([{ domain: model.domain(), apertures }], { payload: 'perf' });
    expect(['nic', 'ssd'].map(name => model.get(name).readRequest)).toEqual([512, 128]);
    for (const payload of ['perf', 'tune_off', 'peer2peer'] as const) {
      await Machine.bringUp([{ domain: model.domain(), apertures }], { payload, maxReadRequest: 4096 });
      expect(['rp', 'nic', 'ssd'].map(name => model.get(name).readRequest)).toEqual([4096, 4096, 4096]);
    }
    await expect(Machine.bringUp([{ domain: model.domain(), apertures }], { maxReadRequest: 300 })).rejects.toThrow(
      /MRRS is one of 128, 256, .* not 300/,
    );
  });

  test('tune_off leaves what the firmware set', async () => {
    const model = trap();
    const devices = await scanDomain(model.domain());
    await configurePayload(devices, 'safe');
    await devices[0]?.setLimits(256, 1024);
    await configurePayload(devices, 'tune_off');
    expect([model.get('rp').payload, model.get('rp').readRequest]).toEqual([256, 1024]);
  });
});

describe('access control', () => {
  const all = 0x7f;
  const isolation = Acs.sourceValidation | Acs.requestRedirect | Acs.completionRedirect | Acs.upstreamForwarding;
  const model = () =>
    new PciModel([
      [
        rootPort(
          'rp',
          [
            switchOf('s', [[endpoint('a', { acs: Acs.requestRedirect | Acs.directTranslated })], [endpoint('b')]], {
              acs: all,
              firmwareAcs: Acs.directTranslated,
              ids: 0x5101_1d1d,
            }),
          ],
          { acs: Acs.sourceValidation | Acs.translationBlocking, firmwareAcs: Acs.sourceValidation },
        ),
      ],
    ]);
  const set = async (options: Parameters<typeof configureAcs>[1]) => {
    const made = model();
    const devices = [...everyDevice(await scanDomain(made.domain(), { hotPlugBuses: 0 }))];
    const settings = await configureAcs(devices, options);
    return { made, devices, settings, control: ['rp', 's.0', 's.1', 'a'].map(name => made.get(name).acs) };
  };

  test('without an IOMMU what the firmware left; with one, isolation as far as each function has it', async () => {
    expect((await set({})).control).toEqual([Acs.sourceValidation, Acs.directTranslated, Acs.directTranslated, 0]);
    expect((await set({ iommu: true })).control).toEqual([
      Acs.sourceValidation,
      isolation | Acs.directTranslated,
      isolation | Acs.directTranslated,
      Acs.requestRedirect,
    ]);
  });

  test('ports of devices that are not trusted block translated requests', async () => {
    const { control } = await set({ iommu: true, untrusted: ['0000:02:01.0', '0000:03:00.0'] });
    expect(control.map(bits => (bits & Acs.translationBlocking) !== 0)).toEqual([false, false, true, false]);
  });

  test('disable_acs_redir starts from the firmware’s value and takes redirection away', async () => {
    for (const which of ['0000:02:00.0', '02:00.0', '00:00.0/00.0/00.0']) {
      const { control } = await set({ iommu: true, disableRedirect: which });
      expect([which, control.slice(1, 3)]).toEqual([which, [Acs.directTranslated, isolation | Acs.directTranslated]]);
    }
    const byId = await set({ iommu: true, disableRedirect: 'pci:1d1d:5101' });
    expect(byId.control.slice(1, 3)).toEqual([Acs.directTranslated, Acs.directTranslated]);
    const several = await set({ iommu: true, disableRedirect: '02:00.0; 02:01.0;03:00.0' });
    expect(several.control.slice(1)).toEqual([Acs.directTranslated, Acs.directTranslated, 0]);
  });

  test('config_acs sets and clears bits, and leaves those with x as the firmware has them', async () => {
    const { control, settings } = await set({ iommu: true, config: 'x0000x1@02:00.0,1111111@0000:03:00.0' });
    expect(settings.map(each => each.control)).toEqual([control[0], control[1], control[3], control[2]]);
    expect(control[1]).toBe(Acs.sourceValidation | Acs.directTranslated);
    // Bits that a function has not got stay clear.
    expect(control[3]).toBe(Acs.requestRedirect | Acs.directTranslated);
    expect(parseConfigAcs('01x@00:01.0')[0]).toMatchObject({ mask: 0b110, value: 0b010 });
    expect(parseDisableRedirect('00:01.0')[0]).toMatchObject({ mask: 0b10_1100, value: 0 });
  });

  test.each([
    [{ config: '0000:02:00.0' }, /config_acs: '0000:02:00\.0' is not flags@functions/],
    [{ config: '012@02:00.0' }, /config_acs: '012' are no flags: up to 7 of 0, 1 and x/],
    [{ config: '00000000@02:00.0' }, /'00000000' are no flags/],
    [{ config: '1@' }, /config_acs: no function is named/],
    [{ config: '1@02:00' }, /config_acs: '02:00' names no function/],
    [{ disableRedirect: '02:00.8' }, /disable_acs_redir: '02:00\.8' names no function/],
    [{ disableRedirect: 'pci:1d1d' }, /'pci:1d1d' names no function: write domain:bus:device\.function, or pci:vendor:device/],
    [{ disableRedirect: '02:00.0;' }, /'' names no function/],
    [{ disableRedirect: '09:00.0' }, /'09:00\.0' names no function with access control: those with it are 0000:00:00\.0, /],
    [{ disableRedirect: '04:00.0' }, /'04:00\.0' names no function with access control/],
    [{ disableRedirect: '0001:02:00.0' }, /no function with access control/],
  ])('%j is refused', async (options, words) => {
    await expect(set(options)).rejects.toThrow(words);
  });

  test('process address spaces need request redirect and upstream forwarding on the whole way (B-21)', async () => {
    const full = new PciModel([
      [rootPort('rp', [switchOf('s', [[endpoint('a')], [endpoint('b')]], { acs: all })], { acs: all })],
    ]);
    const devices = [...everyDevice(await scanDomain(full.domain(), { hotPlugBuses: 0 }))];
    const a = devices.find(({ name }) => name === '0000:03:00.0');
    if (!a) throw new RangeError('a is missing');
    const turning = async () => (await turningPorts(a)).map(({ name }) => name);
    expect(await turning()).toEqual(['0000:02:00.0', '0000:00:00.0']);
    await configureAcs(devices, { iommu: true });
    expect(await turning()).toEqual([]);
    await configureAcs(devices, { iommu: true, disableRedirect: '02:00.0' });
    expect(await turning()).toEqual(['0000:02:00.0']);
  });

  test('what was set comes back after a reset', async () => {
    const { made, devices, settings } = await set({ iommu: true });
    made.get('a').reset(true);
    made.now += 200;
    expect(made.get('a').acs).toBe(0);
    await restoreAcs(settings, devices);
    expect(made.get('a').acs).toBe(Acs.requestRedirect);
  });
});
