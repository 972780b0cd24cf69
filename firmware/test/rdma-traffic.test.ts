import { expect, test } from 'vitest';
import { WorkStatus } from '../host/src/rdma/index.ts';
import { random } from './nvme-computer.ts';
import { completionsOf, connectedPair, RdmaComputer, type RdmaPair } from './rdma-computer.ts';

/** Much at once, against a model of what memory must hold; and what goes away while it is in use. */

const access = { localWrite: true, remoteRead: true, remoteWrite: true };
const areaBytes = 16_384;

for (const seed of [1, 2, 3, 4])
  test(`random operations of several queue pairs, on host memory, a peer's and the card's own, seed ${seed}`, async () => {
    const dice = random(seed);
    const latency = () => 1 + dice.below(30);
    const on = new RdmaComputer({
      hardware: { latency, bufferBytes: 65_536 },
      wire: { latency: 10, bytesPerCycle: 64, capacity: 32 },
      firmware: { jobBytes: 4096 },
    });
    await on.run(async () => {
      const driver = await on.probe();
      const own = driver.memory?.allocate(areaBytes * 2);
      if (!own) throw new Error('the card has no memory');
      const places = [on.buffer(new Uint8Array(areaBytes)).base, on.peer.base, own.bus];
      const memoryAt = (base: bigint) => (base === own.bus ? on.hardware.bar2 : base === on.peer.base ? on.peer : on.memory);
      await Promise.all(
        places.map(async (base, i) => {
          const rings = i === 2 ? driver.memory?.allocate(32_768) : undefined;
          const pair = await connectedPair(driver, on.remote, {
            connection: { mtu: ([256, 1024, 4096] as const)[i] ?? 1024, reads: 4 },
            queues: { scatterEntries: 3, ...(rings && { rings: { base: rings.bus, bytes: rings.bytes } }) },
          });
          // Two ranges that stand the other way round in the region.
          const half = BigInt(areaBytes / 2);
          const ranges = [
            { base: base + half, bytes: half },
            { base, bytes: half },
          ];
          const region = await pair.domain.registerMemory({ ranges, access, address: 0x1000n, peer: i === 1 });
          const far = 65_536 * (i + 1);
          const rkey = on.remote.register({ address: far, bytes: areaBytes, remoteRead: true, remoteWrite: true });
          await traffic({ ...pair, seed: seed * 10 + i, far, rkey });
          async function traffic({
            seed: own,
            far,
            rkey,
          }: RdmaPair & { seed: number; far: number; rkey: number }): Promise<void> {
            const { local, remote, completions } = pair;
            const cast = random(own);
            const here = cast.bytes(areaBytes);
            const there = cast.bytes(areaBytes);
            memoryAt(base)?.write(base + half, here.subarray(0, areaBytes / 2));
            memoryAt(base)?.write(base, here.subarray(areaBytes / 2));
            on.remote.memory.set(there, far);
            const target = { address: region.address, rkey: region.rkey };
            for (let round = 0; round < 25; round++) {
              const bytes = cast.below(cast.below(3) ? 3000 : 12_000);
              const [from, to] = [cast.below(areaBytes - bytes), cast.below(areaBytes - bytes)];
              const cut = cast.below(bytes + 1);
              const data = [region.entry(from, cut), region.entry(from + cut, bytes - cut)];
              const kind = cast.below(6);
              if (kind === 0) {
                await local.postSend({ id: round, opcode: 'write', data, remote: { address: BigInt(far + to), rkey } });
                there.set(here.subarray(from, from + bytes), to);
              } else if (kind === 1) {
                await local.postSend({ id: round, opcode: 'read', data, remote: { address: BigInt(far + to), rkey } });
                here.set(there.subarray(to, to + bytes), from);
              } else if (kind === 2) {
                remote.postReceive(bytes);
                await local.postSend({ id: round, opcode: 'send', data });
                expect(Buffer.compare((await remote.receive()).data, here.subarray(from, from + bytes))).toBe(0);
              } else if (kind === 3) {
                const message = cast.bytes(bytes);
                await local.postReceive({ id: round, data });
                await remote.send(message);
                here.set(message, from);
              } else if (kind === 4) {
                const written = cast.bytes(bytes);
                await remote.write(written, { ...target, address: target.address + BigInt(from) });
                here.set(written, from);
              } else {
                const read = await remote.read({ ...target, address: target.address + BigInt(from) }, bytes);
                expect(Buffer.compare(read, here.subarray(from, from + bytes))).toBe(0);
              }
              if (kind < 4) expect(await completionsOf(completions, 1)).toMatchObject([{ id: round, status: 0 }]);
            }
            const found = Buffer.concat([
              memoryAt(base)?.read(base + half, areaBytes / 2) ?? Buffer.alloc(0),
              memoryAt(base)?.read(base, areaBytes / 2) ?? Buffer.alloc(0),
            ]);
            expect(Buffer.compare(found, here), `seed ${seed}, memory here`).toBe(0);
            expect(Buffer.compare(on.remote.memory.subarray(far, far + areaBytes), there), `seed ${seed}, memory there`).toBe(0);
          }
        }),
      );
    });
  });

test("C63: what was written to another device is read back before it is acknowledged or told; a card's own and host memory are not", async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { domain, local, remote, completions } = await on.pair();
    const ranges = [{ base: on.peer.base, bytes: 8192n }];
    const [peer, plain] = [
      await domain.registerMemory({ ranges, access, peer: true }),
      await domain.registerMemory({ ranges, access }),
    ];
    const rkey = on.remote.register({ address: 0, bytes: 4096, remoteRead: true });
    /** Requests for the peer's memory since the last call, and completion entries. */
    const requests = () =>
      on.hardware.requests
        .splice(0)
        .filter(({ address }) => address >= on.peer.base || (address >= completions.base && address < completions.base + 8192n))
        .map(({ kind, address, bytes }) => (address >= on.peer.base ? `${kind} ${bytes} at ${address - on.peer.base}` : 'entry'));
    requests();
    const target = { address: peer.address, rkey: peer.rkey };
    await remote.write(new Uint8Array(1000), target);
    expect(requests()).toEqual(['write 1000 at 0', 'read 1 at 999']);
    await remote.write(new Uint8Array(1000), { address: plain.address, rkey: plain.rkey });
    expect(requests()).toEqual(['write 1000 at 0']);
    await local.postReceive({ id: 1, data: [peer.entry(4096, 10), peer.entry(100, 10)] });
    await remote.send(new Uint8Array(20));
    await completionsOf(completions, 1);
    expect(requests()).toEqual(['write 10 at 4096', 'write 10 at 100', 'read 1 at 109', 'entry']);
    await local.postSend({ id: 2, opcode: 'read', data: [peer.entry(0, 500)], remote: { address: 0n, rkey } });
    await completionsOf(completions, 1);
    expect(requests()).toEqual(['write 500 at 0', 'read 1 at 499', 'entry']);
    await local.postSend({ id: 3, opcode: 'read', data: [plain.entry(0, 500)], remote: { address: 0n, rkey } });
    await completionsOf(completions, 1);
    expect(requests()).toEqual(['write 500 at 0', 'entry']);
  });
});

test('a device that does not let read back ends the connection, and no data counts as there', async () => {
  for (const what of ['read', 'write', 'send'] as const) {
    const on = new RdmaComputer();
    await on.run(async () => {
      const { domain, local, remote, completions } = await on.pair();
      const peer = await domain.registerMemory({ ranges: [{ base: on.peer.base, bytes: 8192n }], access, peer: true });
      const rkey = on.remote.register({ address: 0, bytes: 4096, remoteRead: true });
      on.hardware.refuse = (address, kind) => kind === 'read' && address >= on.peer.base;
      await local.postReceive({ id: 1, data: [peer.entry()] });
      if (what === 'read') {
        await local.postSend({ id: 2, opcode: 'read', data: [peer.entry(0, 500)], remote: { address: 0n, rkey } });
        expect((await completionsOf(completions, 2)).map(({ id, status }) => [id, status])).toEqual([
          [2, WorkStatus.localOperation],
          [1, WorkStatus.flushed],
        ]);
      } else if (what === 'write') {
        const written = remote.write(new Uint8Array(9), { address: peer.address, rkey: peer.rkey });
        await expect(written).rejects.toMatchObject({ status: WorkStatus.remoteOperation });
        expect(await completionsOf(completions, 1)).toMatchObject([{ id: 1, status: WorkStatus.flushed }]);
      } else {
        await expect(remote.send(new Uint8Array(9))).rejects.toMatchObject({ status: WorkStatus.remoteOperation });
        expect(await completionsOf(completions, 1)).toMatchObject([{ id: 1, status: WorkStatus.localOperation }]);
      }
      expect(await local.query()).toBe('error');
    });
  }
});

test('a queue pair that fails tells of what has come before it flushes the rest', async () => {
  const on: RdmaComputer = new RdmaComputer({
    hardware: { latency: () => (on.hardware.requests.at(-1)?.bytes === 1 ? 2000 : 1) },
  });
  await on.run(async () => {
    const { domain, local, remote, completions } = await on.pair();
    const peer = await domain.registerMemory({ ranges: [{ base: on.peer.base, bytes: 8192n }], access, peer: true });
    await local.postReceive(...[1, 2, 3].map(id => ({ id, data: [peer.entry(100 * id, 100)] })));
    const sent = [remote.send(new Uint8Array(50)), remote.send(new Uint8Array(60))].map(each => each.catch(() => {}));
    await on.scheduler.delay(500);
    await local.fail();
    expect((await completionsOf(completions, 3)).map(({ id, status, bytes }) => [id, status, bytes])).toEqual([
      [1, WorkStatus.success, 50],
      [2, WorkStatus.success, 60],
      [3, WorkStatus.flushed, 0],
    ]);
    remote.fail();
    await Promise.all(sent);
  });
});

test('many requests on their way end in order; READs are limited, a fence waits for them', async () => {
  const on = new RdmaComputer({ wire: { latency: 500 } });
  await on.run(async () => {
    const { domain, local, completions } = await on.pair({ connection: { reads: 2 } });
    const region = await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(65_536))], access });
    const rkey = on.remote.register({ address: 0, bytes: 65_536, remoteRead: true, remoteWrite: true });
    on.remote.memory.fill(9);
    const start = on.scheduler.now;
    for (let i = 0; i < 4; i++)
      await local.postSend({ id: i, opcode: 'read', data: [region.entry(1000 * i, 1000)], remote: { address: 0n, rkey } });
    const remote = { address: 50_000n, rkey };
    await local.postSend({ id: 4, opcode: 'write', data: [region.entry(3000, 1000)], remote, fence: true });
    const done = await completionsOf(completions, 5);
    expect(done.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4]);
    expect(on.remote.memory[50_999]).toBe(9);
    // Two round trips for the READs, and one for the WRITE behind them.
    expect(on.scheduler.now - start).toBeGreaterThan(3000);
    expect(on.scheduler.now - start).toBeLessThan(4000);
  });
});

test('SENDs are on their way together, signaled or not', async () => {
  const on = new RdmaComputer({ wire: { latency: 500 } });
  await on.run(async () => {
    const { local, remote, completions } = await on.pair();
    remote.postReceive(4, 64);
    const start = on.scheduler.now;
    await local.postSend(
      ...Array.from({ length: 64 }, (_, i) => ({
        id: i,
        opcode: 'send' as const,
        inline: Uint8Array.of(i),
        signaled: i % 8 === 7,
      })),
    );
    const got = await Promise.all(Array.from({ length: 64 }, () => remote.receive()));
    expect(got.map(({ data }) => data[0])).toEqual(Array.from({ length: 64 }, (_, i) => i));
    expect((await completionsOf(completions, 8)).map(({ id }) => id)).toEqual([7, 15, 23, 31, 39, 47, 55, 63]);
    expect(on.scheduler.now - start).toBeLessThan(1500);
  });
});

test('a region stays while the card uses it: deregistration waits, and the next use is refused', async () => {
  let slow = -1n;
  const on: RdmaComputer = new RdmaComputer({
    hardware: { latency: () => (on.hardware.requests.at(-1)?.address === slow ? 2000 : 1) },
  });
  await on.run(async () => {
    const { domain, local, remote, completions } = await on.pair();
    const region = await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(4096))], access });
    remote.postReceive(4096, 2);
    slow = region.address;
    await local.postSend({ id: 1, opcode: 'send', data: [region.entry()] });
    await on.scheduler.delay(10);
    const before = on.scheduler.now;
    await region.deregister();
    expect(on.scheduler.now - before).toBeGreaterThan(1500);
    await local.postSend({ id: 2, opcode: 'send', data: [region.entry()] });
    const done = await completionsOf(completions, 2);
    expect(done.map(({ status }) => status)).toEqual([WorkStatus.success, WorkStatus.localProtection]);
    const next = await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(64))], access });
    expect(next.lkey >>> 8).toBe(region.lkey >>> 8);
    expect(next.lkey).not.toBe(region.lkey);
  });
});

for (const what of ['queue pair destroyed', 'queue pair reset', 'function reset'] as const)
  test(`${what} in the middle of traffic: nothing is written afterwards, and it works again`, async () => {
    const dice = random(what.length);
    const on = new RdmaComputer({ hardware: { latency: () => 1 + dice.below(40) }, firmware: { jobBytes: 4096 } });
    await on.run(async () => {
      for (let round = 0; round < 6; round++) {
        const { domain, local, remote, completions } = await on.pair();
        const buffer = on.buffer(new Uint8Array(65_536));
        const region = await domain.registerMemory({ ranges: [buffer], access });
        const rkey = on.remote.register({ address: 0, bytes: 65_536, remoteRead: true, remoteWrite: true });
        const place = { address: 0n, rkey };
        await local.postReceive({ id: 1, data: [region.entry(0, 30_000)] });
        await local.postSend({ id: 2, opcode: 'read', data: [region.entry(30_000, 30_000)], remote: place });
        await local.postSend({ id: 3, opcode: 'write', data: [region.entry(0, 30_000)], remote: place });
        const theirs = [
          remote.send(new Uint8Array(30_000).fill(7)),
          remote.read({ address: region.address, rkey: region.rkey }, 60_000),
        ].map(each => each.catch(() => {}));
        await on.scheduler.delay(dice.below(1200));
        if (what === 'function reset') {
          on.hardware.resetFunction();
          await on.scheduler.delay(500);
        } else if (what === 'queue pair reset') await local.reset();
        else await local.destroy();
        const after = on.hardware.requests.length;
        const content = on.memory.read(buffer.base, 65_536);
        await on.scheduler.delay(5000);
        expect(on.hardware.requests.length).toBe(after);
        expect(Buffer.compare(on.memory.read(buffer.base, 65_536), content)).toBe(0);
        remote.fail();
        await Promise.all(theirs);
        if (what !== 'queue pair reset') continue;
        completions.poll();
        const far = on.remote.createQueuePair();
        await local.connect({ remote: far.number });
        far.connect({ remote: local.number });
        far.postReceive(100);
        await local.postSend({ id: 9, opcode: 'send', data: [region.entry(0, 100)] });
        expect(await completionsOf(completions, 1)).toMatchObject([{ id: 9, status: 0 }]);
        await local.destroy();
        await completions.destroy();
      }
    });
  });

test('a driver closes, and gives back all that it took of the card and of host memory', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const before = on.pool.available;
    for (let i = 0; i < 3; i++) {
      const { driver, domain, local, remote, completions } = await on.pair();
      remote.postReceive(10);
      await local.postSend({ id: i, opcode: 'send', inline: new Uint8Array() });
      await completionsOf(completions, 1);
      await driver.close();
      await domain.free();
      expect(on.pool.available).toBe(before);
    }
  });
});
