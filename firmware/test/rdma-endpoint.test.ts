import { completion, Status } from '@hdl/pcie-rtl';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostId } from '../../rtl/test/link-host.ts';
import { type AsyncEvent, type MemoryRegion, RdmaDriver, WorkStatus } from '../host/src/rdma/index.ts';
import { doorbellBase } from '../rdma/registers.ts';
import { random } from './nvme-computer.ts';
import { completionsOf, connectedPair, type RdmaPair } from './rdma-computer.ts';
import { NicComputer } from './rdma-endpoint-bench.ts';

/** The network card's firmware on the RTL of an endpoint: every TLP of its link is real. */

const access = { localWrite: true, remoteRead: true, remoteWrite: true };
const host = { base: 0x20_0000n, bytes: 0x1_0000n };
/** Memory of another device: its addresses are no host memory. */
const peer = { base: 0x80_0000_0000n, bytes: 0x1_0000n };
const dice = random(5);

let on: NicComputer;
let driver: RdmaDriver;
let pair: RdmaPair;
let inHost: MemoryRegion;
let inPeer: MemoryRegion;
let rkey: number;
beforeAll(async () => {
  on = new NicComputer(128);
  await on.scheduler.run(async () => {
    await on.boot();
    driver = await RdmaDriver.probe(on.platform);
    pair = await connectedPair(driver, on.remote);
    inHost = await pair.domain.registerMemory({ ranges: [host], access });
    inPeer = await pair.domain.registerMemory({ ranges: [peer], access, peer: true });
    rkey = on.remote.register({ address: 0, bytes: 65_536, remoteRead: true, remoteWrite: true });
  });
});
afterAll(() => on[Symbol.dispose]());

const put = (address: bigint, data: Uint8Array) => on.platform.memory.write(address, data);
const get = (address: bigint, bytes: number) => on.platform.memory.read(address, bytes);
const there = (offset = 0) => ({ address: BigInt(offset), rkey });
let seen = 0;
/** TLPs of the card since the last call: reads and writes by address, but for interrupts. */
const tlps = () => {
  const { asked, written } = on.bench;
  const reads = asked.splice(0).map(({ address }) => address);
  const writes = written
    .slice(seen)
    .filter(({ address }) => address < 0xfee0_0000n || address >= peer.base)
    .map(({ address, payload }) => ({ address, bytes: payload.length }));
  seen = written.length;
  return { reads, writes };
};

test('SEND and RECV, at any address, gathered and scattered', () =>
  on.scheduler.run(async () => {
    const { local, remote, completions } = pair;
    const data = dice.bytes(3000);
    put(host.base + 3n, data);
    remote.postReceive(4096);
    await local.postSend({
      id: 1,
      opcode: 'send',
      data: [inHost.entry(3, 1111), inHost.entry(1114, 1889)],
      immediate: 0x1234_5678,
    });
    const message = await remote.receive();
    expect(Buffer.compare(message.data, data)).toBe(0);
    expect(message.immediate).toBe(0x1234_5678);
    await local.postReceive({ id: 2, data: [inHost.entry(0x4001, 500), inHost.entry(0x5002, 4000)] });
    await remote.send(data, { immediate: 7 });
    const got = await completionsOf(completions, 2);
    expect(got).toMatchObject([
      { id: 1, status: 0, opcode: 'send' },
      { id: 2, status: 0, opcode: 'receive', bytes: 3000, immediate: 7 },
    ]);
    expect(Buffer.compare(Buffer.concat([get(host.base + 0x4001n, 500), get(host.base + 0x5002n, 2500)]), data)).toBe(0);
  }));

test('RDMA WRITE and READ, both ways, on host memory', () =>
  on.scheduler.run(async () => {
    const { local, remote, completions } = pair;
    const data = dice.bytes(5001);
    put(host.base, data);
    await local.postSend({ id: 3, opcode: 'write', data: [inHost.entry(0, 5001)], remote: there(100) });
    await local.postSend({ id: 4, opcode: 'read', data: [inHost.entry(0x2001, 5001)], remote: there(100) });
    expect(await completionsOf(completions, 2)).toMatchObject([
      { id: 3, status: 0 },
      { id: 4, status: 0, opcode: 'read', bytes: 5001 },
    ]);
    expect(Buffer.compare(on.remote.memory.subarray(100, 5101), data)).toBe(0);
    expect(Buffer.compare(get(host.base + 0x2001n, 5001), data)).toBe(0);
    const back = dice.bytes(2500);
    const place = { address: host.base + 0x6003n, rkey: inHost.rkey };
    await remote.write(back, place);
    expect(Buffer.compare(get(place.address, 2500), back)).toBe(0);
    expect(Buffer.compare(await remote.read(place, 2500), back)).toBe(0);
  }));

test('M0-13: buffers and rings in the own memory of a network card make no TLPs', () =>
  on.scheduler.run(async () => {
    const { remote, completions, domain } = pair;
    const own = driver.memory?.allocate(16_384);
    const rings = driver.memory?.allocate(16_384);
    if (!own || !rings) throw new Error('the card has no memory');
    const inside = await domain.registerMemory({ ranges: [{ base: own.bus, bytes: 16_384n }], access });
    const queues = { sendQueue: completions, receiveQueue: completions, rings: { base: rings.bus, bytes: rings.bytes } };
    const second = await domain.createQueuePair(queues);
    const other = on.remote.createQueuePair();
    await second.connect({ remote: other.number });
    other.connect({ remote: second.number });
    const data = dice.bytes(9000);
    on.remote.memory.set(data, 0);
    tlps();
    await second.postSend({ id: 5, opcode: 'read', data: [inside.entry(1, 9000)], remote: there() });
    await second.postSend({ id: 6, opcode: 'write', data: [inside.entry(1, 9000)], remote: there(20_000), fence: true });
    expect(await completionsOf(completions, 2)).toMatchObject([
      { id: 5, status: 0 },
      { id: 6, status: 0 },
    ]);
    expect(Buffer.compare(on.remote.memory.subarray(20_000, 29_000), data)).toBe(0);
    const { reads, writes } = tlps();
    // Completion entries alone.
    expect(reads).toEqual([]);
    expect(writes.every(({ bytes }) => bytes === 32 || bytes === 64)).toBe(true);
    await second.destroy();
    await inside.deregister();
    expect(remote.failed).toBe(false);
  }));

test('C63 E1 E2: data goes to and from the BAR of another device, and is read back before its completion', () =>
  on.scheduler.run(async () => {
    const { local, completions } = pair;
    const data = dice.bytes(4096);
    on.remote.memory.set(data, 0);
    tlps();
    await local.postSend({ id: 7, opcode: 'read', data: [inPeer.entry(0, 4096)], remote: there() });
    expect(await completionsOf(completions, 1)).toMatchObject([{ id: 7, status: 0 }]);
    expect(Buffer.compare(get(peer.base, 4096), data)).toBe(0);
    const { reads, writes } = tlps();
    const payload = writes.filter(({ address }) => address >= peer.base);
    expect(payload.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(4096);
    expect(reads.filter(address => address >= peer.base)).toEqual([peer.base + 4092n]);
    expect(writes.length - payload.length).toBe(1);
    await local.postSend({ id: 8, opcode: 'write', data: [inPeer.entry(0, 4096)], remote: there(8192) });
    expect(await completionsOf(completions, 1)).toMatchObject([{ id: 8, status: 0 }]);
    expect(Buffer.compare(on.remote.memory.subarray(8192, 12_288), data)).toBe(0);
  }));

test('a completion entry leaves behind the data that it tells of', () =>
  on.scheduler.run(async () => {
    const { local, remote, completions } = pair;
    await local.postReceive({ id: 9, data: [inHost.entry(0x8000, 2048)] });
    tlps();
    await remote.send(dice.bytes(2048));
    expect(await completionsOf(completions, 1)).toMatchObject([{ id: 9, status: 0, bytes: 2048 }]);
    const { writes } = tlps();
    expect(writes.at(-1)).toMatchObject({ bytes: 32 });
    expect(writes.slice(0, -1).map(({ bytes }) => bytes)).toEqual(Array.from({ length: 8 }, () => 256));
  }));

test("E5: a WRITE of 4 bytes to another device's doorbell is one DW, and nothing is read back", () =>
  on.scheduler.run(async () => {
    const { domain, remote } = pair;
    const doorbell = { base: 0x90_0000_1000n, bytes: 8n };
    const region = await domain.registerMemory({ ranges: [doorbell], access });
    tlps();
    await remote.write(Uint8Array.of(1, 2, 3, 4), { address: doorbell.base + 4n, rkey: region.rkey });
    expect(tlps()).toEqual({ reads: [], writes: [{ address: doorbell.base + 4n, bytes: 4 }] });
    await region.deregister();
  }));

/** A fresh connection, for a test that ends it. */
const fresh = () => connectedPair(driver, on.remote, { entries: 64 });
const { success, flushed, localProtection, localOperation, remoteAccess, remoteOperation } = WorkStatus;

test('wrong keys and bounds on the link: statuses at both sides, and not one TLP for what is not allowed', () =>
  on.scheduler.run(async () => {
    const { domain, local, remote, completions } = await fresh();
    const region = await domain.registerMemory({ ranges: [{ base: host.base, bytes: 4096n }], access: { localWrite: true } });
    remote.postReceive(100, 2);
    await local.postSend(
      { id: 1, opcode: 'send', data: [region.entry(0, 10)] },
      { id: 2, opcode: 'send', data: [{ ...region.entry(0, 100), address: peer.base }] },
      { id: 3, opcode: 'send', data: [region.entry(0, 10)] },
    );
    const ended = await completionsOf(completions, 3);
    expect(ended.map(({ status }) => status)).toEqual([success, localProtection, flushed]);
    const second = await fresh();
    tlps();
    await expect(second.remote.write(new Uint8Array(8), { address: region.address, rkey: region.rkey })).rejects.toMatchObject({
      status: remoteAccess,
    });
    await on.scheduler.delay(200);
    // The event, and nothing of the data.
    expect(tlps().writes.map(({ bytes }) => bytes)).toEqual([16]);
    expect(second.local.state).toBe('error');
    for (const each of [local, second.local]) await each.destroy();
  }));

test('what the fabric refuses ends the request, and the streams stay in step', () =>
  on.scheduler.run(async () => {
    const { bench } = on;
    const nowhere = { base: 0x7f_0000n, bytes: 4096n };
    bench.misbehave = request => {
      const nobody = request.address >= nowhere.base && request.address < nowhere.base + nowhere.bytes;
      return nobody ? [completion(request, { completer_id: hostId, status: Status.unsupported })] : undefined;
    };
    const first = await fresh();
    const region = await first.domain.registerMemory({ ranges: [nowhere], access });
    await first.local.postSend({ id: 1, opcode: 'write', data: [region.entry()], remote: there() });
    expect(await completionsOf(first.completions, 1)).toMatchObject([{ id: 1, status: localOperation }]);
    const second = await fresh();
    const other = await second.domain.registerMemory({ ranges: [nowhere], access });
    await expect(second.remote.read({ address: other.address, rkey: other.rkey }, 3000)).rejects.toMatchObject({
      status: remoteOperation,
    });
    bench.misbehave = undefined;
    for (const { local } of [first, second]) await local.destroy();
    const data = dice.bytes(3000);
    put(host.base, data);
    await pair.local.postSend({ id: 2, opcode: 'write', data: [inHost.entry(0, 3000)], remote: there() });
    expect(await completionsOf(pair.completions, 1)).toMatchObject([{ id: 2, status: success }]);
    expect(Buffer.compare(on.remote.memory.subarray(0, 3000), data)).toBe(0);
  }));

test('doorbells of all kinds with all kinds of values: those they break are told, the others go on', () =>
  on.scheduler.run(async () => {
    const victim = await fresh();
    const events: AsyncEvent[] = [];
    driver.onEvent(event => events.push(event));
    const { completionQueues } = driver.limits;
    const spared = new Set(
      [0, 1, 2 + pair.completions.number, ...[0, 1].map(i => 2 + completionQueues + 2 * (pair.local.number & 0xff) + i)].map(
        Number,
      ),
    );
    for (let i = 0; i < 40; i++) {
      const number = dice.below(32);
      if (!spared.has(number)) await on.platform.writeRegister(doorbellBase + 4 * number, dice.below(2 ** 32));
    }
    const number = 2 + completionQueues + 2 * (victim.local.number & 0xff);
    await on.platform.writeRegister(doorbellBase + 4 * number, 0x4000);
    await on.scheduler.delay(2000);
    expect(await victim.local.query()).toBe('error');
    expect(events).toContainEqual({ kind: 'queue pair', number: victim.local.number, reason: localOperation });
    await pair.local.postSend({ id: 4, opcode: 'read', data: [inHost.entry(0, 100)], remote: there() });
    expect(await completionsOf(pair.completions, 1)).toMatchObject([{ id: 4, status: success }]);
    await victim.local.destroy();
  }));

test('bus mastering off, then a function level reset, both in the middle of traffic: the card comes back', () =>
  on.scheduler.run(async () => {
    const { bench, scheduler } = on;
    const { local, remote } = pair;
    for (const what of ['bus mastering', 'reset'] as const) {
      const theirs = remote.failed
        ? []
        : [remote.read({ address: inHost.address, rkey: inHost.rkey }, 30_000)].map(each => each.catch(() => {}));
      await local.postSend({ id: 1, opcode: 'read', data: [inHost.entry(0, 30_000)], remote: there() }).catch(() => {});
      await scheduler.delay(900);
      if (what === 'bus mastering') {
        bench.configure(0, 4, 2);
        await scheduler.delay(1500);
        bench.configure(0, 4, 6);
      } else {
        // Initiate Function Level Reset, and the 100 ms that software waits (C84).
        bench.configure(0, 0x68, 0xa020);
        await scheduler.delay(4000);
        on.enumerate();
      }
      remote.fail();
      await Promise.all(theirs);
    }
    driver = await RdmaDriver.probe(on.platform);
    pair = await connectedPair(driver, on.remote);
    inHost = await pair.domain.registerMemory({ ranges: [host], access });
    const data = dice.bytes(4000);
    on.remote.memory.set(data, 0);
    tlps();
    await pair.local.postSend({ id: 2, opcode: 'read', data: [inHost.entry(0, 4000)], remote: there() });
    expect(await completionsOf(pair.completions, 1)).toMatchObject([{ id: 2, status: success }]);
    expect(Buffer.compare(get(host.base, 4000), data)).toBe(0);
  }));
