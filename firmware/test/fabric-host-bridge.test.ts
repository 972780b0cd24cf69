import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Direction,
  Iommu,
  mapScatterList,
  P2pBus,
  PhysicalMemory,
  type Platform,
  Provider,
  unmapScatterList,
} from '../host/src/p2pdma/index.ts';
import { acsRegister, ExtendedId } from '../host/src/pci/registers.ts';
import { routingId } from '../host/src/pci-function.ts';
import { at } from './bench.ts';
import { FabricComputer } from './fabric-computer.ts';
import { code, there } from './p2pdma-bench.ts';

/** Peers whose requests access control turns to the root: what the IOMMU and the forwarding of a host bridge make of them, on RTL. */

const page = 4096;
const block = 512;
/** 8 MiB: host memory, and as much for addresses that the IOMMU invents. */
const aperture = { base: 0x1000_0000n, pages: 2048, domains: 2 };
const inventions = aperture.base + 0x40_0000n;
/** This machine's host bridge forwards. */
const platform: Platform = { forwardsAll: true };

let on: FabricComputer;
beforeAll(async () => {
  on = await FabricComputer.start({ bridge: aperture, platform, acs: { iommu: true } });
}, 300_000);
afterAll(() => on[Symbol.dispose]());

const run = <T>(main: () => Promise<T>): Promise<T> => on.testbench.scheduler.run(main);
const bridge = () => there(on.testbench.bridge);
const idOf = (name: string): number => routingId(on.device(name).bdf);
const card = () => {
  const device = on.device('card0');
  const { address, bytes } = there(device.bars.find(({ index }) => index === 0));
  return { node: on.computer.tree.node(device), base: there(address), bytes };
};
const namespace = () => at(at(on.drives, 0).driver.namespaces, 0);
const media = (start: number) => at(on.drives, 0).media.bytes.subarray(start * block, start * block + page);
/** The drive writes a page of its blocks to an address, or reads one from there. */
const push = (start: number, base: bigint) => namespace().read(start, [{ base, bytes: BigInt(page) }]);
const pull = (start: number, base: bigint) => namespace().write(start, [{ base, bytes: BigInt(page) }]);
const failed = (work: Promise<unknown>) =>
  work.then(
    () => false,
    () => true,
  );

/** Domain 1 is the drive's: host memory as it is, and nothing else. Everybody else has what the buses have. @returns the drive's IOMMU. */
function protect(): Iommu {
  const tables = at(bridge().tables, 0);
  for (const name of on.devices.keys()) tables.setContext(idOf(name), 'identity');
  for (let i = 0n; i < aperture.pages; i++) {
    const iova = aperture.base + i * BigInt(page);
    tables.setPage(1, iova, iova < inventions ? iova : undefined);
  }
  tables.setContext(idOf('nvme0'), 'translated', 1);
  bridge().translate(true);
  return new Iommu(inventions, (iova, cpu) => tables.setPage(1, iova, cpu));
}

/** The card's memory for the drive: taken from its pool and mapped. */
function mapCard(iommu: Iommu, over: Platform = platform, direction: Direction = 'both') {
  const { node, base, bytes } = card();
  const memory = new PhysicalMemory([on.computer.buffers]);
  const bars = [{ index: 0, kind: 'memory' as const, cpu: base, bytes, busOffset: 0n }];
  const provider = new Provider({ device: node, memory, bars });
  provider.addResource(0);
  const taken = there(provider.alloc(BigInt(page)));
  const pci = on.computer.tree.node(at(on.drives, 0).device);
  const client = { name: 'nvme0', pci, dma: iommu };
  const mapped = mapScatterList({ memory, bus: new P2pBus(over) }, client, [taken], direction);
  return { taken, iova: there(mapped[0]).dma, unmap: () => unmapScatterList(client, mapped) };
}

beforeEach(() => {
  const root = on.computer.machine.devices[0];
  bridge().describe(0, {
    windows: [
      { base: 0xd000_0000n, bytes: 0x1000_0000n },
      { base: 0x90_0000_0000n, bytes: 1n << 40n },
    ],
    buses: { first: there(root).bdf.bus, last: 255 },
  });
  bridge().forward('all');
  bridge().translate(false);
  bridge().takeFaults();
});

/** What the links carried of data to addresses in a page, both ways. */
async function counted(base: bigint, work: () => Promise<unknown>) {
  on.countData({ base: base & ~0xfffn, bytes: BigInt(page) });
  await work();
  const { root, nvme0, card0 } = on.data();
  return { root, nvme0, card0 };
}

describe('requests between peers that access control turns to the root', () => {
  test('M2-8: the IOMMU lets pass what is mapped for the drive, and nothing else: that ends in an error and is told', () =>
    run(async () => {
      const iommu = protect();
      const { base } = card();
      const before = await on.computer.host.memory.read(base, page);
      // By its bus address, which no page table has.
      expect(await failed(pull(8, base))).toBe(true);
      expect(bridge().takeFaults()).toContainEqual(
        expect.objectContaining({ requester_id: idOf('nvme0'), access: 'read', reason: 'not_mapped' }),
      );
      // A write is posted: nobody would tell the drive, but it reads back behind its writes (C63).
      expect(await failed(push(8, base))).toBe(true);
      expect(bridge().takeFaults()).toContainEqual(
        expect.objectContaining({ requester_id: idOf('nvme0'), access: 'write', reason: 'not_mapped' }),
      );
      expect(Buffer.compare(await on.computer.host.memory.read(base, page), before)).toBe(0);

      const { taken, iova, unmap } = mapCard(iommu);
      await push(16, iova);
      expect(bridge().takeFaults()).toEqual([]);
      expect(Buffer.compare(await on.computer.host.memory.read(taken.cpu, page), media(16))).toBe(0);
      await pull(24, iova);
      expect(Buffer.compare(media(24), media(16))).toBe(0);
      unmap();
      expect(await failed(push(32, iova))).toBe(true);
      expect(
        bridge()
          .takeFaults()
          .map(({ address }) => address & ~0xfffn),
      ).toContain(iova);
      expect(Buffer.compare(await on.computer.host.memory.read(taken.cpu, page), media(16))).toBe(0);
    }));

  test('M2-9: the drive uses the address that the IOMMU invented: it goes up the root link, and the bus address comes down', () =>
    run(async () => {
      const { taken, iova, unmap } = mapCard(protect());
      expect(iova).not.toBe(taken.cpu);
      expect(await counted(iova, () => push(40, iova))).toEqual({ root: [0, page], nvme0: [0, page], card0: [0, 0] });
      expect(await counted(taken.cpu, () => push(48, iova))).toEqual({ root: [page, 0], nvme0: [0, 0], card0: [page, 0] });
      expect(Buffer.compare(await on.computer.host.memory.read(taken.cpu, page), media(48))).toBe(0);
      unmap();
    }));

  test('M4-14: where the host bridge forwards writes alone, writes pass and reads end in an error, the drive’s reading back too; the core tells the two apart', () =>
    run(async () => {
      const { base } = card();
      bridge().forward('writes');
      expect(await failed(push(56, base))).toBe(true);
      expect(Buffer.compare(await on.computer.host.memory.read(base, page), media(56))).toBe(0);
      expect(await failed(pull(64, base))).toBe(true);
      bridge().forward('nothing');
      expect(await failed(push(72, base))).toBe(true);
      expect(Buffer.compare(await on.computer.host.memory.read(base, page), media(56))).toBe(0);

      const asked: string[] = [];
      const writesAlone: Platform = { forwards: (_, __, direction) => asked.push(direction) > 0 && direction === 'write' };
      const allowed = (direction: Direction) => code(() => void mapCard(new Iommu(), writesAlone, direction));
      expect([allowed('write'), allowed('read')]).toEqual(['none', 'EREMOTEIO']);
      expect(asked).toEqual(['write', 'read']);
    }));
});

test('access control turned the requests: no port sends them to its neighbour', () =>
  run(async () => {
    for (const name of ['nvme0', 'card0']) {
      const port = there(on.device(name).parent);
      const control = (await port.read(there(port.extended.get(ExtendedId.acs)) + acsRegister)) >>> 16;
      expect(control & 0b1100).toBe(0b1100);
    }
  }));
