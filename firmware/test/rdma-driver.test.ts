import { expect, test } from 'vitest';
import { WorkStatus } from '../host/src/rdma/index.ts';
import { random } from './nvme-computer.ts';
import { completionsOf, RdmaComputer } from './rdma-computer.ts';

/** Driver and firmware in software, against the remote end. */

const dice = random(11);

test('SEND and RECV, of all lengths around packets, both ways', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { domain, completions, local, remote } = await on.pair();
    const buffer = on.buffer(new Uint8Array(16_384));
    const region = await domain.registerMemory({ ranges: [buffer], access: { localWrite: true } });
    for (const bytes of [0, 1, 1023, 1024, 1025, 2048, 5000, 8192]) {
      const data = dice.bytes(bytes);
      on.memory.write(buffer.base, data);
      remote.postReceive(8192);
      await local.postSend({ id: bytes, opcode: 'send', data: [region.entry(0, bytes)] });
      const message = await remote.receive();
      expect(Buffer.compare(message.data, data)).toBe(0);
      expect(await completionsOf(completions, 1)).toEqual([
        { id: bytes, queuePair: local.number, status: WorkStatus.success, opcode: 'send', bytes: 0 },
      ]);
      const back = dice.bytes(bytes);
      await local.postReceive({ id: bytes + 1, data: [region.entry(8192, 8192)] });
      await remote.send(back);
      expect(await completionsOf(completions, 1)).toEqual([
        { id: bytes + 1, queuePair: local.number, status: WorkStatus.success, opcode: 'receive', bytes },
      ]);
      expect(Buffer.compare(on.memory.read(buffer.base + 8192n, bytes), back)).toBe(0);
    }
  });
});

test('RDMA WRITE and READ, both ways', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { domain, completions, local, remote } = await on.pair();
    const buffer = on.buffer(new Uint8Array(200_000));
    const access = { localWrite: true, remoteRead: true, remoteWrite: true };
    const region = await domain.registerMemory({ ranges: [buffer], access });
    const rkey = on.remote.register({ address: 4096, bytes: 200_000, remoteRead: true, remoteWrite: true });
    for (const bytes of [0, 1, 1024, 4097, 100_001]) {
      const data = dice.bytes(bytes);
      on.memory.write(buffer.base, data);
      const place = { address: 4096n, rkey };
      await local.postSend({ id: 1, opcode: 'write', data: [region.entry(0, bytes)], remote: place });
      expect((await completionsOf(completions, 1))[0]).toMatchObject({ id: 1, status: 0, opcode: 'write' });
      expect(Buffer.compare(on.remote.memory.subarray(4096, 4096 + bytes), data)).toBe(0);
      await local.postSend({
        id: 2,
        opcode: 'read',
        data: bytes > 0 ? [region.entry(99_999, bytes - 1), region.entry(5, 1)] : [],
        remote: place,
      });
      expect((await completionsOf(completions, 1))[0]).toMatchObject({ id: 2, status: 0, opcode: 'read', bytes });
      if (bytes > 0) {
        expect(Buffer.compare(on.memory.read(buffer.base + 99_999n, bytes - 1), data.subarray(0, bytes - 1))).toBe(0);
        expect(on.memory.read(buffer.base + 5n, 1)[0]).toBe(data[bytes - 1]);
      }
      const there = { address: region.address, rkey: region.rkey };
      const back = dice.bytes(bytes);
      await remote.write(back, there);
      expect(Buffer.compare(on.memory.read(buffer.base, bytes), back)).toBe(0);
      expect(Buffer.compare(await remote.read(there, bytes), back)).toBe(0);
    }
  });
});

test('a card as its firmware was told: queues, entries, READs; messages beyond the longest one are refused, both ways', async () => {
  const firmware = { queues: 2, entries: 64, memoryRegions: 3, maxMessage: 4096, reads: 2 };
  const on = new RdmaComputer({ firmware, hardware: { doorbells: 16 } });
  await on.run(async () => {
    const { driver, domain, completions, local, remote } = await on.pair({ entries: 64 });
    const { limits } = driver;
    expect(limits).toMatchObject({
      queuePairs: 2,
      completionQueues: 2,
      entries: 64,
      memoryRegions: 3,
      maxMessage: 4096,
      reads: 2,
    });
    await expect(driver.createCompletionQueue({ entries: 128 })).rejects.toThrow('invalid parameter');
    const options = { ranges: [on.buffer(new Uint8Array(8192))], access: { localWrite: true } };
    const [region] = [
      await domain.registerMemory(options),
      await domain.registerMemory(options),
      await domain.registerMemory(options),
    ];
    await expect(domain.registerMemory(options)).rejects.toThrow('no more of these');
    remote.postReceive(8192, 2);
    await local.postSend(
      { id: 1, opcode: 'send', data: [region.entry(0, 4096)] },
      { id: 2, opcode: 'send', data: [region.entry(0, 4097)] },
    );
    const done = await completionsOf(completions, 2);
    expect(done.map(({ status }) => status)).toEqual([WorkStatus.success, WorkStatus.localLength]);
    const second = await domain.createQueuePair({ sendQueue: completions, receiveQueue: completions });
    const far = on.remote.createQueuePair();
    await second.connect({ remote: far.number });
    far.connect({ remote: second.number });
    await second.postReceive({ id: 3, data: [region.entry()] });
    await expect(far.send(new Uint8Array(4097))).rejects.toMatchObject({ status: WorkStatus.remoteInvalidRequest });
  });
  for (const wrong of [
    { queues: 5 },
    { queues: 0 },
    { entries: 100 },
    { entries: 65_536 },
    { memoryRegions: 0 },
    { maxMessage: 100 },
    { reads: 0 },
    { jobBytes: 5000 },
  ])
    expect(() => new RdmaComputer({ firmware: wrong, hardware: { doorbells: 16 } }), JSON.stringify(wrong)).toThrow(RangeError);
});
