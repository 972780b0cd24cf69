import { describe, expect, test } from 'vitest';
import { NvmeError } from '../host/src/nvme/index.ts';
import { type InitiatorOptions, NvmeOfInitiator, type TargetOptions } from '../host/src/nvmeof/index.ts';
import { Status } from '../nvme/status.ts';
import { at, randomBytes } from './bench.ts';
import { SoftwareTarget } from './nvmeof-software.ts';
import { code, there } from './p2pdma-bench.ts';

/** The storage target's own logic, on a computer without hardware. */

interface Started {
  readonly on: SoftwareTarget;
  readonly host: NvmeOfInitiator;
}

/** Runs a test on a target whose namespaces have these settings. */
async function withTarget(
  settings: readonly string[],
  main: (started: Started) => Promise<void>,
  options: TargetOptions & { readonly initiator?: InitiatorOptions } = {},
): Promise<void> {
  const on = new SoftwareTarget(options);
  on.start(...settings);
  await on.scheduler.run(async () => main({ on, host: await NvmeOfInitiator.connect(on.network, options.initiator) }));
}

const blocks = 16;
const bytes = 512 * blocks;
/** Accesses by one of the devices since the last call. */
const accesses = (on: SoftwareTarget, by: string) => on.accesses.filter(access => access.by === by && access.bytes >= 512);

test('a host connects, finds the namespaces, and reads what it wrote', () =>
  withTarget([], async ({ on, host }) => {
    expect(host.namespaces).toEqual([
      { id: 1, blocks: 256, blockBytes: 512 },
      { id: 2, blocks: 512, blockBytes: 512 },
    ]);
    for (const [i, namespace] of host.namespaces.entries())
      for (const inCapsule of [false, true]) {
        const data = randomBytes(inCapsule ? 4096 : bytes, 7 + i);
        await host.write(namespace, 3 + i, data, { inCapsule });
        expect(Buffer.compare(at(on.drives, i).bytes.subarray((3 + i) * 512, (3 + i) * 512 + data.length), data)).toBe(0);
        expect(Buffer.compare(await host.read(namespace, 3 + i, data.length / 512), data)).toBe(0);
      }
    await host.writeZeroes(at(host.namespaces, 0), 4, 2);
    expect((await host.read(at(host.namespaces, 0), 4, 2)).every(byte => byte === 0)).toBe(true);
    await host.flush(at(host.namespaces, 1));
    expect(on.drives.map(({ flushes }) => flushes)).toEqual([0, 1]);
  }));

describe('where the data of a namespace is', () => {
  test('M1-8 M1-19 M4-8: off, on, or named: in RAM, in the nearest provider’s memory, in that provider’s', () =>
    withTarget(['card', '1'], async ({ on, host }) => {
      const data = randomBytes(bytes, 1);
      const [first, second] = [at(host.namespaces, 0), at(host.namespaces, 1)];
      await host.write(first, 0, data);
      await host.write(second, 0, data);
      expect(Buffer.compare(await host.read(second, 0, blocks), data)).toBe(0);
      const card = 0x9001_0000n;
      const nvme1 = 0x9000_0000n;
      // The distance of the second drive's own memory is 4, the card's is 8.
      expect(accesses(on, 'nvme0')).toEqual([{ by: 'nvme0', way: 'read', address: card, bytes }]);
      expect(accesses(on, 'nvme1').map(({ way, address }) => [way, address])).toEqual([
        ['read', nvme1],
        ['write', nvme1],
      ]);
      expect(on.namespaces.map(({ p2pmem }) => p2pmem)).toEqual(['card', '1']);
      for (const { available, size } of on.registry.providers) expect(available).toBe(size);
    }));

  test('M1-8: off, all of it is in RAM', () =>
    withTarget(['0', '0'], async ({ on, host }) => {
      const data = randomBytes(bytes, 1);
      await host.write(at(host.namespaces, 1), 0, data);
      await host.read(at(host.namespaces, 1), 0, blocks);
      expect(accesses(on, 'nvme1')).toHaveLength(2);
      for (const { address } of on.accesses) expect(on.isRam(address)).toBe(true);
      expect(on.pool.available).toBe(there(on.pool.range).bytes);
    }));

  test('M1-9: B-18: administration, data in the capsule, and what finds the pool empty are in RAM, and nothing is in both', () =>
    withTarget(['1', '1'], async ({ on, host }) => {
      const namespace = at(host.namespaces, 1);
      expect(accesses(on, 'nic').every(({ address }) => on.isRam(address))).toBe(true);
      on.accesses.length = 0;
      await host.write(namespace, 0, randomBytes(4096, 2), { inCapsule: true });
      expect(accesses(on, 'nvme1').map(({ address }) => on.isRam(address))).toEqual([true]);
      on.accesses.length = 0;
      // The pool has 16 KiB, so two of the five fit.
      const data = Array.from({ length: 5 }, (_, i) => randomBytes(bytes, 20 + i));
      await Promise.all(data.map((each, i) => host.write(namespace, blocks * i, each)));
      const inRam = accesses(on, 'nvme1').map(({ address }) => on.isRam(address));
      expect(inRam.filter(ram => !ram)).toHaveLength(2);
      expect(inRam).toHaveLength(5);
      for (const [i, each] of data.entries())
        expect(Buffer.compare(await host.read(namespace, blocks * i, blocks), each)).toBe(0);
      expect(on.providers.nvme1.available).toBe(on.providers.nvme1.size);
    }));

  test('M1-21 M4-15: the way is looked up when the host connects, for both directions, and never again', () =>
    withTarget(['1', '1'], async ({ on, host }) => {
      const { calculations } = on.bus;
      expect(calculations).toBeGreaterThan(0);
      await host.write(at(host.namespaces, 0), 0, randomBytes(bytes, 3));
      await host.read(at(host.namespaces, 1), 0, blocks);
      expect(on.bus.calculations).toBe(calculations);
    }));

  test('M1-23: a namespace is not switched on with memory that nobody has, nor changed while it is on', () => {
    const on = new SoftwareTarget();
    const [memory] = on.namespaces;
    expect(code(() => (there(memory).p2pmem = 'gpu'))).toBe('ENODEV');
    on.providers.card.publish(false);
    on.providers.nvme1.publish(false);
    there(memory).p2pmem = '1';
    expect(code(() => there(memory).enable())).toBe('EINVAL');
    there(memory).p2pmem = '0';
    on.start();
    expect(code(() => (there(memory).p2pmem = '1'))).toBe('EBUSY');
  });
});

describe('what the target refuses', () => {
  const status = (call: Promise<unknown>): Promise<number | 'no status'> =>
    call.then(
      () => Status.success,
      error => {
        if (error instanceof NvmeError) return error.status;
        throw error;
      },
    );

  test('commands that cannot be: blocks that are not there, namespaces that are not there, data of another length', () =>
    withTarget(['1', '1'], async ({ on, host }) => {
      const first = at(host.namespaces, 0);
      expect(await status(host.read(first, first.blocks - 1, 2))).toBe(Status.lbaOutOfRange);
      expect(await status(host.read({ ...first, id: 9 }, 0, 1))).toBe(Status.invalidNamespace);
      expect(await status(host.read({ ...first, blockBytes: 1024 }, 0, 2))).toBe(Status.dataLengthInvalid);
      expect(await status(host.read(first, 0, 1))).toBe(Status.success);
      for (const { available, size } of on.registry.providers) expect(available).toBe(size);
    }));

  test('M1-15: E6: the drive’s error is the command’s, the network’s is a data transfer error; no memory is lost, and it goes on', () =>
    withTarget(['1', '1'], async ({ on, host }) => {
      const second = at(host.namespaces, 1);
      at(on.drives, 1).failure = new NvmeError('Read', Status.unrecoveredReadError, true);
      expect(await status(host.read(second, 0, blocks))).toBe(Status.unrecoveredReadError);
      at(on.drives, 1).failure = new NvmeError('Write', Status.writeFault, true);
      expect(await status(host.write(second, 0, randomBytes(bytes, 1)))).toBe(Status.writeFault);
      on.breakFetch = true;
      expect(await status(host.write(second, 0, randomBytes(bytes, 1)))).toBe(Status.dataTransferError);
      for (const { available, size } of on.registry.providers) expect(available).toBe(size);
      const data = randomBytes(bytes, 9);
      await host.write(second, 0, data);
      expect(Buffer.compare(await host.read(second, 0, blocks), data)).toBe(0);
    }));

  test('hosts that are not admitted, subsystems that are not there, queues that are too long', async () => {
    const refused = 0x182;
    for (const [options, initiator, expected] of [
      [{ hosts: ['nqn.other'] }, {}, 0x184],
      [{}, { subsystem: 'nqn.none' }, refused],
      [{ entries: 16 }, {}, refused],
    ] as const) {
      const on = new SoftwareTarget(options);
      on.start();
      await on.scheduler.run(async () => expect(await status(NvmeOfInitiator.connect(on.network, initiator))).toBe(expected));
    }
  });
});

test('a host that goes is forgotten: its controller ends, and another one may come', async () => {
  const on = new SoftwareTarget();
  on.start('1', '1');
  await on.scheduler.run(async () => {
    const host = await NvmeOfInitiator.connect(on.network, { queues: 2 });
    expect(on.target.connected).toHaveLength(1);
    expect(on.connections.length).toBe(3);
    host.close();
    await on.scheduler.delay(100);
    expect(on.target.connected).toHaveLength(0);
    const next = await NvmeOfInitiator.connect(on.network);
    await next.write(at(next.namespaces, 0), 0, randomBytes(bytes, 4));
    expect(on.target.connected.map(({ id }) => id)).toEqual([2]);
  });
});

test('as many commands as the queue has entries less one are under way, and each gets its own answer', () =>
  withTarget(
    ['1', '0'],
    async ({ host }) => {
      const namespace = at(host.namespaces, 1);
      const data = Array.from({ length: 40 }, (_, i) => randomBytes(512, 30 + i));
      await Promise.all(data.map((each, i) => host.write(namespace, i, each)));
      const read = await Promise.all(data.map((_, i) => host.read(namespace, i, 1)));
      for (const [i, each] of data.entries()) expect(Buffer.compare(at(read, i), each)).toBe(0);
    },
    { initiator: { entries: 8, queues: 3 } },
  ));
