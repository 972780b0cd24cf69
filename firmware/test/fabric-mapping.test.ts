import { CapabilityId } from '@hdl/pcie-rtl';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interruptAddress } from '../host/src/interrupts.ts';
import {
  type DmaOps,
  ExportedBuffer,
  hypervisorDma,
  type Importer,
  identityDma,
  mapScatterList,
  mmapPool,
  P2pBus,
  PhysicalMemory,
  type Piece,
  type Place,
  Provider,
  type ProviderForm,
  ProviderRegistry,
  pinUserPage,
  Sysfs,
} from '../host/src/p2pdma/index.ts';
import { at, randomBytes } from './bench.ts';
import { FabricComputer, type FabricDrive } from './fabric-computer.ts';
import { code, settled, there } from './p2pdma-bench.ts';

/** What the peer-to-peer core makes of addresses, buffers and programs' pages, and what its answers do on RTL. */

const page = 4096;
const block = 512;

let on: FabricComputer;
beforeAll(async () => {
  on = await FabricComputer.start();
}, 300_000);
afterAll(() => on[Symbol.dispose]());

const run = <T>(main: () => Promise<T>): Promise<T> => on.testbench.scheduler.run(main);
const drive = (index: number): FabricDrive => at(on.drives, index);
const namespace = (index: number) => at(drive(index).driver.namespaces, 0);
const media = (index: number, start: number, bytes: number) =>
  drive(index).media.bytes.subarray(start * block, start * block + bytes);
/** The memory of the card, which no driver has taken here. */
const card = () => {
  const device = on.device('card0');
  const { address, bytes } = there(device.bars.find(({ index }) => index === 0));
  return { node: on.computer.tree.node(device), device, base: there(address), bytes };
};
const clientOf = (index: number, dma: DmaOps = identityDma) => {
  const pci = on.computer.tree.node(drive(index).device);
  return { name: pci.name, pci, dma };
};
/** A provider of the card's memory, whose addresses the processor knows with an offset. */
function provide(offset = 0n) {
  const { node, base, bytes } = card();
  const memory = new PhysicalMemory([on.computer.buffers]);
  const bars = [{ index: 0, kind: 'memory' as const, cpu: base + offset, bytes, busOffset: -offset }];
  return { memory, bus: new P2pBus(), provider: new Provider({ device: node, memory, bars }) };
}
/** A drive writes the blocks from `start` on to an address. */
const toAddress = (index: number, start: number, base: bigint, bytes: number) =>
  namespace(index).read(start, [{ base, bytes: BigInt(bytes) }]);
/** What the links carried of data since `countData`, by what is below them. */
const linkData = () => on.data();
const atCard = (offset: number, bytes: number) => on.computer.host.memory.read(card().base + BigInt(offset), bytes);

describe('addresses', () => {
  /** Writes with the address that the core gives, and with one that it should not have been. */
  const compare = async (given: bigint, wrong: bigint) => {
    const { base, bytes } = card();
    on.countData({ base, bytes }, { base: wrong, bytes: BigInt(page) });
    await toAddress(0, 8, given, page);
    expect(linkData()).toMatchObject({ root: [0, 0], nvme0: [0, page], card0: [page, 0] });
    expect(Buffer.compare(await atCard(Number(given - base), page), media(0, 8, page))).toBe(0);
    on.countData({ base, bytes }, { base: wrong, bytes: BigInt(page) });
    // Nobody is there: the drive finds that out, as it looks whether its data has arrived (C63), each of the three times that the driver tries.
    await expect(toAddress(0, 8, wrong, page)).rejects.toThrow('data transfer error');
    expect(linkData()).toMatchObject({ root: [0, 3 * page], card0: [0, 0] });
  };

  test('M0-4: B-11: where bus and processor count differently, the write carries the bus address and leaves at the provider’s port', () =>
    run(async () => {
      const offset = 0x40_0000_0000n;
      const { provider, ...mapper } = provide(offset);
      provider.addResource(0);
      const taken = there(provider.alloc(BigInt(page)));
      const [mapped] = mapScatterList(mapper, clientOf(0), [taken]);
      expect([taken.cpu, there(mapped).dma]).toEqual([card().base + offset, card().base]);
      await compare(there(mapped).dma, taken.cpu);
    }));

  test('C93: an interrupt whose vector points at a peer is written there like anything else, and no longer heard', () =>
    run(async () => {
      const { base } = card();
      const { device } = drive(1);
      const { memory } = on.computer.host;
      const capability = there(device.capabilities.get(CapabilityId.msix));
      const place = await device.read(capability + 4);
      const table = there(device.bars.find(({ index }) => index === (place & 7))?.address) + BigInt(place & ~7);
      const vectors = (((await device.read(capability)) >>> 16) & 0x7ff) + 1;
      const entries = Array.from({ length: vectors }, (_, i) => table + 16n * BigInt(i));
      const point = async (address: bigint) => {
        for (const entry of entries) {
          await memory.write32(entry, Number(address & 0xffff_ffffn));
          await memory.write32(entry + 4n, Number(address >> 32n));
        }
      };
      const messages = await Promise.all(entries.map(entry => memory.read32(entry + 8n)));
      await memory.write32(base, 0xffff_ffff);
      await point(base);
      on.countData({ base, bytes: BigInt(page) });
      let heard = false;
      const first = namespace(1)
        .read(0, [{ base: on.computer.buffers.base, bytes: BigInt(block) }])
        .then(() => {
          heard = true;
        });
      for (let i = 0; i < 100 && (await memory.read32(base)) === 0xffff_ffff; i++) await on.testbench.scheduler.delay(100);
      expect(messages).toContain(await memory.read32(base));
      expect(heard).toBe(false);
      expect(linkData()).toMatchObject({ nvme1: [0, 4] });
      await point(interruptAddress);
      // The next interrupt is heard, and with it what was finished before.
      await namespace(1).read(1, [{ base: on.computer.buffers.base + BigInt(page), bytes: BigInt(block) }]);
      await first;
    }));

  test('M2-6 M2-7: a guest’s address is the hypervisor’s invention; what the device is given is the host’s bus address', () =>
    run(async () => {
      const invention = 0x1000_0000_0000n;
      const { node, base, bytes } = card();
      const memory = new PhysicalMemory([]);
      const bars = [{ index: 0, kind: 'memory' as const, cpu: base + invention, bytes, busOffset: 0n }];
      const provider = new Provider({ device: node, memory, bars });
      provider.addResource(0);
      const taken = there(provider.alloc(BigInt(2 * page)));
      const inside = (guest: bigint) =>
        guest >= base + invention && guest < base + invention + bytes ? guest - invention : undefined;
      const mapper = { memory, bus: new P2pBus() };
      const [real] = mapScatterList(mapper, clientOf(0, hypervisorDma(inside)), [taken]);
      const [unasked] = mapScatterList(mapper, clientOf(0), [taken]);
      await compare(there(real).dma, there(unasked).dma);
    }));

  test('M2-2: a BAR that is opened with one call is written by a peer, and configuration space is as it was', () =>
    run(async () => {
      const { device, base } = card();
      const registers = () => Promise.all(Array.from({ length: 64 }, (_, i) => device.read(4 * i)));
      const before = await registers();
      const { provider, ...mapper } = provide();
      const piece: Piece = { cpu: base + 0x3000n, bytes: BigInt(page) };
      expect(code(() => mapScatterList(mapper, clientOf(0), [piece]))).toBe('EINVAL');
      provider.enableBar(0);
      const [mapped] = mapScatterList(mapper, clientOf(0), [piece]);
      await toAddress(0, 16, there(mapped).dma, page);
      expect(Buffer.compare(await atCard(0x3000, page), media(0, 16, page))).toBe(0);
      expect(provider.alloc(BigInt(page))).toBeUndefined();
      expect(await registers()).toEqual(before);
      const registersOfDrive = there(drive(1).device.bars.find(({ index }) => index === 0)?.address);
      expect(code(() => mapScatterList(mapper, clientOf(0), [{ cpu: registersOfDrive, bytes: 4096n }]))).toBe('EINVAL');
    }));

  test('M0-6: as a device of its own or as state of the function, the same copy makes the same packets', () =>
    run(async () => {
      const { node, base, bytes } = card();
      const packets = async (form: ProviderForm) => {
        const memory = new PhysicalMemory([]);
        const registry = new ProviderRegistry(form);
        const bars = [{ index: 0, kind: 'memory' as const, cpu: base, bytes, busOffset: 0n }];
        const { name, provider } = registry.register({ device: node, memory, bars });
        provider.addResource(0);
        provider.publish(true);
        const taken = there(registry.named(name).alloc(BigInt(2 * page)));
        const mapper = { memory, bus: new P2pBus() };
        on.countData({ base, bytes });
        for (const [index, way] of [
          [0, 'read'],
          [1, 'write'],
        ] as const) {
          const ranges = mapScatterList(mapper, clientOf(index), [taken]).map(({ dma }) => ({ base: dma, bytes: taken.bytes }));
          await namespace(index)[way](64, ranges);
        }
        // Doorbells may still be on their way.
        await on.testbench.scheduler.delay(200);
        const counted = on.testbench.links.snapshot().flatMap(({ link, down, up }) => [down, up].map(way => ({ link, ...way })));
        return counted.map(({ first_cycle: _, first_data_cycle: __, last_data_cycle: ___, ...rest }) => rest);
      };
      expect(await packets('child device')).toEqual(await packets('function state'));
    }));
});

describe('buffers that others use', () => {
  /** A device that allocates its own memory, as GPUs do. */
  function allocator() {
    const { base } = card();
    const allocations: Place[] = [];
    return {
      allocations,
      allocate(bytes: number): Place {
        const cpu = base + 0x8000n + BigInt(allocations.length * 0x2000);
        const place = { name: 'the card', cpu, bytes: BigInt(bytes) };
        allocations.push(place);
        return place;
      },
    };
  }
  const importerOf = (index: number): Importer => ({ client: clientOf(index), peers: true, invalidate: () => {} });

  test('M1-12: what the device has allocated is written by another one at that address, and allocated once', () =>
    run(async () => {
      const { provider, ...mapper } = provide();
      provider.enableBar(0);
      const { allocate, allocations } = allocator();
      const buffer = new ExportedBuffer(mapper, allocate(page), on.computer.system);
      const importer = importerOf(0);
      buffer.attach(importer);
      const [mapped] = buffer.map(importer, 'write');
      on.countData(card());
      await toAddress(0, 24, there(mapped).dma, page);
      expect(linkData()).toMatchObject({ root: [0, 0], card0: [page, 0] });
      expect(Buffer.compare(await atCard(0x8000, page), media(0, 24, page))).toBe(0);
      expect(allocations.map(({ cpu }) => cpu)).toEqual([there(mapped).dma]);
    }));

  test('M1-4 M1-5: a buffer moves only when the transfer to it has ended, and no packet goes to its old place after that', () =>
    run(async () => {
      const { memory, bus, provider } = provide();
      provider.enableBar(0);
      const target = drive(1).provider;
      const next = there(target.alloc(BigInt(2 * page)));
      const other = new Provider({
        device: target.device,
        memory,
        bars: [{ index: 2, kind: 'memory', cpu: next.cpu, bytes: next.bytes, busOffset: 0n }],
      });
      other.enableBar(2);
      const buffer = new ExportedBuffer({ memory, bus }, allocator().allocate(2 * page), on.computer.system);
      const importer = importerOf(0);
      buffer.attach(importer);
      const [before] = buffer.map(importer, 'write');
      const end = buffer.begin(importer);
      on.countData(card(), { base: next.cpu, bytes: next.bytes });
      const transfer = toAddress(0, 32, there(before).dma, 2 * page);
      const moved = buffer.move({ name: 'the drive', cpu: next.cpu, bytes: next.bytes });
      expect(await settled(moved)).toBe(false);
      await transfer;
      end();
      await moved;
      expect(linkData()).toMatchObject({ card0: [2 * page, 0], nvme1: [0, 0] });
      const [after] = buffer.map(importer, 'write');
      on.countData(card(), { base: next.cpu, bytes: next.bytes });
      await toAddress(0, 32, there(after).dma, 2 * page);
      expect(linkData()).toMatchObject({ root: [0, 0], card0: [0, 0], nvme1: [2 * page, 0] });
      target.free(next);
    }));
});

describe('pages in programs', () => {
  const mapped = (pages: number) => {
    const made = provide();
    made.provider.addResource(0);
    made.provider.publish(true);
    return { ...made, mapping: mmapPool({ bytes: pages * page, offset: 0, shared: true }, made.provider) };
  };

  test('M3-6: the processor’s loads and stores are requests of their own size, and no more', () =>
    run(async () => {
      const { mapping } = mapped(1);
      const { page: first, attributes } = at(mapping.entries, 0);
      expect(attributes.cached).toBe(false);
      const { memory } = on.computer.host;
      on.countData(card());
      await memory.write32(first.bus + 8n, 0x1122_3344);
      expect(await memory.read32(first.bus + 8n)).toBe(0x1122_3344);
      await memory.write(first.bus + 33n, randomBytes(1, 3));
      await on.testbench.scheduler.delay(100);
      const { down, up } = there(on.testbench.links.snapshot().find(({ link }) => link === 'card0'));
      expect([down.posted, down.non_posted, down.data_bytes, up.completions, up.data_bytes]).toEqual([2, 1, 5, 1, 4]);
    }));

  test('M3-8: pages go back one by one; the one that a transfer uses when the transfer has ended, as if nothing had been', () =>
    run(async () => {
      const { provider, mapping } = mapped(4);
      const size = provider.available;
      const held = pinUserPage(mapping, 2, { peers: true });
      const transfer = toAddress(0, 40, held.bus, page);
      mapping.unmap();
      expect(provider.available).toBe(size + BigInt(3 * page));
      await transfer;
      expect(Buffer.compare(await atCard(Number(held.bus - card().base), page), media(0, 40, page))).toBe(0);
      held.put();
      expect(provider.available).toBe(provider.size);
    }));

  test('M3-9: E3: a program maps the memory, reads from one drive into it and writes to another: no byte on the root link', () =>
    run(async () => {
      const { node, base, bytes } = card();
      const memory = new PhysicalMemory([]);
      const registry = new ProviderRegistry();
      const bars = [{ index: 0, kind: 'memory' as const, cpu: base, bytes, busOffset: 0n }];
      const { provider } = registry.register({ device: node, memory, bars });
      provider.addResource(0);
      const files = new Sysfs(registry, { userMappings: true });
      const folder = `/sys/bus/pci/devices/${node.name}/p2pmem`;
      const before = files.read(`${folder}/available`);
      const chunk = 2 * page;
      const mapping = files.mmap(`${folder}/allocate`, { bytes: chunk, offset: 0, shared: true });
      const mapper = { memory, bus: new P2pBus() };
      const pages = [0, 1].map(i => pinUserPage(mapping, i, { peers: true }));
      const pieces = pages.map(({ cpu }) => ({ cpu, bytes: BigInt(page) }));
      const rangesFor = (index: number) =>
        mapScatterList(mapper, clientOf(index), pieces).map(({ dma, bytes: size }) => ({ base: dma, bytes: size }));
      on.countData(card());
      for (let i = 0; i < 4; i++) {
        const start = 100 + (i * chunk) / block;
        await namespace(0).read(start, rangesFor(0));
        await namespace(1).write(start, rangesFor(1));
      }
      expect(Buffer.compare(media(1, 100, 4 * chunk), media(0, 100, 4 * chunk))).toBe(0);
      expect(linkData()).toEqual({ root: [0, 0], nvme0: [0, 4 * chunk], nvme1: [4 * chunk, 0], card0: [4 * chunk, 4 * chunk] });
      for (const each of pages) each.put();
      mapping.unmap();
      expect(files.read(`${folder}/available`)).toBe(before);
    }));
});
