import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { ErrorKind } from '../src/config/error-report.ts';
import { AtomicKind, AtomicRequester } from '../src/endpoint/dma/atomic-requester.ts';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import { atomic, completion, type Packet, poisoned } from '../src/tlp/packet.ts';
import { Status, TlpType } from '../src/tlp/tlp.ts';
import { withDigest } from '../src/tlp/wire.ts';
import { atomicFields, BundleSink, BundleSource, little, runUntil, setControls } from './dma-bench.ts';
import { type End, setNumber } from './dma-model.ts';
import { PacketSink, PacketSource } from './tlp-model.ts';

const id = 0x0218;
const tag = 9;
const types = [TlpType.fetchAdd, TlpType.swap, TlpType.compareSwap] as const;
function bench(width: number, seed: number, rate = 1, functions = 1) {
  const sim = simulate(() => new AtomicRequester({ width, functions, bars: 1, tag, cycles_per_microsecond: 1 }));
  const { dut } = sim;
  const random = new Random(seed);
  const jobs = new BundleSource(sim, dut.jobs, atomicFields, random, rate);
  const results = new BundleSink(sim, dut.results, ['id', 'outcome', 'value'], random, rate);
  const errors = new BundleSink(sim, dut.errors, ['functions', 'kind', 'advisory'], random, 1);
  const tx = new PacketSink(sim, dut.tx, random, rate);
  const rx = new PacketSource(sim, dut.completion, random, rate);
  const requests: Packet[] = [];
  const answer: { with: (request: Packet) => readonly Packet[] } = { with: () => [] };
  const peer: End = {
    drive: () => undefined,
    sample: () => {
      for (const request of tx.received.splice(0)) {
        requests.push(request);
        rx.queue.push(...answer.with(request));
      }
    },
  };
  setControls(sim, dut.controls, 0, { id, bus_master: 1, atomic_requester: 1, relaxed_ordering: 1, timeout_value: 1 });
  const ends: End[] = [jobs, results, errors, tx, rx, peer];
  return { sim, dut, random, jobs, results, errors, requests, answer, rx, ends };
}

describe.each([64, 128, 256, 512])('AtomicRequester of %i bits', width => {
  test.each([
    1, 0.5,
  ])('C10 C98: every operation and size, with a digest behind it or without, gives the old value; the peer sees the operands, rate %f', rate => {
    const b = bench(width, 3 + width, rate);
    const olds: { readonly value: bigint; readonly bits: number }[] = [];
    b.answer.with = request => {
      const bytes = request.type === TlpType.compareSwap ? request.payload.length / 2 : request.payload.length;
      const old = b.random.bits(8 * bytes);
      olds.push({ value: old, bits: 8 * bytes });
      const answer = completion(request, { completer_id: b.random.below(2 ** 16), byte_count: bytes }, little(old, bytes));
      return [b.random.chance(0.4) ? withDigest(answer) : answer];
    };
    const expected: Packet[] = [];
    const ids = Array.from({ length: 40 }, () => b.random.below(256));
    for (let i = 0; i < 40; i++) {
      const kind = b.random.below(3);
      const size = b.random.below(kind === AtomicKind.compareSwap ? 3 : 2);
      const bytes = 4 << size;
      const high = b.random.chance(0.5) ? b.random.bits(32) << 32n : 0n;
      const address = high + BigInt(bytes * b.random.below(2 ** 28));
      const [operand, compare] = [b.random.bits(128), b.random.bits(128)];
      const data =
        kind === AtomicKind.compareSwap
          ? Uint8Array.from([...little(compare, bytes), ...little(operand, bytes)])
          : little(operand, bytes);
      const relaxed = b.random.chance(0.5) ? 1 : 0;
      b.jobs.queue.push({ kind, size, address, operand, compare, relaxed_ordering: relaxed, no_snoop: 1, id: ids[i] ?? 0 });
      expected.push({ ...atomic(types[kind] ?? types[0], { requester_id: id, tag, address, data }), attr: 2 * relaxed });
    }
    runUntil(b.sim, b.ends, () => b.results.received.length === 40, 4000);
    expect(b.requests).toEqual(expected);
    // Bits beyond the operand have no meaning.
    const got = b.results.received.map((result, i) => ({
      ...result,
      value: BigInt.asUintN(olds[i]?.bits ?? 0, BigInt(result.value ?? 0)),
    }));
    expect(got).toEqual(olds.map(({ value }, i) => ({ id: BigInt(ids[i] ?? 0), outcome: 0n, value })));
    expect(b.errors.received).toEqual([]);
  });

  test('C58: a completion that nobody waits for is told to the function whose ID it has, and to all if it has nobody’s', () => {
    const b = bench(width, 5, 1, 2);
    setControls(b.sim, b.dut.controls, 1, { id: id + 1, bus_master: 1, atomic_requester: 1, timeout_value: 1 });
    const answer = (requester_id: number) => (r: Packet) =>
      completion({ ...r, requester_id }, { completer_id: 0x500, byte_count: 4 }, little(1n, 4));
    b.answer.with = r => [id, 0x7777, id + 1].map(requester => answer(requester)(r));
    b.jobs.queue.push({ kind: 0, size: 0, address: 0x1000n, operand: 5n, function: 1 });
    runUntil(b.sim, b.ends, () => b.results.received.length === 1, 4000);
    expect(b.errors.received.map(e => [Number(e.functions), Number(e.kind)])).toEqual([
      [1, ErrorKind.unexpectedCompletion],
      [0xff, ErrorKind.unexpectedCompletion],
    ]);
  });

  test('C53 C58 C59 C71b: errors, poison, a wrong size and silence', () => {
    const b = bench(width, 4);
    const job = { kind: 0, size: 1, address: 0x1000n, operand: 5n };
    const run = (n: number) => {
      const before = b.results.received.length;
      b.jobs.queue.push(...Array(n).fill(job));
      runUntil(b.sim, b.ends, () => b.results.received.length === before + n, 4000);
      return Number(b.results.received.at(-1)?.outcome);
    };
    const good = (request: Packet, bytes = 8) =>
      completion(request, { completer_id: 0x500, byte_count: bytes }, little(77n, bytes));
    b.answer.with = r => [completion(r, { completer_id: 0x500, status: Status.unsupported })];
    expect(run(1)).toBe(DmaOutcome.unsupported);
    b.answer.with = r => [completion(r, { completer_id: 0x500, status: Status.abort })];
    expect(run(1)).toBe(DmaOutcome.abort);
    b.answer.with = r => [poisoned(good(r))];
    expect(run(1)).toBe(DmaOutcome.poisoned);
    expect(b.errors.received.map(e => Number(e.kind))).toEqual([ErrorKind.poisoned]);
    b.answer.with = r => [good(r, 4), { ...good(r), requester_id: 7 }, good(r)];
    expect(run(1)).toBe(0);
    expect(b.errors.received.slice(1).every(e => Number(e.kind) === ErrorKind.unexpectedCompletion)).toBe(true);
    expect(b.errors.received.length).toBeGreaterThan(1);
    b.errors.received.length = 0;
    // Nothing comes in time: the tag rests until the late one is there.
    const late: Packet[] = [];
    b.answer.with = r => [good(r)].filter(p => late.push(p) < 0);
    expect(run(1)).toBe(DmaOutcome.timeout);
    b.answer.with = r => [good(r)];
    b.jobs.queue.push(job);
    runUntil(b.sim, b.ends, undefined, 100);
    expect(b.requests.length).toBe(5);
    b.rx.queue.push(...late);
    runUntil(b.sim, b.ends, () => b.results.received.length === 6, 100);
    expect(b.results.received[5]).toMatchObject({ outcome: 0n, value: 77n });
    expect(b.errors.received.map(e => Number(e.kind))).toEqual([ErrorKind.completionTimeout, ErrorKind.unexpectedCompletion]);
  });

  test('C59: what is answered within 50 µs ends well, whatever the time at which it was asked for', () => {
    const b = bench(width, 6);
    const pause = (cycles: number) => {
      const until = b.sim.cycle + cycles;
      runUntil(b.sim, b.ends, () => b.sim.cycle >= until, cycles + 1);
    };
    for (let i = 0; i < 25; i++) {
      b.answer.with = () => [];
      b.jobs.queue.push({ kind: 0, size: 1, address: 0x1000n, operand: 5n });
      runUntil(b.sim, b.ends, () => b.requests.length === i + 1, 100);
      pause(b.random.below(45));
      const [request] = b.requests.slice(-1);
      if (request) b.rx.queue.push(completion(request, { completer_id: 0x500, byte_count: 8 }, little(77n, 8)));
      pause(5 + b.random.below(40));
      expect(b.results.received.length).toBe(i + 1);
      expect(b.results.received[i]).toMatchObject({ outcome: 0n, value: 77n });
    }
    expect(b.errors.received).toEqual([]);
  });

  test('C81 C84 C98: refused without the enables, in a reset, unaligned, or of a size that does not exist', () => {
    const b = bench(width, 5);
    const job = { kind: 0, size: 1, address: 0x1000n, operand: 5n };
    const refused = (values: object) => {
      const before = b.results.received.length;
      b.jobs.queue.push({ ...job, ...values });
      runUntil(b.sim, b.ends, () => b.results.received.length === before + 1, 100);
      expect(b.results.received.at(-1)?.outcome).toBe(BigInt(DmaOutcome.refused));
    };
    for (const values of [
      { address: 0x1004n },
      { size: 2 },
      { kind: 3 },
      { kind: 2, size: 3 },
      { kind: 2, size: 2, address: 0x1008n },
    ])
      refused(values);
    for (const control of ['bus_master', 'atomic_requester']) {
      setControls(b.sim, b.dut.controls, 0, { [control]: 0 });
      refused({});
      setControls(b.sim, b.dut.controls, 0, { [control]: 1 });
    }
    expect(b.requests.length).toBe(0);
    // Sent, and then the function is reset: answered at once; what comes later is dropped in silence.
    b.jobs.queue.push(job);
    runUntil(b.sim, b.ends, () => b.requests.length === 1, 100);
    setNumber(b.sim.port(b.dut.cancel), 1);
    const before = b.results.received.length;
    runUntil(b.sim, b.ends, () => b.results.received.length === before + 1, 10);
    setNumber(b.sim.port(b.dut.cancel), 0);
    b.rx.queue.push(completion(b.requests[0] as Packet, { completer_id: 0x500, byte_count: 8 }, little(1n, 8)));
    b.answer.with = r => [completion(r, { completer_id: 0x500, byte_count: 8 }, little(9n, 8))];
    b.jobs.queue.push(job);
    runUntil(b.sim, b.ends, () => b.results.received.length === before + 2, 100);
    expect(b.results.received.at(-1)).toMatchObject({ outcome: 0n, value: 9n });
    expect(b.errors.received).toEqual([]);
    // One that comes after a timeout is told (C58).
    b.answer.with = () => [];
    b.jobs.queue.push(job);
    runUntil(b.sim, b.ends, () => b.results.received.length === before + 3, 2000);
    expect(b.results.received.at(-1)?.outcome).toBe(BigInt(DmaOutcome.timeout));
    b.rx.queue.push(completion(b.requests.at(-1) as Packet, { completer_id: 0x500, byte_count: 8 }, little(1n, 8)));
    runUntil(b.sim, b.ends, () => b.errors.received.length === 2, 100);
    expect(b.errors.received.map(({ kind }) => Number(kind))).toEqual([
      ErrorKind.completionTimeout,
      ErrorKind.unexpectedCompletion,
    ]);
  });
});
