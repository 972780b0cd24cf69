import { expect, test } from 'vitest';
import { WorkStatus } from '../host/src/rdma/index.ts';
import { decodePacket, encodePacket, Nak, Opcode, type Packet, Syndrome, type WirePacket } from '../rdma/packet.ts';
import { Wire, type WireEnd } from '../rdma/wire.ts';
import { softwareScheduler } from './endpoint-double.ts';
import { random } from './nvme-computer.ts';
import { completionsOf, RdmaComputer } from './rdma-computer.ts';

/** What is on the wire: segments, sequence numbers, lost packets, and packets that should not be. */

const access = { localWrite: true, remoteRead: true, remoteWrite: true };
const packet = (payload: number): WirePacket => ({ headers: new Uint8Array(12), payload: new Uint8Array(payload) });

test('a wire delivers in order, after its latency, at its rate, and holds so many packets', async () => {
  const scheduler = softwareScheduler();
  await scheduler.run(async () => {
    const wire = new Wire(scheduler, { latency: 50, bytesPerCycle: 10, capacity: 3 });
    const [left, right] = wire.ends;
    let sent = 0;
    scheduler.spawn('sender', async () => {
      for (const bytes of [88, 188, 8, 28, 48]) {
        await left.send(packet(bytes));
        sent++;
      }
    });
    const first = await right.receive();
    expect([first.payload.length, scheduler.now]).toEqual([88, 10 + 50]);
    await scheduler.delay(1000);
    expect(sent).toBe(4);
    expect([await right.receive(), await right.receive(), await right.receive()].map(p => p.payload.length)).toEqual([
      188, 8, 28,
    ]);
    expect((await right.receive()).payload.length).toBe(48);
    const aborted = new AbortController();
    for (let i = 0; i < 3; i++) await left.send(packet(i));
    const waiting = left.send(packet(77), aborted.signal);
    aborted.abort();
    await waiting;
    for (let i = 0; i < 3; i++) expect((await right.receive()).payload.length).toBe(i);
    await scheduler.delay(1000);
    expect(right.peek()).toBeUndefined();
  });
});

/** A computer whose wire ends in a test, and what it sends. */
async function raw(work: (on: RdmaComputer, end: WireEnd, next: () => Promise<Packet>) => Promise<void>): Promise<void> {
  const on = new RdmaComputer();
  const [, end] = on.wire.ends;
  // The remote end takes packets for none of its queue pairs; the test takes them before.
  const inbox: Packet[] = [];
  const readers: ((packet: Packet) => void)[] = [];
  on.wire.lose = (sent, from) => {
    const decoded = decodePacket(sent);
    if (from === 1 || !decoded) return false;
    const reader = readers.shift();
    if (reader) reader(decoded);
    else inbox.push(decoded);
    return true;
  };
  const next = async () => inbox.shift() ?? new Promise<Packet>(resolve => readers.push(resolve));
  await on.run(() => work(on, end, next));
}

test('messages are cut into packets of the MTU, with sequence numbers that go round', () =>
  raw(async (on, end, next) => {
    const { domain, local, completions } = await on.pair({ connection: { remote: 0x777, mtu: 256, sendPsn: 0xff_fffe } });
    const region = await domain.registerMemory({ ranges: [on.buffer(random(1).bytes(1024))], access });
    const data = on.memory.read(region.address, 1024);
    const remote = { address: 0x1000n, rkey: 5 };
    await local.postSend({ id: 1, opcode: 'write', data: [region.entry(0, 700)], remote, immediate: 9, solicited: true });
    const packets = [await next(), await next(), await next()];
    const { writeFirst, writeMiddle, writeLastImmediate } = Opcode;
    expect(packets.map(({ opcode }) => opcode)).toEqual([writeFirst, writeMiddle, writeLastImmediate]);
    expect(packets.map(({ psn }) => psn)).toEqual([0xff_fffe, 0xff_ffff, 0]);
    expect(packets.map(({ queuePair }) => queuePair)).toEqual([0x777, 0x777, 0x777]);
    expect(packets.map(({ solicited }) => solicited)).toEqual([false, false, true]);
    expect(packets.map(({ acknowledge }) => acknowledge)).toEqual([false, false, true]);
    expect(packets[0]?.remote).toEqual({ address: 0x1000n, key: 5, bytes: 700 });
    expect(packets[2]?.immediate).toBe(9);
    expect(Buffer.concat(packets.map(({ payload }) => payload)).equals(data.subarray(0, 700))).toBe(true);
    const answer = { syndrome: Syndrome.ack, messages: 1 };
    await end.send(
      encodePacket({ opcode: Opcode.acknowledge, queuePair: local.number, psn: 0, answer, payload: new Uint8Array() }),
    );
    expect(await completionsOf(completions, 1)).toMatchObject([{ id: 1, status: WorkStatus.success }]);
    await local.postSend({ id: 2, opcode: 'read', data: [region.entry(0, 600)], remote });
    expect(await next()).toMatchObject({ opcode: Opcode.readRequest, psn: 1, remote: { address: 0x1000n, key: 5, bytes: 600 } });
    await local.postSend({ id: 3, opcode: 'send', inline: new Uint8Array() });
    // A READ takes the numbers of its responses.
    expect(await next()).toMatchObject({ opcode: Opcode.sendOnly, psn: 4 });
  }));

test('wrong answers: none for what was not asked, wrong opcodes and lengths end the request', async () => {
  const respond = (opcode: number, bytes: number) =>
    raw(async (on, end, next) => {
      const { domain, local, completions } = await on.pair({ connection: { remote: 1, mtu: 256 } });
      const region = await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(1024))], access });
      const answer = { syndrome: Syndrome.ack, messages: 1 };
      const send = (fields: Omit<Packet, 'queuePair'>) => end.send(encodePacket({ answer, queuePair: local.number, ...fields }));
      // Acknowledgements and responses before anything was sent.
      for (const psn of [0, 5, 0xff_ffff]) {
        await send({ opcode: Opcode.acknowledge, psn, payload: new Uint8Array() });
        await send({ opcode: Opcode.readOnly, psn, payload: new Uint8Array(4) });
      }
      await local.postSend({ id: 1, opcode: 'read', data: [region.entry(0, 300)], remote: { address: 0n, rkey: 1 } });
      await next();
      await send({ opcode, psn: 0, payload: new Uint8Array(bytes) });
      expect(await completionsOf(completions, 1)).toMatchObject([{ id: 1, status: WorkStatus.badResponse }]);
    });
  await respond(Opcode.readOnly, 256);
  await respond(Opcode.readFirst, 255);
  await respond(Opcode.readMiddle, 256);
});

test('requests that cannot be: opcodes out of order, wrong lengths, too many READs; late packets find nobody', async () => {
  const remote = (bytes: number) => ({ address: 0n, key: 0, bytes });
  const wrong: { readonly [name: string]: readonly Omit<Packet, 'queuePair' | 'psn'>[] } = {
    'middle first': [{ opcode: Opcode.sendMiddle, payload: new Uint8Array(256) }],
    'first after first': [
      { opcode: Opcode.sendFirst, payload: new Uint8Array(256) },
      { opcode: Opcode.sendFirst, payload: new Uint8Array(256) },
    ],
    'WRITE ends as SEND': [
      { opcode: Opcode.writeFirst, remote: remote(512), payload: new Uint8Array(256) },
      { opcode: Opcode.sendLast, payload: new Uint8Array(256) },
    ],
    'short first': [{ opcode: Opcode.sendFirst, payload: new Uint8Array(255) }],
    'long only': [{ opcode: Opcode.sendOnly, payload: new Uint8Array(257) }],
    'empty last': [
      { opcode: Opcode.sendFirst, payload: new Uint8Array(256) },
      { opcode: Opcode.sendLast, payload: new Uint8Array(0) },
    ],
    'WRITE with more than announced': [{ opcode: Opcode.writeOnly, remote: remote(3), payload: new Uint8Array(4) }],
    'WRITE with less than announced': [{ opcode: Opcode.writeOnly, remote: remote(5), payload: new Uint8Array(4) }],
    'READ in a message': [
      { opcode: Opcode.sendFirst, payload: new Uint8Array(256) },
      { opcode: Opcode.readRequest, remote: remote(4), payload: new Uint8Array() },
    ],
    'READ of too much': [{ opcode: Opcode.readRequest, remote: remote(0xffff_ffff), payload: new Uint8Array() }],
  };
  for (const [name, packets] of Object.entries(wrong))
    await raw(async (on, end, next) => {
      const { domain, local } = await on.pair({ connection: { remote: 1, mtu: 256 } });
      const region = await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(4096))], access });
      await local.postReceive({ id: 1, data: [region.entry()] }, { id: 2, data: [region.entry()] });
      for (const [psn, fields] of packets.entries()) {
        const named = fields.remote && { remote: { ...fields.remote, address: region.address, key: region.rkey } };
        await end.send(encodePacket({ ...fields, ...named, psn, queuePair: local.number }));
      }
      expect(await next(), name).toMatchObject({
        opcode: Opcode.acknowledge,
        psn: packets.length - 1,
        answer: { syndrome: Syndrome.nak(Nak.invalidRequest) },
      });
      await on.scheduler.delay(1000);
      expect(await local.query(), name).toBe('error');
      for (const number of [local.number + 0x100, local.number ^ 1, 0xff_ffff])
        await end.send(encodePacket({ opcode: Opcode.sendOnly, psn: 0, queuePair: number, payload: new Uint8Array() }));
      await end.send({ headers: Uint8Array.of(1, 2, 3), payload: new Uint8Array() });
      await end.send({ headers: new Uint8Array(12).fill(0xff), payload: new Uint8Array() });
    });
});

test('packets that come twice are answered again and have no second effect', () =>
  raw(async (on, end, next) => {
    const { domain, local, completions } = await on.pair({ connection: { remote: 1, mtu: 256 } });
    const region = await domain.registerMemory({ ranges: [on.buffer(random(2).bytes(1024))], access });
    await local.postReceive({ id: 1, data: [region.entry(0, 512)] }, { id: 2, data: [region.entry(0, 512)] });
    const send = (fields: Omit<Packet, 'queuePair'>) => end.send(encodePacket({ ...fields, queuePair: local.number }));
    const payload = Uint8Array.of(1, 2, 3);
    // For a queue pair that had the same place before: nobody takes it.
    const late = { opcode: Opcode.sendOnly, psn: 0, acknowledge: true, payload: new Uint8Array() };
    await end.send(encodePacket({ ...late, queuePair: local.number + 0x100 }));
    await send({ opcode: Opcode.sendOnly, psn: 0, acknowledge: true, payload });
    expect(await next()).toMatchObject({ psn: 0, answer: { syndrome: Syndrome.ack, messages: 1 } });
    await send({ opcode: Opcode.sendOnly, psn: 0, acknowledge: true, payload });
    expect(await next()).toMatchObject({ psn: 0, answer: { syndrome: Syndrome.ack, messages: 1 } });
    const remote = { address: region.address + 512n, key: region.rkey, bytes: 300 };
    const read = { opcode: Opcode.readRequest, psn: 1, remote, payload: new Uint8Array() };
    for (let i = 0; i < 2; i++) {
      await send(read);
      expect([(await next()).psn, (await next()).psn]).toEqual([1, 2]);
    }
    // One is missing: it is asked for once.
    for (const psn of [4, 5, 6]) await send({ opcode: Opcode.sendOnly, psn, acknowledge: true, payload });
    expect(await next()).toMatchObject({ psn: 3, answer: { syndrome: Syndrome.nak(Nak.sequence) } });
    await send({ opcode: Opcode.sendOnly, psn: 3, acknowledge: true, payload });
    expect(await next()).toMatchObject({ psn: 3, answer: { syndrome: Syndrome.ack } });
    expect((await completionsOf(completions, 2)).map(({ id, bytes }) => [id, bytes])).toEqual([
      [1, 3],
      [2, 3],
    ]);
    await on.scheduler.delay(1000);
    expect(completions.poll()).toEqual([]);
  }));

test('a wire that is slower than the timeout: answers to earlier requests count, and nothing is done twice', async () => {
  const on = new RdmaComputer({ wire: { latency: 400, bytesPerCycle: 0.5 } });
  await on.run(async () => {
    const { domain, local, completions, remote } = await on.pair({ connection: { mtu: 256, timeoutCycles: 600 } });
    const region = await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(8192))], access });
    const rkey = on.remote.register({ address: 0, bytes: 8192, remoteRead: true });
    on.remote.memory.set(random(5).bytes(8192));
    remote.postReceive(100, 2);
    await local.postSend(
      { id: 1, opcode: 'read', data: [region.entry(0, 2000)], remote: { address: 0n, rkey } },
      { id: 2, opcode: 'send', data: [region.entry(0, 10)] },
      { id: 3, opcode: 'read', data: [region.entry(2000, 2000)], remote: { address: 2000n, rkey } },
    );
    expect((await completionsOf(completions, 3)).map(({ id, status }) => [id, status])).toEqual([1, 2, 3].map(id => [id, 0]));
    expect(Buffer.compare(on.memory.read(region.address, 4000), on.remote.memory.subarray(0, 4000))).toBe(0);
    expect((await remote.receive()).bytes).toBe(10);
  });
});

test('a wire that says late that it has taken a packet: acknowledged by then, and no request is left out', async () => {
  const on = new RdmaComputer({
    wire: { latency: 5 },
    end: (end, { scheduler }) => ({
      receive: () => end.receive(),
      peek: () => end.peek(),
      async send(sent, abort) {
        await end.send(sent, abort);
        await scheduler.delay(200);
      },
    }),
  });
  await on.run(async () => {
    const { local, completions, remote } = await on.pair();
    remote.postReceive(10, 20);
    const requests = Array.from({ length: 20 }, (_, id) => ({ id, opcode: 'send' as const, inline: Uint8Array.of(id) }));
    await local.postSend(...requests);
    for (const { id } of requests) expect((await remote.receive()).data).toEqual(Uint8Array.of(id));
    expect((await completionsOf(completions, 20)).map(({ id }) => id)).toEqual(requests.map(({ id }) => id));
  });
});

test('a long READ may lose more responses than there are retries in a row, as long as others come between', async () => {
  const on = new RdmaComputer();
  await on.run(async () => {
    const { domain, local, completions } = await on.pair({ connection: { mtu: 256, retries: 2, timeoutCycles: 5000 } });
    const region = await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(16_384))], access });
    const rkey = on.remote.register({ address: 0, bytes: 16_384, remoteRead: true });
    on.remote.memory.set(random(6).bytes(16_384));
    const lost = new Set<number>();
    on.wire.lose = (sent, from) => {
      const { psn = 0 } = decodePacket(sent) ?? {};
      if (from === 0 || psn % 5 !== 4 || lost.has(psn)) return false;
      lost.add(psn);
      return true;
    };
    await local.postSend({ id: 1, opcode: 'read', data: [region.entry()], remote: { address: 0n, rkey } });
    expect(await completionsOf(completions, 1)).toMatchObject([{ id: 1, status: WorkStatus.success, bytes: 16_384 }]);
    expect(lost.size).toBe(12);
    expect(Buffer.compare(on.memory.read(region.address, 16_384), on.remote.memory.subarray(0, 16_384))).toBe(0);
  });
});

for (const seed of [1, 2, 3])
  test(`every tenth packet is lost: all messages come, in order, once, seed ${seed}`, async () => {
    const on = new RdmaComputer({ wire: { latency: 20 } });
    await on.run(async () => {
      const dice = random(seed);
      const connection = { mtu: 256, timeoutCycles: 3000, sendPsn: 0xff_ff80, receivePsn: 0xff_fff0 } as const;
      const { domain, local, completions, remote } = await on.pair({ connection });
      remote.connect({ remote: local.number, mtu: 256, sendPsn: 0xff_fff0, receivePsn: 0xff_ff80, timeoutCycles: 3000 });
      const region = await domain.registerMemory({ ranges: [on.buffer(new Uint8Array(65_536))], access });
      const rkey = on.remote.register({ address: 0, bytes: 65_536, remoteRead: true, remoteWrite: true });
      on.wire.lose = () => dice.below(10) === 0;
      for (let round = 0; round < 20; round++) {
        const [out, back, far] = [dice.bytes(dice.below(3000)), dice.bytes(dice.below(3000)), dice.bytes(1 + dice.below(3000))];
        on.memory.write(region.address, out);
        on.remote.memory.set(far, 0);
        remote.postReceive(4096);
        await local.postReceive({ id: 1, data: [region.entry(8192, 4096)] });
        const sent = remote.send(back);
        await local.postSend(
          { id: 2, opcode: 'read', data: [region.entry(16_384, far.length)], remote: { address: 0n, rkey } },
          { id: 3, opcode: 'send', data: [region.entry(0, out.length)] },
          { id: 4, opcode: 'write', data: [region.entry(0, out.length)], remote: { address: 8192n, rkey } },
        );
        const done = await completionsOf(completions, 4);
        expect(done.map(({ id, status }) => [id, status]).sort()).toEqual([1, 2, 3, 4].map(id => [id, 0]));
        expect(done.filter(({ id }) => id > 1).map(({ id }) => id)).toEqual([2, 3, 4]);
        await sent;
        expect(Buffer.compare((await remote.receive()).data, out)).toBe(0);
        expect(Buffer.compare(on.memory.read(region.address + 8192n, back.length), back)).toBe(0);
        expect(Buffer.compare(on.memory.read(region.address + 16_384n, far.length), far)).toBe(0);
        expect(Buffer.compare(on.remote.memory.subarray(8192, 8192 + out.length), out)).toBe(0);
        expect(Buffer.compare(await remote.read({ address: region.address, rkey: region.rkey }, out.length), out)).toBe(0);
      }
    });
  });
