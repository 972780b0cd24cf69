import { describe, expect, test } from 'vitest';
import type { Random } from '../../hdl/test/random.ts';
import { ErrorKind } from '../src/config/error-report.ts';
import type { Packet } from '../src/tlp/packet.ts';
import { Fmt } from '../src/tlp/tlp.ts';
import { bytesAt, type Job, runUntil, setControls } from './dma-bench.ts';
import type { Behaviour, Fate } from './dma-completer.ts';
import { wordsOf } from './dma-model.ts';
import { functions, ids, lively, memoryBytes, plain, prompt, readBench } from './dma-read-bench.ts';

/** Jobs with random alignments and lengths; those to memory do not overlap. */
function randomJobs(random: Random, count: number): Job[] {
  let offset = 0;
  return Array.from({ length: count }, (_, id) => {
    const length = random.pick([0, 1, 2, 3, 5, 64, random.below(70), random.below(300), random.below(1500)]);
    const high = random.chance(0.5) ? BigInt(1 + random.below(0xffff)) << 32n : 0n;
    offset += random.below(40);
    const memory = random.chance(0.7) && offset + length <= memoryBytes ? 1 : 0;
    const job: Job = {
      address: high | BigInt(random.below(0xff_0000)),
      offset,
      length,
      memory,
      function: random.below(functions),
      relaxed_ordering: random.chance(0.5) ? 1 : 0,
      no_snoop: random.chance(0.5) ? 1 : 0,
      at: random.pick([0, 2]),
      id: id & 0xff,
    };
    if (memory) offset += length;
    return job;
  });
}

/** Checks the requests of a job, taken from the front of `requests`, against rules C5 to C8 and C99. */
function checkRequests(requests: Packet[], job: Job, limit: number, attr: number): void {
  for (let done = 0; done < job.length; ) {
    const request = requests.shift() as Packet;
    const at = job.address + BigInt(done);
    const bytes = Math.min(limit - Number(at % BigInt(limit)), job.length - done);
    const start = Number(at & 3n);
    const dw = Math.ceil((start + bytes) / 4);
    const end = ((start + bytes - 1) & 3) + 1;
    const first = (0xf << start) & 0xf;
    const last = (1 << end) - 1;
    expect(request).toMatchObject({
      fmt: at >> 32n === 0n ? Fmt.header3 : Fmt.header4,
      address: at & ~3n,
      length: dw & 0x3ff,
      first_be: dw === 1 ? first & last : first,
      last_be: dw === 1 ? 0 : last,
      requester_id: ids[job.function],
      attr,
      at: job.at,
      tc: 0,
      ep: 0,
      td: 0,
    });
    done += bytes;
  }
}

describe.each([64, 128, 256, 512])('ReadDma of %i bits', width => {
  const size = width / 8;

  test.each([1, 0.6])('C5 C6 C7 C8 C54 C55 C56 C99: random jobs of any alignment, rate %f', rate => {
    const seed = 11 * width + rate * 10;
    const b = readBench(width, seed, { rate });
    const { sim, dut, random } = b;
    const codes = [random.below(3), random.below(3)];
    const gates = [random.below(8), random.below(8)];
    for (let i = 0; i < functions; i++) {
      const gate = gates[i] ?? 0;
      const attributes = { ido_request: gate >> 2, relaxed_ordering: (gate >> 1) & 1, no_snoop: gate & 1 };
      setControls(sim, dut.controls, i, { mrrs: codes[i] ?? 0, ...attributes });
    }
    const jobs = randomJobs(random, 80);
    const expected = b.memory.bytes.slice();
    const words: Uint8Array[] = [];
    for (const job of jobs) {
      const bytes = bytesAt(job.address, job.length);
      if (job.memory) expected.set(bytes, job.offset);
      else words.push(...wordsOf(bytes, width));
    }
    b.jobs.queue.push(...(jobs as unknown as typeof b.jobs.queue));
    runUntil(sim, b.ends, () => b.results.received.length === jobs.length);
    expect(b.results.received.map(r => Number(r.id))).toEqual(jobs.map(j => j.id));
    expect(b.outcomes().every(o => o === 0)).toBe(true);
    expect(b.memory.bytes, `seed ${seed}`).toEqual(expected);
    const media = jobs.filter(j => !j.memory && j.length > 0);
    let at = 0;
    for (const job of media) {
      const count = Math.ceil(job.length / size);
      const got = b.media.received.slice(at, at + count).flatMap(w => [...w]);
      expect(got.slice(0, job.length), `seed ${seed} job ${job.id}`).toEqual([...bytesAt(job.address, job.length)]);
      at += count;
    }
    expect(b.media.received.length).toBe(at);
    for (const job of jobs) {
      const gate = gates[job.function] ?? 0;
      const limit = 128 << (codes[job.function] ?? 0);
      checkRequests(b.completer.requests, job, limit, gate & (4 | (job.relaxed_ordering << 1) | job.no_snoop));
    }
    expect(b.completer.requests).toEqual([]);
    expect(b.errors.received).toEqual([]);
    b.leakFree();
  });

  test('first MRd after 2 cycles, a beat per cycle to memory whatever the alignment, 5 cycles behind the completion', () => {
    const b = readBench(width, 1, { behaviour: prompt });
    b.jobs.queue.push({ ...plain, address: 0x1_0000n, length: 512, id: 1 });
    runUntil(b.sim, b.ends, () => b.results.received.length === 1);
    const sent = b.jobs.times[0] ?? 0;
    const came = b.source.times[0] ?? 0;
    const beats = 512 / size;
    expect((b.memory.times[0] ?? 0) - (came + beats - 1)).toBe(5);
    expect(b.memory.times).toEqual(Array.from({ length: beats }, (_, i) => (b.memory.times[0] ?? 0) + i));
    expect((b.completer.firstRequest ?? 0) - sent).toBe(2);

    const long = readBench(width, 2, { behaviour: prompt, buffer_bytes: 16_384 });
    long.jobs.queue.push({ ...plain, address: 0x1_0000n, offset: 5, length: 8192, id: 1 });
    runUntil(long.sim, long.ends, () => long.results.received.length === 1);
    const words = Math.ceil((8192 + 5) / size);
    expect(long.memory.times).toEqual(Array.from({ length: words }, (_, i) => (long.memory.times[0] ?? 0) + i));
    expect(long.memory.bytes.slice(5, 8197)).toEqual(bytesAt(0x1_0000n, 8192));
  });

  test('jobs of 64 bytes: a read per max(1, 64 / (W / 8)) cycles, with enough tags', () => {
    const b = readBench(width, 3, { behaviour: prompt, tags: 64, buffer_bytes: 8192 });
    for (let i = 0; i < functions; i++) setControls(b.sim, b.dut.controls, i, { extended_tag: 1 });
    for (let i = 0; i < 60; i++)
      b.jobs.queue.push({ ...plain, address: BigInt(0x8000 + 64 * i), offset: 64 * i, length: 64, id: i });
    runUntil(b.sim, b.ends, () => b.results.received.length === 60);
    const words = (60 * 64) / size;
    expect(b.memory.times).toEqual(Array.from({ length: words }, (_, i) => (b.memory.times[0] ?? 0) + i));
    expect(b.memory.bytes.slice(0, 3840)).toEqual(bytesAt(0x8000n, 3840));
  });

  test('C53 C59 C71b: errors, poison and lost reads fail their job only, and are reported', () => {
    const seed = 5 + width;
    const fates = new Map<number, Fate>();
    const behaviour: Behaviour = { ...lively, fate: request => fates.get(Number(request.address >> 16n)) ?? 'good' };
    const b = readBench(width, seed, { behaviour, rate: 0.9 });
    const kinds: readonly Fate[] = ['unsupported', 'abort', 'poison', 'drop', 'good'];
    const jobs = Array.from({ length: 40 }, (_, i): Job => {
      fates.set(i + 1, i < 5 ? (kinds[i] as Fate) : b.random.pick([...kinds, 'good', 'good'] as const));
      const address = (BigInt(i + 1) << 16n) + BigInt(b.random.below(300));
      return { ...plain, address, offset: 700 * i + b.random.below(50), length: 1 + b.random.below(600), id: i, function: i & 1 };
    });
    const expected = b.memory.bytes.slice();
    jobs.forEach((job, i) => {
      if (fates.get(i + 1) === 'good') expected.set(bytesAt(job.address, job.length), job.offset);
    });
    b.jobs.queue.push(...(jobs as unknown as typeof b.jobs.queue));
    runUntil(b.sim, b.ends, () => b.results.received.length === jobs.length);
    const outcome = { good: 0, unsupported: 1, abort: 4, poison: 5, drop: 6, late: 6 } as const;
    expect(b.outcomes(), `seed ${seed}`).toEqual(jobs.map((_, i) => outcome[fates.get(i + 1) ?? 'good']));
    jobs.forEach((job, i) => {
      if (fates.get(i + 1) === 'good')
        expect(b.memory.bytes.slice(job.offset, job.offset + job.length)).toEqual(bytesAt(job.address, job.length));
    });
    jobs.forEach((job, i) => {
      if (fates.get(i + 1) === 'poison')
        expect(b.memory.bytes.slice(job.offset, job.offset + job.length)).toEqual(new Uint8Array(job.length));
    });
    const reported = new Set(b.errors.received.map(e => Number(e.kind)));
    expect(reported).toEqual(new Set([ErrorKind.poisoned, ErrorKind.completionTimeout]));
    for (const { functions: bits, advisory, kind } of b.errors.received) {
      expect([1n, 2n]).toContain(bits);
      expect(advisory).toBe(Number(kind) === ErrorKind.completionTimeout ? 0n : 1n);
    }
    b.leakFree();
  });
});
