import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { NvmeOfInitiator, RemoteNamespace } from '../host/src/nvmeof/index.ts';
import { directedPolicy, type Provider } from '../host/src/p2pdma/index.ts';
import { acsRegister, ExtendedId } from '../host/src/pci/registers.ts';
import type { AddressRange } from '../host/src/pci-function.ts';
import type { MemoryAccess } from '../host/src/rdma/index.ts';
import { parseJobFile, remoteDevice, runJobs } from '../host/src/workload/index.ts';
import { decode, encode, store } from '../layout.ts';
import { blockCommand, commandBytes, commonCommand, completion, completionBytes, NvmOpcode } from '../nvme/commands.ts';
import { doorbellBase, doorbellOf } from '../nvme/registers.ts';
import { at, randomBytes } from './bench.ts';
import { type StartedTarget, type TargetFabric, targetFabric } from './nvmeof-fabric.ts';
import { code, there } from './p2pdma-bench.ts';

/** NVMe over Fabrics on RTL: a remote host, a wire, a network card, drives, and a target that owns none of them. */

const block = 512;
const bytes = 8192;
const blocks = bytes / block;

let fabric: TargetFabric;
beforeAll(async () => {
  fabric = await targetFabric({ platform: { policy: directedPolicy } });
}, 300_000);
afterAll(() => fabric[Symbol.dispose]());

let started: StartedTarget | undefined;
/** Starts a target with these settings for its drives. */
async function start(...settings: readonly string[]): Promise<NvmeOfInitiator> {
  started = await fabric.target(settings);
  return started.host;
}
const run = <T>(main: () => Promise<T>): Promise<T> => fabric.on.testbench.scheduler.run(main);
afterEach(() =>
  run(async () => {
    started?.host.close();
    started = undefined;
    await fabric.on.testbench.scheduler.delay(5000);
    for (const { available, size } of fabric.on.computer.registry.providers) expect(available).toBe(size);
  }),
);

const media = (drive: number, start: number, length = bytes) =>
  at(fabric.on.drives, drive).media.bytes.subarray(start * block, start * block + length);
const memoryOf = (provider: Provider) => {
  const all = there(provider.alloc(provider.available));
  provider.free(all);
  return { base: all.cpu, bytes: all.bytes };
};
/** Has the links count what goes to and from the target's buffers, wherever they are. */
const count = () => fabric.on.countData(fabric.on.computer.buffers, ...fabric.on.computer.registry.providers.map(memoryOf));
const namespace = (host: NvmeOfInitiator, index: number): RemoteNamespace => at(host.namespaces, index);
const named = (device: string) => fabric.on.device(device).name;

describe('the data of a namespace', () => {
  /** Bytes of data on each link, [down, up], for a write and a read of the second drive. What comes back on top is the card's look at what it wrote. */
  const look = 1;
  const cases = [
    [
      'the network card',
      () => named('nic0'),
      { root: [0, 0], nic0: [0, bytes], nvme0: [0, 0], nvme1: [bytes, 0] },
      { root: [0, 0], nic0: [bytes, 0], nvme0: [0, 0], nvme1: [0, bytes] },
    ],
    [
      'its drive',
      () => named('nvme1'),
      { root: [0, 0], nic0: [look, bytes], nvme0: [0, 0], nvme1: [bytes, look] },
      { root: [0, 0], nic0: [bytes, 0], nvme0: [0, 0], nvme1: [0, bytes] },
    ],
    [
      'another drive',
      () => named('nvme0'),
      { root: [0, 0], nic0: [look, bytes], nvme0: [bytes, bytes + look], nvme1: [bytes, 0] },
      { root: [0, 0], nic0: [bytes, 0], nvme0: [bytes, bytes], nvme1: [0, bytes] },
    ],
    [
      'the host',
      () => '0',
      { root: [bytes, bytes], nic0: [0, bytes], nvme0: [0, 0], nvme1: [bytes, 0] },
      { root: [bytes, bytes], nic0: [bytes, 0], nvme0: [0, 0], nvme1: [0, bytes] },
    ],
  ] as const;
  test.each(
    cases,
  )('M1-8 M1-15 M1-19 M4-9 M4-16 M0-13: in memory of %s; each link carries what it has to', (_, setting, written, read) =>
    run(async () => {
      const host = await start('0', setting());
      const data = randomBytes(bytes, 5);
      count();
      await host.write(namespace(host, 1), 64, data);
      expect(Buffer.compare(media(1, 64), data)).toBe(0);
      expect(fabric.on.data()).toEqual(written);
      at(fabric.on.drives, 1).media.bytes.set(randomBytes(bytes, 6), 64 * block);
      count();
      const back = await host.read(namespace(host, 1), 64, blocks);
      expect(Buffer.compare(back, randomBytes(bytes, 6))).toBe(0);
      expect(fabric.on.data()).toEqual(read);
    }));

  test('M4-7 M4-8 M1-21: by itself it is with the card or the drive, no byte is on the root link, and nothing is looked up per command', () =>
    run(async () => {
      const host = await start('1', '1');
      const { calculations } = fabric.on.computer.bus;
      count();
      const data = [0, 1].map(i => randomBytes(bytes, 40 + i));
      await Promise.all(data.map((each, i) => host.write(namespace(host, i), 0, each)));
      const back = await Promise.all(data.map((_, i) => host.read(namespace(host, i), 0, blocks)));
      for (const [i, each] of data.entries()) expect(Buffer.compare(at(back, i), each)).toBe(0);
      expect(fabric.on.data().root).toEqual([0, 0]);
      expect(fabric.on.computer.bus.calculations).toBe(calculations);
    }));

  test('B-18 E6: a burst that empties the pool: each command is wholly in peers’ memory or wholly on the root link, twice', () =>
    run(async () => {
      const host = await start('0', named('nvme1'));
      const size = 16_384;
      const data = Array.from({ length: 6 }, (_, i) => randomBytes(size, 60 + i));
      count();
      await Promise.all(data.map((each, i) => host.write(namespace(host, 1), (size / block) * i, each)));
      const [down = 0, up = 0] = fabric.on.data().root ?? [];
      expect([down % size, up % size, down - up]).toEqual([0, 0, 0]);
      expect(down / size).toBeGreaterThan(0);
      expect(down / size).toBeLessThan(6);
      for (const [i, each] of data.entries()) expect(Buffer.compare(media(1, (size / block) * i, size), each)).toBe(0);
    }));

  test('B-18: what the capsule carries is never in peers’ memory', () =>
    run(async () => {
      const host = await start('0', '1');
      const data = randomBytes(4096, 70);
      count();
      await host.write(namespace(host, 1), 8, data, { inCapsule: true });
      expect(Buffer.compare(media(1, 8, 4096), data)).toBe(0);
      expect(Object.values(fabric.on.data()).flat()).toEqual(Array(8).fill(0));
    }));
});

describe('where access control turns peers to the root', () => {
  const redirect = { request: 1 << 2, completion: 1 << 3 };
  /** Sets access control at the port above a device, and what of the others' memory may be found. */
  const turn = async (device: string, control: number, published: boolean) => {
    const { computer } = fabric.on;
    const port = there(fabric.on.device(device).parent);
    await port.write(there(port.extended.get(ExtendedId.acs)) + acsRegister, control << 16, 0b1100);
    await computer.tree.readAcs();
    fabric.nicProvider.publish(published);
    at(fabric.on.drives, 0).provider.publish(published);
  };

  test.each([
    ['M1-9 M4-10', 'requests of the network card', 'nic0', redirect.request],
    ['M4-15', 'what answers its reads, while its writes are not', 'nvme1', redirect.completion],
  ])('%s: %s: the data is in the host’s memory, and the bytes are the same', (_, __, device, control) =>
    run(async () => {
      await turn(device, control, false);
      const { bus } = fabric.on.computer;
      const provider = fabric.on.computer.tree.node(fabric.on.device('nvme1'));
      const reaches = (['write', 'read'] as const).map(way => bus.distance(provider, fabric.network, way).mapType);
      expect(reaches).toEqual([control === redirect.request ? 'NOT_SUPPORTED' : 'BUS_ADDR', 'NOT_SUPPORTED']);
      // The drive alone reaches its memory; that the network card does not shows when a host comes through it.
      const host = await start('0', '1');
      const data = randomBytes(bytes, 80);
      count();
      await host.write(namespace(host, 1), 16, data);
      expect(Buffer.compare(await host.read(namespace(host, 1), 16, blocks), data)).toBe(0);
      expect(fabric.on.data()).toEqual({
        root: [2 * bytes, 2 * bytes],
        nic0: [bytes, bytes],
        nvme0: [0, 0],
        nvme1: [bytes, bytes],
      });
      await turn(device, 0, true);
    }));
});

test('a job of mixed commands at random: every block is as it was or as it was written, on both drives', () =>
  run(async () => {
    const host = await start('1', '1');
    const { scheduler } = fabric.on.testbench;
    const devices = fabric.on.drives.map((drive, i) => remoteDevice(host, namespace(host, i), drive.media.bytes.slice(), i));
    const jobs = parseJobFile('[mixed]\nrw=randrw\nbs=2k\niodepth=3\nsize=48k\nnumjobs=2');
    count();
    const results = await runJobs(scheduler, jobs, devices, 250e6);
    expect(fabric.on.data().root).toEqual([0, 0]);
    for (const [i, { scoreboard }] of devices.entries()) expect(scoreboard.check(at(fabric.on.drives, i).media.bytes)).toBe(0);
    expect(results.map(({ bytes: moved }) => moved)).toEqual([98_304, 98_304]);
  }));

test('M4-2: E5: a remote host drives a controller by its doorbell through the card: while it does, nothing at all is on the root link', () =>
  run(async () => {
    const { on, nic, remoteNic, network } = fabric;
    const { computer, testbench } = on;
    const { driver, provider } = at(on.drives, 1);
    // The submission queue is in the drive, completions and data are in the card.
    const queue = there(provider.alloc(4096n));
    const [completions, data] = [there(nic.memory?.allocate(4096)), there(nic.memory?.allocate(4096))];
    const shape = { id: 2, size: 16 };
    await driver.admin.createCompletionQueue({ ...shape, address: completions.bus });
    await driver.admin.createSubmissionQueue({ ...shape, address: queue.bus }, shape.id);
    const doorbells = provider.exportDoorbell(0, BigInt(doorbellBase), 4096n);
    const page = { cpu: doorbells.cpu, bytes: doorbells.bytes };
    expect(code(() => computer.map(network, page, 'both'))).toBe('EINVAL');

    const domain = await nic.allocateProtectionDomain();
    const write = { localWrite: true, remoteWrite: true };
    const register = (ranges: readonly AddressRange[], access: MemoryAccess) => domain.registerMemory({ ranges, access });
    const submission = await register([{ base: queue.bus, bytes: 4096n }], write);
    const bell = await register(computer.map(network, page, 'write').ranges, write);
    const done = await register([{ base: completions.bus, bytes: 4096n }], { localWrite: true, remoteRead: true });
    const content = await register([{ base: data.bus, bytes: 4096n }], { localWrite: true, remoteRead: true });
    const events = await nic.createCompletionQueue({ entries: 16 });
    const pair = await domain.createQueuePair({ sendQueue: events, receiveQueue: events });
    const remote = remoteNic.createQueuePair();
    await pair.connect({ remote: remote.number });
    remote.connect({ remote: pair.number });

    await testbench.scheduler.delay(2000);
    testbench.links.clear();
    for (let i = 0; i < 3; i++) {
      const command = encode(commonCommand, commandBytes, {
        opcode: NvmOpcode.read,
        namespace: 1,
        identifier: i,
        prp1: data.bus,
      });
      store(blockCommand, command, { start: BigInt(200 + 8 * i), blocks: 7 });
      await remote.write(command, { address: submission.address + BigInt(i * commandBytes), rkey: submission.rkey });
      const tail = Uint8Array.of(i + 1, 0, 0, 0);
      const offset = doorbellOf.submission(shape.id) * 4;
      await remote.write(tail, { address: bell.address + BigInt(offset), rkey: bell.rkey });
      for (;;) {
        const at16 = { address: done.address + BigInt(i * completionBytes), rkey: done.rkey };
        const entry = decode(completion, await remote.read(at16, completionBytes));
        if (entry.phase === 0) continue;
        expect([entry.identifier, entry.statusCode, entry.queue]).toEqual([i, 0, shape.id]);
        break;
      }
      const read = await remote.read({ address: content.address, rkey: content.rkey }, 4096);
      expect(Buffer.compare(read, media(1, 200 + 8 * i, 4096))).toBe(0);
      await remote.write(tail, {
        address: bell.address + BigInt(doorbellOf.completion(shape.id) * 4),
        rkey: bell.rkey,
      });
    }
    const root = there(testbench.links.snapshot()[0]);
    const { posted, non_posted, completions: answers } = root.down;
    expect([root.link, posted, non_posted, answers]).toEqual(['root', 0, 0, 0]);
    expect([root.up.posted, root.up.non_posted, root.up.completions]).toEqual([0, 0, 0]);

    await driver.admin.deleteSubmissionQueue(shape.id);
    await driver.admin.deleteCompletionQueue(shape.id);
    await pair.destroy();
    provider.free(queue);
    nic.memory?.release(completions);
    nic.memory?.release(data);
  }));
