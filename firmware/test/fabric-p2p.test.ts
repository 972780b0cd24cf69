import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NvmeNamespace } from '../host/src/nvme/index.ts';
import { allocBuffer, type DataBuffer, type Direction, directedPolicy, P2pBus, type Provider } from '../host/src/p2pdma/index.ts';
import { notReady, type PciDevice, restoreConfig, saveConfig, untilReady } from '../host/src/pci/index.ts';
import { acsRegister, Express, ExtendedId, functionLevelReset } from '../host/src/pci/registers.ts';
import { at, randomBytes } from './bench.ts';
import { checkExt4, ext4Installed, makeExt4 } from './ext4.ts';
import { FabricComputer, type FabricDrive } from './fabric-computer.ts';
import { random } from './nvme-computer.ts';
import { there } from './p2pdma-bench.ts';

/** Peer-to-peer DMA on RTL: the cores of an operating system, NVMe drivers and firmware, and a fabric whose every TLP is real. */

const block = 512;
const bytes = 8192;
const blocks = bytes / block;
/** Completion timeout of 50 to 100 µs (7.5.3.16). */
const shortTimeout = 1;

let on: FabricComputer;
let card: Provider;
beforeAll(async () => {
  on = await FabricComputer.start({ capacity: 1 << 18 });
  card = on.computer.provide(on.device('card0'));
  card.addResource(0);
  card.publish(true);
}, 300_000);
afterAll(() => on[Symbol.dispose]());

const drive = (index: number): FabricDrive => at(on.drives, index);
const namespace = (of: FabricDrive): NvmeNamespace => at(of.driver.namespaces, 0);
const media = (of: FabricDrive, start: number) => of.media.bytes.subarray(start * block, start * block + bytes);
const run = <T>(main: () => Promise<T>): Promise<T> => on.testbench.scheduler.run(main);
const buffer = (provider?: Provider): DataBuffer => allocBuffer(BigInt(bytes), provider, on.computer.system);
const range = ({ cpu, bytes: size }: DataBuffer) => ({ base: cpu, bytes: size });

/** Reads from one drive into a buffer and writes from there to the other: flow E3. */
async function copy(from: FabricDrive, to: FabricDrive, via: DataBuffer, start: number): Promise<void> {
  const { computer } = on;
  const source = computer.map(computer.client(from.device), via, 'write');
  await namespace(from).read(start, source.ranges);
  source.unmap();
  const target = computer.map(computer.client(to.device), via, 'read');
  await namespace(to).write(start, target.ranges);
  target.unmap();
}

describe('a copy from drive to drive', () => {
  const cases = [
    ['the source', () => drive(0).provider, { root: [0, 0], nvme0: [0, bytes], nvme1: [bytes, 0], card0: [0, 0] }],
    ['the target', () => drive(1).provider, { root: [0, 0], nvme0: [0, bytes], nvme1: [bytes, 0], card0: [0, 0] }],
    ['a card', () => card, { root: [0, 0], nvme0: [0, bytes], nvme1: [bytes, 0], card0: [bytes, bytes] }],
    ['the host', () => undefined, { root: [bytes, bytes], nvme0: [0, bytes], nvme1: [bytes, 0], card0: [0, 0] }],
  ] as const;
  test.each(cases)('M0-16 M2-12 M4-9: B-1: through memory of %s; each link carries what it has to', (_, provider, expected) =>
    run(async () => {
      const via = buffer(provider());
      const start = 64 * cases.findIndex(([, each]) => each === provider);
      drive(0).media.bytes.set(randomBytes(bytes, 77 + start), start * block);
      on.countData(range(via));
      await copy(drive(0), drive(1), via, start);
      expect(Buffer.compare(media(drive(1), start), media(drive(0), start))).toBe(0);
      expect(on.data()).toEqual(expected);
      via.free();
    }));

  test('M4-6: which way a client reaches the memory is known before, and both clients count', () => {
    const { computer } = on;
    const clients = [drive(0), drive(1)].map(({ device }) => computer.client(device));
    expect(computer.bus.distanceMany(card.device, clients)).toBe(8);
    expect(computer.bus.distanceMany(drive(1).provider.device, clients)).toBe(4);
    expect(computer.bus.mapType(card.device, at(clients, 0))).toBe('BUS_ADDR');
  });
});

test.skipIf(!ext4Installed)(
  'M0-16: E3: a file system is copied from drive to drive, and is one there: its check finds nothing, and no byte was on the root link',
  () =>
    run(async () => {
      const folder = mkdtempSync(join(tmpdir(), 'ext4-'));
      try {
        const content = makeExt4(folder, 256);
        drive(0).media.bytes.set(content);
        drive(1).media.bytes.fill(0);
        on.countData(on.computer.buffers, ...on.drives.map(({ driver }) => there(driver.memoryBuffer).range));
        const chunks = content.length / bytes;
        let next = 0;
        const worker = async () => {
          const via = buffer(drive(1).provider);
          for (let i = next++; i < chunks; i = next++) await copy(drive(0), drive(1), via, i * blocks);
          via.free();
        };
        await Promise.all([worker(), worker(), worker()]);
        expect(on.data()).toMatchObject({ root: [0, 0], nvme0: [0, content.length], nvme1: [content.length, 0] });
        const copied = drive(1).media.bytes.subarray(0, content.length);
        expect(checkExt4(folder, copied)).toEqual({ status: 0, says: expect.stringContaining('Pass 5') });
        expect(Buffer.compare(copied, content)).toBe(0);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }),
);

test('M0-1: a load of the first and the last bytes of a pool is completed by the device that the lookup names', () =>
  run(async () => {
    const { computer, testbench } = on;
    const names = [...on.devices];
    for (const { provider, parent } of computer.registry.all) {
      const all = there(provider.alloc(provider.available));
      for (const address of [all.cpu, all.cpu + all.bytes - 4n]) {
        expect(computer.memory.providerOf(address)).toBe(parent);
        testbench.links.clear();
        await computer.host.memory.read32(address);
        const answered = testbench.links.snapshot().filter(({ link, up }) => link !== 'root' && up.completions > 0);
        const named = there(names.find(([, device]) => computer.tree.node(device) === parent))[0];
        expect(answered.map(({ link }) => link)).toEqual([named]);
      }
      provider.free(all);
    }
  }));

test('M0-14: a card of memory alone sends no request, whatever others do with it', () =>
  run(async () => {
    const { links } = on.testbench;
    const via = buffer(card);
    links.clear();
    await copy(drive(1), drive(0), via, 300);
    const { up } = there(links.snapshot().find(({ link }) => link === 'card0'));
    expect([up.posted, up.non_posted]).toEqual([0, 0]);
    expect(up.completions).toBeGreaterThan(0);
    via.free();
  }));

test('M0-12: while a peer writes into the memory of a drive, its doorbells are heard as before', () =>
  run(async () => {
    const { computer, testbench } = on;
    const { scheduler } = testbench;
    const [busy, doorbells] = [drive(0), drive(1)];
    const time = async () => {
      const begin = scheduler.now;
      await namespace(doorbells).flush();
      return scheduler.now - begin;
    };
    const quiet = await time();
    const via = buffer(doorbells.provider);
    const { ranges } = computer.map(computer.client(busy.device), via, 'write');
    const burst = Promise.all(Array.from({ length: 12 }, (_, i) => namespace(busy).read(blocks * i, ranges)));
    await scheduler.delay(800);
    const under = await Promise.all([time(), scheduler.delay(0)]);
    // What waits before a doorbell are the posted TLPs that the link's credits allow: 256 of 16 bytes, at 32 bytes a cycle, at each of two links.
    expect(under[0]).toBeLessThan(quiet + 2 * 128 + 100);
    await burst;
    via.free();
  }));

test('M1-6: the addresses of a pool are in the BARs, and stay there while the memory is used', () =>
  run(async () => {
    const { device, provider } = drive(1);
    const registers = () => Promise.all([0, 1, 2, 3, 4, 5].map(i => device.read(0x10 + 4 * i)));
    const before = await registers();
    const via = buffer(provider);
    await copy(drive(0), drive(1), via, 320);
    expect(await registers()).toEqual(before);
    const base = (BigInt(at(before, 3)) << 32n) | BigInt((at(before, 2) & ~15) >>> 0);
    const bar = there(device.bars.find(({ index }) => index === 2));
    expect([base, base + bar.bytes > via.cpu && via.cpu >= base]).toEqual([bar.address, true]);
    via.free();
  }));

describe('what the core says about two devices, and where their TLPs go', () => {
  const redirects = { none: 0, request: 1 << 2, completion: 1 << 3, both: (1 << 2) | (1 << 3) };
  const ports = () => [...on.devices.values()].map(device => there(device.parent));
  const limitReads = (device: PciDevice) => device.change(device.express(Express.deviceControl2), 0xf, shortTimeout);
  const setAcs = async (port: PciDevice, control: number) =>
    port.write(there(port.extended.get(ExtendedId.acs)) + acsRegister, control << 16, 0b1100);

  test('M1-16 M4-13: B-2: with any access control, a yes is kept by a real write and a real read of each pair, and a forced no goes up', () =>
    run(async () => {
      const { computer } = on;
      const dice = random(11);
      for (const { device } of [drive(0), drive(1)]) await limitReads(device);
      const kinds = Object.values(redirects);
      for (let round = 0; round < 6; round++) {
        const settings = ports().map(() => at(kinds, round === 0 ? 0 : dice.below(kinds.length)));
        for (const [i, port] of ports().entries()) await setAcs(port, at(settings, i));
        await computer.tree.readAcs();
        for (const client of [drive(0), drive(1)])
          for (const { provider, parent } of computer.registry.all) {
            if (parent === computer.tree.node(client.device)) continue;
            const { mapType } = computer.bus.distance(provider.device, computer.client(client.device));
            const via = buffer(provider);
            const what = `round ${round}, settings ${settings}, ${client.device.name} to ${parent.name}: ${mapType}`;
            on.countData(range(via));
            // What the device is told is the bus address in any case.
            const ranges = [{ base: via.cpu, bytes: via.bytes }];
            const acsOf = (device: PciDevice) => at(settings, ports().indexOf(there(device.parent)));
            const turned = (acsOf(client.device) & redirects.request) !== 0;
            const peer = there([...on.devices.values()].find(device => computer.tree.node(device) === parent));
            // Completions that are turned to the root are lost there: a time limit tells.
            const lost = !turned && (acsOf(peer) & redirects.completion) !== 0;
            expect(mapType === 'BUS_ADDR' && (turned || lost), what).toBe(false);
            const read = namespace(client).read(0, ranges);
            if (turned || lost) await expect(read, what).rejects.toThrow('data transfer error');
            else await read;
            // The driver tries again what failed.
            const [down = 0, up = 0] = on.data().root ?? [];
            expect([down, up % bytes, up > 0], what).toEqual([0, 0, turned]);
            if (!lost) {
              const written = namespace(client).write(340, ranges);
              if (turned) await expect(written, what).rejects.toThrow('data transfer error');
              else {
                await written;
                expect(Buffer.compare(media(client, 340), media(client, 0)), what).toBe(0);
              }
            }
            via.free();
          }
      }
      for (const port of ports()) await setAcs(port, 0);
    }));

  test('M4-13 C59 C63: with completion redirect at the provider’s port writes are direct; a read’s answer goes up, and who waits for it ends by its time limit', () =>
    run(async () => {
      const { computer, testbench } = on;
      const [client, peer] = [drive(0), drive(1)];
      await limitReads(client.device);
      const port = there(peer.device.parent);
      await setAcs(port, redirects.completion);
      await computer.tree.readAcs();
      const bus = new P2pBus({ policy: directedPolicy });
      const says = (direction: Direction) =>
        bus.distance(peer.provider.device, computer.client(client.device), direction).mapType;
      expect([says('write'), says('read'), says('both')]).toEqual(['BUS_ADDR', 'NOT_SUPPORTED', 'NOT_SUPPORTED']);
      const via = buffer(peer.provider);
      on.countData(range(via));
      const ranges = [{ base: via.cpu, bytes: BigInt(block) }];
      // The data is there; that it is there the drive cannot find out, and says so, each of the three times that the driver tries.
      client.media.bytes.set(randomBytes(block, 12));
      await expect(namespace(client).read(0, ranges)).rejects.toThrow('data transfer error');
      expect(on.data()).toMatchObject({ root: [0, 0], nvme0: [0, 3 * block], nvme1: [3 * block, 0] });
      expect(Buffer.compare(await computer.host.memory.read(via.cpu, block), randomBytes(block, 12))).toBe(0);
      testbench.links.clear();
      await expect(namespace(client).write(340, ranges)).rejects.toThrow('data transfer error');
      const counted = Object.fromEntries(testbench.links.snapshot().map(({ link, up, down }) => [link, { up, down }]));
      expect(counted.root?.up.completions).toBe(counted.nvme1?.up.completions);
      expect(counted.nvme0?.down.data_bytes).toBe(0);
      await setAcs(port, 0);
      await computer.tree.readAcs();
      via.free();
    }));
});

test('C26 C84: the ID of a function that is being reset reads as not ready, and the core waits and gives it its configuration back', () =>
  run(async () => {
    const device = on.device('card0');
    const id = await device.read(0);
    const saved = await saveConfig([device]);
    const control = device.express(Express.deviceControl);
    const { start } = functionLevelReset;
    const [, ...looks] = await Promise.all([device.write(control, start), ...[0, 1, 2].map(() => device.read(0))]);
    expect(looks).toContain(notReady);
    await untilReady(device);
    expect(await device.read(0)).toBe(id);
    await restoreConfig(saved);
    const via = buffer(card);
    await copy(drive(0), drive(1), via, 400);
    expect(Buffer.compare(media(drive(1), 400), media(drive(0), 400))).toBe(0);
    via.free();
  }));
