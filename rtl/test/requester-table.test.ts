import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { RequesterTable } from '../src/host/requester-table.ts';
import { atomic, completion, memoryRead, type Packet, packetName } from '../src/tlp/packet.ts';
import { Status, TlpType } from '../src/tlp/tlp.ts';
import { PacketSink, PacketSource, runEnds, withAnyFields } from './tlp-model.ts';

const ownId = 0x0708;
const width = 128;
/** A requester of the first domain; in the other its bus number is somebody else's. */
const requester = (i: number) => 0x0300 + 8 * i;

function bench(rate: number, { entries = 8, patience = 4096 } = {}) {
  const sim = simulate(() => new RequesterTable({ width, entries, patience }));
  const { dut } = sim;
  const random = new Random(7);
  sim.poke(dut.enable, 1);
  sim.poke(dut.own_id, ownId);
  const requests = new PacketSource(sim, dut.request_in, random, rate);
  const crossed = new PacketSink(sim, dut.request_out, random, rate);
  const completions = new PacketSource(sim, dut.completion_in, random, rate);
  const answers = new PacketSink(sim, dut.completion_out, random, rate);
  const ends = [requests, crossed, completions, answers];
  return { sim, dut, random, requests, crossed, completions, answers, run: (cycles: number) => runEnds(sim, ends, cycles) };
}

/** The completions of a read in pieces that end at multiples of 64 bytes or more, or an error. */
function piecesOf(random: Random, read: Packet, bytes: number, status: number): Packet[] {
  const completer_id = random.below(2 ** 16);
  if (status !== Status.success) return [withAnyFields(random, completion(read, { completer_id, status, byte_count: bytes }))];
  const offset = Math.clz32(read.first_be & -read.first_be) === 31 ? 0 : 31 - Math.clz32(read.first_be & -read.first_be);
  const start = Number(read.address & 0xfffn) + offset;
  const list: Packet[] = [];
  const boundary = 64 << random.below(7);
  for (let at = 0; at < bytes; ) {
    const size = Math.min(boundary - ((start + at) % boundary), bytes - at);
    const lower_address = (start + at) % 128;
    const payload = random.bytes(4 * Math.ceil(((lower_address % 4) + size) / 4));
    list.push(withAnyFields(random, completion(read, { completer_id, byte_count: bytes - at, lower_address }, payload)));
    at += size;
  }
  return list;
}

describe.each([
  [1, 8],
  [0.6, 256],
])('requests from one domain to another, rate %f, %i at a time', (rate, entries) => {
  test('M2-11: the other domain knows the bridge alone; every completion comes back with the ID and tag of who asked', () => {
    const b = bench(rate, { entries, patience: Math.max(4096, 64 * entries) });
    using _ = b.sim;
    for (const own of [ownId, 0xf8f7, ownId]) cross(b, own, entries);
  });
});

/** A read of any size, or an AtomicOp, and the bytes that it gets back. */
function anyRequest(random: Random, tag: number): { readonly request: Packet; readonly bytes: number } {
  const from = { requester_id: random.below(2 ** 16), tag };
  const bytes = 1 + random.below(random.chance(0.05) ? 4096 : 300);
  const page = BigInt(random.below(2 ** 26)) << (random.chance(0.5) ? 12n : 38n);
  const address = page + BigInt(random.below(4097 - bytes));
  if (random.chance(0.6)) return { request: withAnyFields(random, memoryRead({ ...from, address, bytes })), bytes };
  const operand = 4 << random.below(2);
  const type = random.pick([TlpType.fetchAdd, TlpType.swap, TlpType.compareSwap]);
  const data = random.bytes(type === TlpType.compareSwap ? 2 * operand : operand);
  const request = atomic(type, { ...from, address: address & ~7n, data });
  return { request: withAnyFields(random, { ...request, at: random.below(4) }), bytes: operand };
}

/** Requests with completions in any order, which begin when the table is full, by a bridge whose ID is `own`. */
function cross(b: ReturnType<typeof bench>, own: number, entries: number): void {
  b.sim.poke(b.dut.own_id, own);
  b.crossed.received.length = 0;
  b.answers.received.length = 0;
  const reads = Array.from({ length: 100 + entries }, (_, i) => {
    const { request, bytes } = anyRequest(b.random, (7 * i) % 1024);
    const status = b.random.chance(0.1) ? b.random.pick([Status.unsupported, Status.retry, Status.abort]) : Status.success;
    return { request, pieces: piecesOf(b.random, request, bytes, status) };
  });
  b.requests.queue.push(...reads.map(({ request }) => request));
  const expected = reads.flatMap(({ pieces }) => pieces);
  const open: Packet[][] = [];
  let seen = 0;
  let most = 0;
  for (let i = 0; i < 20_000 && b.answers.received.length < expected.length; i++) {
    b.run(1);
    for (; seen < b.crossed.received.length; seen++) {
      const crossed = b.crossed.received[seen];
      const original = reads[seen];
      if (!crossed || !original) throw new RangeError('more requests than were sent');
      expect(crossed).toEqual({ ...original.request, requester_id: own, tag: crossed.tag });
      open.push(original.pieces.map(piece => ({ ...piece, requester_id: own, tag: crossed.tag })));
    }
    most = Math.max(most, open.length);
    // Completions of different requests in any order, those of one in theirs.
    if (most === entries && open.length > 0 && b.completions.queue.length === 0 && b.random.chance(0.5)) {
      const which = b.random.below(open.length);
      const next = open[which]?.shift();
      if (next) b.completions.queue.push(next);
      if (open[which]?.length === 0) open.splice(which, 1);
    }
  }
  const sorted = (list: readonly Packet[]) => [...list].sort((x, y) => x.tag - y.tag);
  expect(sorted(b.answers.received).map(packetName)).toEqual(sorted(expected).map(packetName));
  expect(sorted(b.answers.received)).toEqual(sorted(expected));
  expect(most).toBe(entries);
}

test('M2-11: with the table off a request keeps its ID, and what comes for the bridge finds nobody', () => {
  const b = bench(1);
  using _ = b.sim;
  b.sim.poke(b.dut.enable, 0);
  const { request: fetch } = anyRequest(b.random, 0);
  const read = memoryRead({ requester_id: requester(3), tag: 5, address: 0x1000n, bytes: 64 });
  const requests = [read, ...[0x155, 0x2aa, 0].map(tag => ({ ...fetch, tag, requester_id: b.random.below(2 ** 16) }))];
  b.requests.queue.push(...requests);
  b.run(40);
  expect(b.crossed.received).toEqual(requests);
  // In the other domain its ID is somebody else's; what is sent to the bridge is for no request.
  b.completions.queue.push(completion({ requester_id: ownId, tag: 0 }, { completer_id: 0x1100 }, new Uint8Array(4)));
  b.run(10);
  expect([b.answers.received, b.completions.queue]).toEqual([[], []]);
  // Switched on again it gives out entries.
  b.sim.poke(b.dut.enable, 1);
  b.requests.queue.push(read);
  b.run(10);
  expect(b.crossed.received.at(-1)).toEqual({ ...read, requester_id: ownId, tag: 0 });
  b.sim.poke(b.dut.enable, 0);
  b.requests.queue.push(read);
  b.run(10);
  expect(b.crossed.received.at(-1)).toEqual(read);
});

test('a completion of several beats ends its request with its last beat, whichever entry that has', () => {
  const entries = 256;
  const b = bench(1, { entries });
  using _ = b.sim;
  const reads = Array.from({ length: entries + 1 }, (_, tag) =>
    memoryRead({ requester_id: requester(1), tag, address: 0x1000n, bytes: 64 }),
  );
  b.requests.queue.push(...reads);
  b.run(entries + 32);
  expect(b.crossed.received).toHaveLength(entries);
  const sent = b.crossed.received.map(request =>
    completion(request, { completer_id: 0x1100, byte_count: 64 }, b.random.bytes(64)),
  );
  b.completions.queue.push(...sent);
  b.run(4 * entries + 32);
  expect(b.answers.received).toEqual(sent.map((packet, tag) => ({ ...packet, requester_id: requester(1), tag })));
  expect(b.crossed.received).toHaveLength(entries + 1);
});

test('a completion whose tag is beyond the entries is nobody’s, whatever entry its low bits name', () => {
  const entries = 8;
  const b = bench(1, { entries });
  using _ = b.sim;
  const reads = Array.from({ length: entries }, (_, tag) =>
    memoryRead({ requester_id: requester(1), tag, address: 0x1000n, bytes: 4 }),
  );
  b.requests.queue.push(...reads);
  b.run(30);
  expect(b.crossed.received).toHaveLength(entries);
  const answer = (tag: number) => completion({ requester_id: ownId, tag }, { completer_id: 0x1100 }, new Uint8Array(4));
  for (let bit = 3; bit < 10; bit++) b.completions.queue.push(answer(5 | (1 << bit)));
  b.run(30);
  expect([b.answers.received, b.completions.queue]).toEqual([[], []]);
  b.completions.queue.push(answer(5));
  b.run(10);
  expect(b.answers.received.map(({ tag }) => tag)).toEqual([5]);
});

test('entries whose completions do not come are given up, and their late completions are dropped', () => {
  const entries = 256;
  const b = bench(1, { entries, patience: 1024 });
  using _ = b.sim;
  const reads = Array.from({ length: entries + 1 }, (_, tag) =>
    memoryRead({ requester_id: requester(1), tag, address: 0x1000n, bytes: 4 }),
  );
  b.requests.queue.push(...reads);
  b.run(entries + 32);
  expect(b.crossed.received).toHaveLength(entries);
  b.run(2 * 1024);
  expect(b.crossed.received).toHaveLength(entries + 1);
  const late = b.crossed.received[entries - 1];
  const last = b.crossed.received[entries];
  if (!late || !last) throw new RangeError('all requests crossed');
  expect(late.tag).not.toBe(last.tag);
  for (const request of [late, last]) b.completions.queue.push(completion(request, { completer_id: 0x1100 }, new Uint8Array(4)));
  b.run(10);
  expect(b.answers.received.map(({ tag }) => tag)).toEqual([entries]);
});
