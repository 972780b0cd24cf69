import { expect, test } from 'vitest';
import { Inbox } from '../device/src/rdma/inbox.ts';
import { Tasks } from '../device/src/rdma/signal.ts';
import { Opcode, type Packet } from '../rdma/packet.ts';
import { softwareScheduler } from './endpoint-double.ts';
import { completionsOf, RdmaComputer } from './rdma-computer.ts';

/** Packets between the wire and the two sides of a queue pair. */

const packet = (psn: number, bytes: number): Packet => ({
  opcode: Opcode.readMiddle,
  queuePair: 1,
  psn,
  payload: new Uint8Array(bytes),
});

test('what comes in one cycle is taken together, up to so many bytes; what comes meanwhile is taken next', async () => {
  const scheduler = softwareScheduler();
  await scheduler.run(async () => {
    const batches: number[][] = [];
    let left = 0;
    const take = async (packets: readonly Packet[]) => {
      batches.push(packets.map(({ psn }) => psn));
      await scheduler.delay(100);
    };
    const tasks = new Tasks(task => scheduler.spawn('test', task));
    const inbox = new Inbox(tasks, scheduler, 1000, take, count => {
      left += count;
    });
    for (let i = 0; i < 3; i++) inbox.add(packet(i, 600));
    await scheduler.delay(50);
    expect([batches, left]).toEqual([[[0, 1]], 0]);
    for (let i = 3; i < 6; i++) inbox.add(packet(i, 10));
    await scheduler.delay(500);
    expect([batches, left]).toEqual([
      [
        [0, 1],
        [2, 3, 4, 5],
      ],
      6,
    ]);
    inbox.add(packet(6, 10));
    await tasks.ended();
    expect([batches.at(-1), left]).toEqual([[6], 7]);
  });
});

test('a message does not wait until the data of a READ, which came before it, is in memory', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { domain, local, remote, completions } = await on.pair({ connection: { mtu: 4096 } });
    const [far, near] = [65_536, 64];
    const data = await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(far))], access: { localWrite: true } });
    const slot = await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(near))], access: { localWrite: true } });
    const rkey = on.remote.register({ address: 0, bytes: far, remoteRead: true });
    await local.postReceive({ id: 7, data: [slot.entry(0, near)] });
    // Bulk data takes its time.
    const give = on.hardware.give.bind(on.hardware);
    on.hardware.give = async (...job) => {
      await on.scheduler.delay(10_000);
      await give(...job);
    };
    await local.postSend({ id: 1, opcode: 'read', data: [data.entry(0, far)], remote: { address: 0n, rkey } });
    await on.scheduler.delay(1000);
    const sent = remote.send(new Uint8Array(near));
    const [first] = await completionsOf(completions, 1);
    expect(first?.id).toBe(7);
    await sent;
    const [second] = await completionsOf(completions, 1);
    expect([second?.id, second?.status]).toEqual([1, 0]);
  });
});
