import { expect, test } from 'vitest';
import { decodePacket, encodePacket, Opcode, Syndrome } from '../rdma/packet.ts';
import { randomBytes } from './bench.ts';
import { completionsOf, RdmaComputer } from './rdma-computer.ts';

/** What an acknowledgement says, and what it cannot say. */

test('an acknowledgement of packets that were not sent yet ends nothing: a WRITE has ended when its data is there', async () => {
  const on = new RdmaComputer({ hardware: { latency: () => 200 }, firmware: { jobBytes: 4096 } });
  await on.run(async () => {
    const { domain, local, completions } = await on.pair({ connection: { mtu: 256 } });
    const data = randomBytes(32_768, 5);
    const region = await domain.registerMemory({ ranges: [on.buffer(data)], access: { localWrite: true } });
    const rkey = on.remote.register({ address: 0, bytes: data.length, remoteWrite: true });
    await local.postSend({ id: 1, opcode: 'write', data: [region.entry(0, data.length)], remote: { address: 0n, rkey } });
    await on.scheduler.delay(1000);
    expect(Buffer.compare(on.remote.memory.subarray(0, data.length), data)).not.toBe(0);
    // In the name of the other side, of the WRITE's last packet.
    const last = data.length / 256 - 1;
    const early = { opcode: Opcode.acknowledge, psn: last, answer: { syndrome: Syndrome.ack, messages: 1 } };
    await on.wire.ends[1].send(encodePacket({ ...early, queuePair: local.number, payload: new Uint8Array() }));
    const [ended] = await completionsOf(completions, 1);
    expect([ended?.id, ended?.status]).toEqual([1, 0]);
    expect(Buffer.compare(on.remote.memory.subarray(0, data.length), data)).toBe(0);
  });
});

test('a response of a READ acknowledges all requests before the READ, at once', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { domain, local, remote, completions } = await on.pair({ connection: { mtu: 256 } });
    const range = on.buffer(new Uint8Array(2048));
    const region = await domain.registerMemory({ ranges: [range], access: { localWrite: true } });
    const rkey = on.remote.register({ address: 0, bytes: 2048, remoteRead: true });
    remote.postReceive(1, 100);
    // Of all that comes back only the first response arrives.
    on.wire.lose = (packet, from) => from === 1 && decodePacket(packet)?.opcode !== Opcode.readFirst;
    await local.postSend(
      { id: 1, opcode: 'send', inline: new Uint8Array() },
      { id: 2, opcode: 'read', data: [region.entry(0, 2048)], remote: { address: 0n, rkey } },
    );
    await on.scheduler.delay(5000);
    expect(completions.poll().map(({ id, status }) => [id, status])).toEqual([[1, 0]]);
  });
});
