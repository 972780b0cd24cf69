import { expect, test } from 'vitest';
import type { MemoryRegion, WorkCompletion } from '../host/src/rdma/index.ts';
import { WorkStatus } from '../host/src/rdma/index.ts';
import { RemoteError } from '../rdma/remote/index.ts';
import { completionsOf, RdmaComputer, type RdmaPair } from './rdma-computer.ts';

/** Work requests that end with an error: the status at both sides, and what becomes of the others. */

const access = { localWrite: true, remoteRead: true, remoteWrite: true };

interface Setting extends RdmaPair {
  readonly on: RdmaComputer;
  /** 8 KiB of host memory that allow everything. */
  readonly region: MemoryRegion;
  /** Key of 8 KiB of the remote end's memory from 0 on. */
  readonly rkey: number;
}

/** Runs a test on a fresh connection. */
function connected(work: (setting: Setting) => Promise<void>, options: Parameters<RdmaComputer['pair']>[0] = {}): Promise<void> {
  const on = new RdmaComputer();
  return on.run(async () => {
    const pair = await on.pair(options);
    const region = await pair.domain.registerMemory({ ranges: [on.buffer(new Uint8Array(8192).fill(0x5a))], access });
    const rkey = on.remote.register({ address: 0, bytes: 8192, remoteRead: true, remoteWrite: true });
    await work({ on, ...pair, region, rkey });
  });
}

const statuses = (found: readonly WorkCompletion[]) => found.map(({ id, status }) => [id, status]);
const { success, flushed, localProtection, localOperation, localLength } = WorkStatus;
const { remoteAccess, remoteInvalidRequest, receiverRetriesExceeded, retriesExceeded, remoteOperation } = WorkStatus;

test('local keys: wrong key, beyond the bounds, another domain, deregistered, no permission', async () => {
  for (const what of ['key', 'bounds', 'before', 'domain', 'gone', 'read only'] as const)
    await connected(async ({ on, driver, domain, local, remote, completions, region, rkey }) => {
      const ranges = [on.buffer(new Uint8Array(4096))];
      const other = await driver.allocateProtectionDomain();
      const stranger = await (what === 'domain' ? other : domain).registerMemory({ ranges });
      if (what === 'gone') await stranger.deregister();
      const entry = {
        key: { ...region.entry(0, 100), lkey: region.lkey + 1 },
        bounds: region.entry(8100, 93),
        before: { ...region.entry(0, 100), address: region.address - 1n },
        domain: stranger.entry(),
        gone: stranger.entry(),
        'read only': stranger.entry(),
      }[what];
      remote.postReceive(4096, 3);
      const remoteMemory = { address: 0n, rkey };
      const wrong =
        what === 'read only'
          ? ({ id: 2, opcode: 'read', data: [entry], remote: remoteMemory } as const)
          : ({ id: 2, opcode: 'send', data: [region.entry(0, 50), entry] } as const);
      await local.postSend({ id: 1, opcode: 'send', data: [region.entry(0, 1)] }, wrong, {
        id: 3,
        opcode: 'send',
        data: [region.entry(0, 1)],
      });
      expect(statuses(await completionsOf(completions, 3)), what).toEqual([
        [1, success],
        [2, localProtection],
        [3, flushed],
      ]);
      expect(local.state).toBe('error');
      expect((await remote.receive()).data.length).toBe(1);
    });
});

test('remote keys at the other side: wrong key, bounds, permission', async () => {
  for (const [opcode, remote] of [
    ['write', { address: 0n, rkey: 0x77 }],
    ['read', { address: 0n, rkey: 0x77 }],
    ['write', { address: 8192n - 99n, rkey: 0 }],
    ['read', { address: 1n << 40n, rkey: 0 }],
  ] as const)
    await connected(async ({ local, completions, region, rkey, remote: far }) => {
      const target = { address: remote.address, rkey: remote.rkey || rkey };
      await local.postSend({ id: 1, opcode, data: [region.entry(0, 100)], remote: target });
      expect(statuses(await completionsOf(completions, 1))).toEqual([[1, remoteAccess]]);
      expect(far.failed).toBe(true);
    });
});

test('remote keys at the card: wrong key, bounds, another domain, no permission; the host is told', async () => {
  for (const what of ['key', 'bounds', 'domain', 'no write', 'no read', 'wrap'] as const)
    await connected(async ({ on, driver, domain, local, remote, region, completions }) => {
      const events: unknown[] = [];
      driver.onEvent(event => events.push(event));
      const ranges = [on.buffer(new Uint8Array(4096).fill(1))];
      const other = await driver.allocateProtectionDomain();
      const limited = await (what === 'domain' ? other : domain).registerMemory({
        ranges,
        access: what === 'domain' ? access : { localWrite: true },
      });
      const { address, rkey } = what === 'key' || what === 'bounds' || what === 'wrap' ? region : limited;
      const target = {
        address: what === 'bounds' ? address + 8190n : what === 'wrap' ? 2n ** 64n - 1n : address,
        rkey: what === 'key' ? rkey ^ 1 : rkey,
      };
      await local.postReceive({ id: 9, data: [region.entry()] });
      const operation = what === 'no read' ? remote.read(target, 4) : remote.write(Uint8Array.of(1, 2, 3, 4), target);
      await expect(operation, what).rejects.toMatchObject({ name: 'RemoteError', status: remoteAccess });
      expect(statuses(await completionsOf(completions, 1)), what).toEqual([[9, flushed]]);
      expect(events).toEqual([{ kind: 'queue pair', number: local.number, reason: remoteAccess }]);
      expect(local.state).toBe('error');
      expect(on.memory.read(ranges[0]?.base ?? 0n, 4)).toEqual(Uint8Array.of(1, 1, 1, 1));
    });
});

test('a queue pair that does not allow READ, or WRITE, refuses it whatever the key', async () => {
  for (const allowed of ['remoteRead', 'remoteWrite'] as const)
    await connected(
      async ({ remote, region }) => {
        const target = { address: region.address, rkey: region.rkey };
        const [good, bad] =
          allowed === 'remoteRead'
            ? [() => remote.read(target, 4), () => remote.write(new Uint8Array(4), target)]
            : [() => remote.write(new Uint8Array(4), target), () => remote.read(target, 4)];
        await good();
        await expect(bad()).rejects.toMatchObject({ status: remoteInvalidRequest });
      },
      { connection: { access: { remoteRead: false, remoteWrite: false, [allowed]: true } } },
    );
});

test('a message that is longer than its receive ends both: local length error, remote invalid request', async () => {
  await connected(async ({ local, remote, completions, region }) => {
    await local.postReceive({ id: 1, data: [region.entry(0, 1500)] }, { id: 2, data: [region.entry(0, 1500)] });
    await remote.send(new Uint8Array(1500));
    await expect(remote.send(new Uint8Array(1501))).rejects.toMatchObject({ status: remoteInvalidRequest });
    expect(statuses(await completionsOf(completions, 2))).toEqual([
      [1, success],
      [2, localLength],
    ]);
  });
  await connected(async ({ local, remote, completions, region }) => {
    remote.postReceive(99);
    await local.postSend({ id: 1, opcode: 'send', data: [region.entry(0, 100)] });
    expect(statuses(await completionsOf(completions, 1))).toEqual([[1, remoteInvalidRequest]]);
  });
});

test('a receive whose memory is not allowed ends both', () =>
  connected(async ({ local, remote, completions, region }) => {
    await local.postReceive({ id: 1, data: [{ ...region.entry(0, 64), lkey: 0x1234_5678 }] });
    await expect(remote.send(new Uint8Array(10))).rejects.toMatchObject({ status: remoteOperation });
    expect(statuses(await completionsOf(completions, 1))).toEqual([[1, localProtection]]);
  }));

test('receiver not ready: tried again until a receive is posted, or as often as was said', async () => {
  await connected(async ({ on, local, remote, completions, region }) => {
    const sent = remote.send(Uint8Array.of(1, 2, 3));
    await on.scheduler.delay(8000);
    await local.postReceive({ id: 1, data: [region.entry()] });
    await sent;
    expect(await completionsOf(completions, 1)).toMatchObject([{ id: 1, status: success, bytes: 3 }]);
    await local.postSend({ id: 2, opcode: 'send', data: [region.entry(0, 5000)] });
    await local.postSend({ id: 3, opcode: 'send', data: [region.entry(0, 10)] });
    await on.scheduler.delay(8000);
    expect(completions.poll()).toEqual([]);
    remote.postReceive(8192, 2);
    expect(statuses(await completionsOf(completions, 2))).toEqual([
      [2, success],
      [3, success],
    ]);
    expect([(await remote.receive()).bytes, (await remote.receive()).bytes]).toEqual([5000, 10]);
  });
  await connected(
    async ({ on, local, completions, region }) => {
      const start = on.scheduler.now;
      await local.postSend({ id: 1, opcode: 'send', data: [region.entry(0, 1)] });
      expect(statuses(await completionsOf(completions, 1))).toEqual([[1, receiverRetriesExceeded]]);
      // Two retries, of 2,500 cycles each.
      expect(on.scheduler.now - start).toBeGreaterThan(5000);
      expect(on.scheduler.now - start).toBeLessThan(7500);
    },
    { connection: { receiverRetries: 2 } },
  );
});

test('WRITE with immediate data takes a receive at its end, and waits for one', () =>
  connected(async ({ on, local, remote, completions, region }) => {
    const data = Uint8Array.from({ length: 3000 }, (_, i) => i);
    const written = remote.write(data, { address: region.address, rkey: region.rkey }, { immediate: 0xffff_fffe });
    await on.scheduler.delay(4000);
    expect(completions.poll()).toEqual([]);
    await local.postReceive({ id: 1, data: [] });
    await written;
    expect(await completionsOf(completions, 1)).toMatchObject([
      { id: 1, status: success, opcode: 'receive of a write', bytes: 3000, immediate: 0xffff_fffe },
    ]);
    expect(Buffer.compare(on.memory.read(region.address, 3000), data)).toBe(0);
  }));

test('nobody at the other side: retries run out, and the rest is flushed', () =>
  connected(
    async ({ on, local, remote, completions, region }) => {
      remote.fail();
      await local.postReceive({ id: 7, data: [region.entry()] });
      const start = on.scheduler.now;
      await local.postSend(
        { id: 1, opcode: 'send', data: [region.entry(0, 1)] },
        { id: 2, opcode: 'send', inline: new Uint8Array(), signaled: false },
      );
      expect(statuses(await completionsOf(completions, 3))).toEqual([
        [1, retriesExceeded],
        [2, flushed],
        [7, flushed],
      ]);
      expect(on.scheduler.now - start).toBeGreaterThanOrEqual(4 * 5000);
      await local.postReceive({ id: 8, data: [region.entry()] });
      await local.postSend({ id: 9, opcode: 'send', data: [region.entry(0, 1)] });
      expect(statuses(await completionsOf(completions, 2)).sort()).toEqual([
        [8, flushed],
        [9, flushed],
      ]);
    },
    { connection: { timeoutCycles: 5000, retries: 3 } },
  ));

test('the fabric refuses: of a request, of its data, of a receive, of a READ of the other side', async () => {
  await connected(async ({ on, domain, local, remote, completions }) => {
    const nowhere = await domain.registerMemory({ ranges: [{ base: 0x7000_0000n, bytes: 4096n }], access });
    remote.postReceive(4096);
    await local.postSend({ id: 1, opcode: 'send', data: [nowhere.entry()] });
    expect(statuses(await completionsOf(completions, 1))).toEqual([[1, localOperation]]);
    expect(on.hardware.requests.some(({ address }) => address === 0x7000_0000n)).toBe(true);
  });
  await connected(async ({ domain, local, remote, completions }) => {
    const nowhere = await domain.registerMemory({ ranges: [{ base: 0x7000_0000n, bytes: 4096n }], access });
    await local.postReceive({ id: 1, data: [nowhere.entry()] });
    await expect(remote.send(new Uint8Array(5))).rejects.toMatchObject({ status: remoteOperation });
    expect(statuses(await completionsOf(completions, 1))).toEqual([[1, localOperation]]);
  });
  for (const kind of ['read', 'write'] as const)
    await connected(async ({ domain, local, remote }) => {
      const { address, rkey } = await domain.registerMemory({ ranges: [{ base: 0x7000_0000n, bytes: 4096n }], access });
      const operation =
        kind === 'read' ? remote.read({ address, rkey }, 4096) : remote.write(new Uint8Array(9), { address, rkey });
      await expect(operation).rejects.toThrow(RemoteError);
      await expect(operation).rejects.toMatchObject({ status: remoteOperation });
      expect(await local.query()).toBe('error');
    });
  await connected(async ({ on, local, completions, region }) => {
    const rings = local.memory?.base ?? 0n;
    on.hardware.refuse = (address, direction) => direction === 'read' && address >= rings && address < rings + 4096n;
    await local.postSend({ id: 1, opcode: 'send', data: [region.entry(0, 1)] });
    expect(statuses(await completionsOf(completions, 1))).toEqual([[1, flushed]]);
    expect(local.state).toBe('error');
  });
});
