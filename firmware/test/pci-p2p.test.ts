import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { P2pBus } from '../host/src/p2pdma/bus.ts';
import { directedPolicy, distance } from '../host/src/p2pdma/distance.ts';
import { Provider } from '../host/src/p2pdma/provider.ts';
import { mapScatterList } from '../host/src/p2pdma/scatter-list.ts';
import { Machine } from '../host/src/pci/machine.ts';
import { barRanges, P2pTree } from '../host/src/pci/p2p-tree.ts';
import { client, newMemory } from './p2pdma-bench.ts';
import { endpoint, PciModel, rootPort, switchOf } from './pci-model.ts';
import type { FunctionParams, ModelBar } from './pci-model-function.ts';

const MiB = 1n << 20n;
const apertures = {
  memory: { base: 0xc000_0000n, bytes: 512n * MiB },
  prefetchable: { base: 0x80_0000_0000n, bytes: 1n << 40n },
};
const bars: readonly ModelBar[] = [{ index: 2, bytes: MiB, kind: 'memory64', prefetchable: true }];
const card = (name: string) => endpoint(name, { bars });

describe('the peer-to-peer core on a machine that was found', () => {
  test('M1-22: kinds, bridges, access control and host bridge all come from configuration space', async () => {
    const model = new PciModel([
      [rootPort('rp', [switchOf('s', [[card('a')], [card('b')]], { acs: 0x7f })], { ids: 0x2030_8086 })],
      [rootPort('rq', [card('c')])],
      [endpoint('i', { portType: 9, bars })],
    ]);
    const machine = await Machine.bringUp([{ domain: model.domain({ cpuOffset: 0x40_0000_0000n }), apertures }]);
    const tree = await P2pTree.of(machine.domains);
    const node = (name: string) => tree.node(machine.device(name));
    expect([node('0000:03:00.0').kind, node('0000:02:00.0').kind, node('0000:00:02.0').kind]).toEqual([
      'endpoint',
      'downstream port',
      'integrated endpoint',
    ]);
    expect(node('0000:03:00.0').host).toEqual({ name: 'domain 0', vendor: 0x8086, device: 0x2030, identifies: true });
    const bus = new P2pBus();
    const ask = (provider: string, from: string) => {
      const { mapType, hops } = bus.distance(node(provider), client(node(from)));
      return [mapType, hops];
    };
    expect(ask('0000:03:00.0', '0000:04:00.0')).toEqual(['BUS_ADDR', 4]);
    expect(ask('0000:03:00.0', '0000:05:00.0')).toEqual(['THRU_HOST_BRIDGE', 6]);
    expect(ask('0000:03:00.0', '0000:00:02.0')).toEqual(['THRU_HOST_BRIDGE', 5]);
    // Access control that changes is read again on demand only (B-6).
    await machine.device('0000:02:00.0').change(model.get('s.0').extended.get(0xd) ?? 0, 0, 0);
    model.get('s.0').poke((model.get('s.0').extended.get(0xd) ?? 0) + 4, 0x0004_007f);
    expect(ask('0000:03:00.0', '0000:04:00.0')).toEqual(['BUS_ADDR', 4]);
    await tree.readAcs();
    expect(ask('0000:03:00.0', '0000:04:00.0')).toEqual(['THRU_HOST_BRIDGE', 4]);
    // A provider of the BARs that were assigned: a peer gets the bus address.
    const provider = new Provider({
      device: node('0000:05:00.0'),
      memory: newMemory(),
      bars: barRanges(machine.device('0000:05:00.0')),
    });
    expect([provider.device.name, barRanges(machine.device('0000:05:00.0'))[0]?.busOffset]).toEqual([
      '0000:05:00.0',
      -0x40_0000_0000n,
    ]);
  });

  test('M0-4: what a client is given for a peer’s page is the address that the switch routes to that peer', async () => {
    const model = new PciModel([[rootPort('rp', [switchOf('s', [[card('a')], [card('b')]])])]]);
    const machine = await Machine.bringUp([{ domain: model.domain({ cpuOffset: 0x40_0000_0000n }), apertures }]);
    const tree = await P2pTree.of(machine.domains);
    const [a, b] = ['0000:03:00.0', '0000:04:00.0'].map(name => machine.device(name));
    if (!a || !b) throw new RangeError('a device is missing');
    const memory = newMemory();
    const provider = new Provider({ device: tree.node(a), memory, bars: barRanges(a) });
    provider.addResource(2);
    const page = provider.alloc(4096n);
    const [mapped] = mapScatterList({ memory, bus: new P2pBus() }, client(tree.node(b)), [
      { cpu: page?.cpu ?? 0n, bytes: 4096n },
    ]);
    expect(model.routeMemory(mapped?.dma ?? 0n, model.get('b'))).toBe(model.get('a'));
    // The processor's address would go up.
    expect(model.routeMemory(page?.cpu ?? 0n, model.get('b'))).toBe('host');
  });

  let names = 0;
  const anyDevice = fc.letrec<{ device: FunctionParams }>(tie => ({
    device: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constant(0).map(() => card(`e${names++}`)),
      fc
        .tuple(fc.array(tie('device'), { minLength: 1, maxLength: 3 }), fc.option(fc.integer({ min: 0, max: 127 })))
        .map(([below, acs]) =>
          switchOf(
            `s${names++}`,
            below.map(d => [d]),
            acs === null ? {} : { acs: 0x7f, firmwareAcs: acs },
          ),
        ),
    ),
  })).device;

  test('M1-16: in any machine what is called direct arrives at the peer without the root port, and nothing else is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyDevice, { minLength: 1, maxLength: 3 }), async roots => {
        const model = new PciModel(roots.map((device, i) => [rootPort(`r${i}`, [device])]));
        const machine = await Machine.bringUp([{ domain: model.domain(), apertures }]);
        const tree = await P2pTree.of(machine.domains);
        const ends = machine.devices.filter(({ bridge }) => !bridge);
        for (const from of ends)
          for (const to of ends) {
            if (from === to) continue;
            const at = to.bars[0]?.address ?? 0n;
            const model_ = (device: typeof from) =>
              [...model.all()].find(({ captured, isBridge }) => !isBridge && captured?.bus === device.bdf.bus);
            const [source, end] = [model_(from), model_(to)];
            if (!source || !end) throw new RangeError('a function is missing');
            const common = [...source.ancestors()].find(each => [...end.ancestors()].includes(each));
            const linux = distance(tree.node(to), tree.node(from)).mapType;
            const directed = distance(tree.node(to), tree.node(from), { policy: directedPolicy }, 'write').mapType;
            // By windows alone every peer is reached; what turns it to the root is access control at the port by which it enters the switch.
            if (model.routeMemory(at, source) !== end) throw new Error(`${from.name} does not reach ${to.name}`);
            const entry = [source, ...source.ancestors()].find(each => each.above === common);
            const turned = common === undefined || (entry !== undefined && (entry.acs & 0b10_0100) !== 0);
            if (turned && (linux === 'BUS_ADDR' || directed === 'BUS_ADDR'))
              throw new Error(`a false yes from ${from.name} to ${to.name}`);
            if (!turned && directed !== 'BUS_ADDR') throw new Error(`a false no from ${from.name} to ${to.name}`);
          }
      }),
      { seed: 161, numRuns: 60 },
    );
  });
});
