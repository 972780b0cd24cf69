import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { RequesterTable } from '../src/host/requester-table.ts';
import { completion, memoryRead, type Packet, packetName } from '../src/tlp/packet.ts';
import { Status } from '../src/tlp/tlp.ts';
import { PacketSink, PacketSource, runEnds } from './tlp-model.ts';

const ownId = 0x0708;
const width = 128;
/** A requester of the first domain; in the other its bus number is somebody else's. */
const requester = (i: number) => 0x0300 + 8 * i;

function bench(rate: number, { entries = 8, patience = 100_000 } = {}) {
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

/** The completions of a read in pieces of 64 bytes, or an error. */
function piecesOf(read: Packet, bytes: number, status: number): Packet[] {
  if (status !== Status.success) return [completion(read, { completer_id: 0x1100, status, byte_count: bytes })];
  const offset = Math.clz32(read.first_be & -read.first_be) === 31 ? 0 : 31 - Math.clz32(read.first_be & -read.first_be);
  const start = Number(read.address & 0x7fn) + offset;
  const list: Packet[] = [];
  for (let at = 0; at < bytes; ) {
    const size = Math.min(64 - ((start + at) % 64), bytes - at);
    const lower_address = (start + at) % 128;
    const payload = new Uint8Array(4 * Math.ceil(((lower_address % 4) + size) / 4)).fill(list.length + 1);
    list.push(completion(read, { completer_id: 0x1100, byte_count: bytes - at, lower_address }, payload));
    at += size;
  }
  return list;
}

describe.each([1, 0.6])('requests from one domain to another, rate %f', rate => {
  test('M2-11: the other domain knows the bridge alone; every completion comes back with the ID and tag of who asked', () => {
    const b = bench(rate);
    using _ = b.sim;
    const asked = new Map<string, { readonly read: Packet; readonly bytes: number; readonly status: number }>();
    const total = 200;
    for (let i = 0; i < total; i++) {
      const bytes = 1 + b.random.below(300);
      const read = memoryRead({
        requester_id: requester(b.random.below(30)),
        tag: 256 + i,
        address: 0x4000_0000n + BigInt(b.random.below(4096 - bytes)),
        bytes,
      });
      asked.set(`${read.requester_id} ${read.tag}`, {
        read,
        bytes,
        status: b.random.chance(0.1) ? Status.unsupported : Status.success,
      });
      b.requests.queue.push(read);
    }
    const reads = [...asked.values()];
    const expected = reads.flatMap(({ read, bytes, status }) => piecesOf(read, bytes, status));
    const open: Packet[][] = [];
    let seen = 0;
    let most = 0;
    for (let i = 0; i < 20_000 && b.answers.received.length < expected.length; i++) {
      b.run(1);
      for (; seen < b.crossed.received.length; seen++) {
        const crossed = b.crossed.received[seen];
        const original = reads[seen];
        if (!crossed || !original) throw new RangeError('more requests than were sent');
        expect(crossed).toEqual({ ...original.read, requester_id: ownId, tag: crossed.tag });
        const pieces = piecesOf({ ...original.read, requester_id: ownId, tag: crossed.tag }, original.bytes, original.status);
        open.push(pieces);
      }
      most = Math.max(most, open.length);
      // Completions of different requests in any order, those of one in theirs.
      if (open.length > 0 && b.completions.queue.length === 0 && b.random.chance(0.5)) {
        const which = b.random.below(open.length);
        const next = open[which]?.shift();
        if (next) b.completions.queue.push(next);
        if (open[which]?.length === 0) open.splice(which, 1);
      }
    }
    const sorted = (list: readonly Packet[]) => [...list].sort((x, y) => x.tag - y.tag);
    expect(sorted(b.answers.received).map(packetName)).toEqual(sorted(expected).map(packetName));
    expect(sorted(b.answers.received)).toEqual(sorted(expected));
    expect(most).toBe(8);
  });
});

test('M2-11: with the table off a request keeps its ID, and what comes for the bridge finds nobody', () => {
  const b = bench(1);
  using _ = b.sim;
  b.sim.poke(b.dut.enable, 0);
  const read = memoryRead({ requester_id: requester(3), tag: 5, address: 0x1000n, bytes: 64 });
  b.requests.queue.push(read);
  b.run(10);
  expect(b.crossed.received).toEqual([read]);
  // In the other domain its ID is somebody else's; what is sent to the bridge is for no request.
  b.completions.queue.push(completion({ requester_id: ownId, tag: 0 }, { completer_id: 0x1100 }, new Uint8Array(4)));
  b.run(10);
  expect([b.answers.received, b.completions.queue]).toEqual([[], []]);
});

test('an entry whose completions do not come is given up, and its late completion is dropped', () => {
  const b = bench(1, { entries: 2, patience: 64 });
  using _ = b.sim;
  const reads = [1, 2, 3].map(tag => memoryRead({ requester_id: requester(1), tag, address: 0x1000n, bytes: 4 }));
  b.requests.queue.push(...reads);
  b.run(40);
  expect(b.crossed.received).toHaveLength(2);
  b.run(100);
  expect(b.crossed.received).toHaveLength(3);
  const [first, second, third] = b.crossed.received;
  if (!first || !second || !third) throw new RangeError('three requests crossed');
  expect(second.tag).not.toBe(third.tag);
  b.completions.queue.push(completion(second, { completer_id: 0x1100 }, new Uint8Array(4)));
  b.completions.queue.push(completion(third, { completer_id: 0x1100 }, new Uint8Array(4)));
  b.run(10);
  expect(b.answers.received.map(({ tag }) => tag)).toEqual([3]);
});
