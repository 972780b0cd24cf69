import { describe, expect, test } from 'vitest';
import { allOnes, notReady } from '../host/src/pci/config-port.ts';
import { Machine } from '../host/src/pci/machine.ts';
import { everyDevice } from '../host/src/pci/pci-device.ts';
import { scanDomain } from '../host/src/pci/scan.ts';
import { endpoint, PciModel, rootPort, switchOf } from './pci-model.ts';

const MiB = 1n << 20n;
const apertures = {
  memory: { base: 0xc000_0000n, bytes: 512n * MiB },
  prefetchable: { base: 0x80_0000_0000n, bytes: 1n << 40n },
};

/** Names and buses of what was found. */
async function found(model: PciModel, options = {}) {
  const devices = await scanDomain(model.domain(), { hotPlugBuses: 0, ...options });
  return [...everyDevice(devices)].map(({ name, bridge }) =>
    bridge ? `${name} > ${bridge.secondary}-${bridge.subordinate}` : name,
  );
}

describe('finding functions', () => {
  test('switches behind switches to any depth, buses depth first (C20, C21, C24)', async () => {
    const leaf = switchOf('leaf', [[endpoint('a')], [endpoint('b')]]);
    const model = new PciModel([
      [rootPort('rp0', [switchOf('top', [[leaf], [endpoint('c')]])])],
      [rootPort('rp1', [endpoint('d')])],
    ]);
    expect(await found(model)).toEqual([
      '0000:00:00.0 > 1-7',
      '0000:01:00.0 > 2-7',
      '0000:02:00.0 > 3-6',
      '0000:03:00.0 > 4-6',
      '0000:04:00.0 > 5-5',
      '0000:05:00.0',
      '0000:04:01.0 > 6-6',
      '0000:06:00.0',
      '0000:02:01.0 > 7-7',
      '0000:07:00.0',
      '0000:00:01.0 > 8-8',
      '0000:08:00.0',
    ]);
    // Every register of every bridge says so too, and each function knows its number (C24).
    expect(model.get('leaf').secondary).toBe(4);
    expect(model.get('b').captured).toEqual({ bus: 6, devfn: 0 });
  });

  test('C26: other buses, other devices at a link, and functions that are not there read as all ones (C22, C23)', async () => {
    const model = new PciModel([[rootPort('rp0', [endpoint('a')])]]);
    await scanDomain(model.domain(), { hotPlugBuses: 0 });
    expect(await model.read({ bus: 1, device: 0, function: 0 }, 0)).toBe(0xe000_1d1d);
    for (const bdf of [
      { bus: 1, device: 1, function: 0 },
      { bus: 1, device: 31, function: 0 },
      { bus: 2, device: 0, function: 0 },
      { bus: 1, device: 0, function: 1 },
    ])
      expect(await model.read(bdf, 0)).toBe(allOnes);
    await expect(model.write({ bus: 9, device: 0, function: 0 }, 4, 0)).rejects.toThrow(/unsupported request/);
  });

  test('functions of a device that has several, with gaps; others are not asked', async () => {
    const model = new PciModel([
      [
        rootPort(
          'rp0',
          [endpoint('a.f0'), endpoint('a.f3')].flatMap((f, i) => (i === 0 ? [f, undefined, undefined] : [f])) as never,
        ),
      ],
    ]);
    expect(await found(model)).toEqual(['0000:00:00.0 > 1-1', '0000:01:00.0', '0000:01:00.3']);
    const single = new PciModel([[rootPort('rp0', [endpoint('a')])]]);
    await scanDomain(single.domain());
    const before = single.accesses;
    await scanDomain(single.domain());
    expect(single.accesses - before).toBeLessThan(160);
  });

  test('with ARI a device has functions up to 255, found by the list and not by asking all (C27)', async () => {
    const numbers = [0, 1, 8, 9, 255];
    const device = Array.from({ length: 256 }, (_, n) =>
      numbers.includes(n) ? endpoint(`v${n}`, { ari: numbers[numbers.indexOf(n) + 1] ?? 0 }) : undefined,
    );
    const model = new PciModel([[rootPort('rp0', device as never, { forwardsAri: true })]]);
    expect(await found(model)).toEqual([
      '0000:00:00.0 > 1-1',
      '0000:01:00.0',
      '0000:01:00.1',
      '0000:01:01.0',
      '0000:01:01.1',
      '0000:01:1f.7',
    ]);
    expect(model.get('v255').captured).toEqual({ bus: 1, devfn: 255 });
    // A port that cannot forward them finds those that are reached without.
    const old = new PciModel([[rootPort('rp0', device as never)]]);
    expect(await found(old)).toEqual(['0000:00:00.0 > 1-1', '0000:01:00.0', '0000:01:00.1']);
    const circle = new PciModel([
      [rootPort('rp0', [endpoint('a', { ari: 1 }), endpoint('b', { ari: 1 })], { forwardsAri: true })],
    ]);
    await expect(scanDomain(circle.domain())).rejects.toThrow(/from function 1 back to 1/);
  });

  test('C26: what is not ready is waited for, and named if it never is', async () => {
    const model = new PciModel([[rootPort('rp0', [endpoint('slow', { readyAfter: 700 })])]]);
    model.get('slow').reset(true);
    model.now = 150;
    expect(await found(model)).toEqual(['0000:00:00.0 > 1-1', '0000:01:00.0']);
    expect([model.now >= 700, model.now < 1500]).toEqual([true, true]);
    const never = new PciModel([[rootPort('rp0', [endpoint('dead', { readyAfter: 1e9 })])]]);
    never.get('dead').reset(true);
    never.now = 150;
    await expect(scanDomain(never.domain())).rejects.toThrow(/01:00\.0 was not ready \d+ ms after its reset/);
    expect(notReady & 0xffff).toBe(1);
  });

  test('a root port that is no function: the scan starts at its link', async () => {
    const model = new PciModel([[switchOf('top', [[endpoint('a')], [endpoint('b')]])]], { bus: 1, link: true });
    expect(await found(model)).toEqual([
      '0000:01:00.0 > 2-4',
      '0000:02:00.0 > 3-3',
      '0000:03:00.0',
      '0000:02:01.0 > 4-4',
      '0000:04:00.0',
    ]);
  });

  test('several root ports and integrated endpoints on one bus, and several domains with the same numbers', async () => {
    const [one, other] = [0, 1].map(
      i => new PciModel([[endpoint(`i${i}`, { portType: 9 })], [rootPort(`rp${i}`, [endpoint(`e${i}`)])]], { bus: 0x20 * i }),
    );
    if (!one || !other) throw new RangeError();
    const machine = await Machine.bringUp([
      { domain: one.domain(), apertures },
      { domain: other.domain({ number: 1 }), apertures },
    ]);
    expect(machine.devices.map(({ name }) => name)).toEqual([
      '0000:00:00.0',
      '0000:00:01.0',
      '0000:01:00.0',
      '0001:20:00.0',
      '0001:20:01.0',
      '0001:21:00.0',
    ]);
    expect(machine.device('0001:21:00.0').domain.number).toBe(1);
    expect(() => machine.device('0002:00:00.0')).toThrow(/there is no function 0002:00:00\.0: there are 0000:00:00\.0, /);
    await expect(
      Machine.bringUp([
        { domain: one.domain(), apertures },
        { domain: other.domain(), apertures },
      ]),
    ).rejects.toThrow(/two domains 0/);
  });

  test('bus numbers that run out are an error with the bridge; slots keep some', async () => {
    const slots = Array.from({ length: 10 }, (_, i) => [rootPort(`rp${i}`, [endpoint(`e${i}`)], { slot: true })]);
    const model = new PciModel(slots);
    const all = await found(model, { hotPlugBuses: 8 });
    expect(all.filter(line => line.includes('>')).slice(0, 2)).toEqual(['0000:00:00.0 > 1-9', '0000:00:01.0 > 10-18']);
    await expect(found(new PciModel(slots), { hotPlugBuses: 40 })).rejects.toThrow(
      /no bus number up to 255 is left for the bridge 0000:00:07\.0/,
    );
  });

  test('lists without an end and impossible headers are named', async () => {
    const broken = (change: (model: PciModel) => void) => {
      const model = new PciModel([[endpoint('a', { acs: 0x7f, portType: 9 })]]);
      change(model);
      return scanDomain(model.domain());
    };
    const poke = (offset: number, value: number) => (model: PciModel) => model.get('a').poke(offset, value);
    await expect(broken(poke(0x60, 0x0092_6010))).rejects.toThrow(/capability list of 00:00\.0 comes back to 0x60/);
    await expect(broken(poke(0x100, 0x1001_000d))).rejects.toThrow(/extended capabilities of 00:00\.0 comes back to 0x100/);
    await expect(broken(poke(0x0c, 0x0002_0000))).rejects.toThrow(/header type 2/);
  });
});
