import { describe, expect, test } from 'vitest';
import type { Random } from '../../hdl/test/random.ts';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import { dwCount, type Packet } from '../src/tlp/packet.ts';
import { Fmt, TlpType } from '../src/tlp/tlp.ts';
import { type Job, runUntil, setControls } from './dma-bench.ts';
import { setNumber, WordSource, wordsOf } from './dma-model.ts';
import { functions, memoryBytes, plainJob, writeBench } from './dma-write-bench.ts';

function randomJob(random: Random, id: number): Job {
  const length = random.pick([0, 1, 2, 3, 5, 64, random.below(70), random.below(300), random.below(2200)]);
  const high = random.chance(0.5) ? BigInt(1 + random.below(0xffff)) << 32n : 0n;
  return {
    address: high | BigInt(random.below(0xff_0000) + (random.chance(0.3) ? 0 : random.below(4096))),
    offset: random.below(memoryBytes - length),
    length,
    memory: random.chance(0.7) ? 1 : 0,
    function: random.below(functions),
    relaxed_ordering: random.chance(0.5) ? 1 : 0,
    no_snoop: random.chance(0.5) ? 1 : 0,
    at: random.pick([0, 2]),
    id: id & 0xff,
  };
}

/** Bytes that the enables of an MWr let through: where and what. */
function enabled(packet: Packet): { readonly address: bigint; readonly bytes: number[] } {
  const count = dwCount(packet);
  const bytes: number[] = [];
  let address: bigint | undefined;
  packet.payload.forEach((byte, i) => {
    const dw = i >> 2;
    const enables = dw === 0 ? packet.first_be : dw === count - 1 ? packet.last_be : 0xf;
    if (((enables >> (i & 3)) & 1) === 0) return;
    address ??= packet.address + BigInt(i);
    expect(address + BigInt(bytes.length), 'enabled bytes are contiguous').toBe(packet.address + BigInt(i));
    bytes.push(byte);
  });
  return { address: address ?? 0n, bytes };
}

/** Takes the TLPs of one job from the front of `packets` and checks each and all. @returns the bytes that were written. */
function checkJob(packets: Packet[], job: Job, limit: number, attr: number): number[] {
  const bytes: number[] = [];
  while (bytes.length < job.length) {
    const packet = packets.shift() as Packet;
    expect(packet, `a TLP of job ${job.id}`).toBeDefined();
    const at = job.address + BigInt(bytes.length);
    const { address, bytes: part } = enabled(packet);
    expect(address).toBe(at);
    const room = limit - Number(at % BigInt(limit));
    expect(part.length, 'C4 C5').toBe(Math.min(room, job.length - bytes.length));
    expect(packet.fmt, 'C7').toBe(at >> 32n === 0n ? Fmt.data3 : Fmt.data4);
    expect(packet).toMatchObject({
      type: TlpType.memory,
      requester_id: 0x0218 + job.function,
      tag: 0,
      attr,
      at: job.at,
      tc: 0,
      ep: 0,
      td: 0,
      th: 0,
    });
    expect(packet.last_be !== 0, 'C8').toBe(dwCount(packet) > 1);
    expect(packet.first_be).not.toBe(0);
    bytes.push(...part);
  }
  return bytes;
}

describe.each([64, 128, 256, 512])('WriteDma of %i bits', width => {
  const size = width / 8;

  test.each([1, 0.6])('C4 C5 C7 C8 C99: random jobs of any alignment, at rate %f', rate => {
    const seed = 7 * width + rate * 10;
    const b = writeBench(width, seed, { rate });
    const { sim, dut, random } = b;
    const codes = [random.below(3), random.below(3)];
    const gates = [random.below(8), random.below(8)];
    for (let i = 0; i < functions; i++) {
      const gate = gates[i] ?? 0;
      setControls(sim, dut.controls, i, {
        mps: codes[i] ?? 0,
        ido_request: gate >> 2,
        relaxed_ordering: (gate >> 1) & 1,
        no_snoop: gate & 1,
      });
    }
    const jobs = Array.from({ length: 80 }, (_, i) => randomJob(random, i));
    const sources = jobs.map(job =>
      job.memory ? b.memory.bytes.slice(job.offset, job.offset + job.length) : random.bytes(job.length),
    );
    jobs.forEach((job, i) => {
      if (!job.memory) b.media.queue.push(...wordsOf(sources[i] as Uint8Array, width));
    });
    b.jobs.queue.push(...(jobs as unknown as typeof b.jobs.queue));
    runUntil(sim, b.ends, () => b.results.received.length === jobs.length);
    expect(b.results.received.map(r => Number(r.id))).toEqual(jobs.map(j => j.id));
    expect(b.results.received.every(r => r.outcome === 0n)).toBe(true);
    jobs.forEach((job, i) => {
      const limit = 128 << (codes[job.function] ?? 0);
      const gate = gates[job.function] ?? 0;
      const attr = gate & (4 | (job.relaxed_ordering << 1) | job.no_snoop);
      expect(checkJob(b.tx.received, job, limit, attr), `seed ${seed} job ${i}`).toEqual([...(sources[i] as Uint8Array)]);
    });
    expect(b.tx.received).toEqual([]);
    expect(b.memory.waiting, 'every word was taken').toBe(0);
    expect(b.media.queue.length).toBe(0);
    expect(Number(sim.peek(dut.idle))).toBe(3);
  });

  test('a beat per cycle for large payloads, whatever the alignment; first MWr after 5 or 6 cycles', () => {
    const aligned = writeBench(width, 1);
    aligned.jobs.queue.push({ ...plainJob, address: 0x1_0000n, length: 4096, id: 1 });
    runUntil(aligned.sim, aligned.ends, () => aligned.results.received.length === 1);
    expect((aligned.tx.times[0] ?? 0) - (aligned.jobs.times[0] ?? 0)).toBe(5);
    const beats = 256 / size;
    expect(aligned.tx.times).toEqual(Array.from({ length: 16 }, (_, i) => (aligned.tx.times[0] ?? 0) + i * beats));

    const skewed = writeBench(width, 1);
    skewed.jobs.queue.push({ ...plainJob, address: 0x1_0000n, offset: 5, length: 4096, id: 1 });
    runUntil(skewed.sim, skewed.ends, () => skewed.results.received.length === 1);
    expect((skewed.tx.times[0] ?? 0) - (skewed.jobs.times[0] ?? 0)).toBe(6);
    expect(skewed.tx.times).toEqual(Array.from({ length: 16 }, (_, i) => (skewed.tx.times[0] ?? 0) + i * beats));
  });

  test('jobs of 64 bytes: one TLP per ceil(64 / (W / 8)) cycles', () => {
    const b = writeBench(width, 2);
    for (let i = 0; i < 40; i++) {
      b.jobs.queue.push({ ...plainJob, address: BigInt(0x8000 + 64 * i), offset: 64 * ((i * 7) % 100), length: 64, id: i });
    }
    runUntil(b.sim, b.ends, () => b.results.received.length === 40);
    const step = Math.ceil(64 / size);
    expect(b.tx.times).toEqual(Array.from({ length: 40 }, (_, i) => (b.tx.times[0] ?? 0) + i * step));
  });

  test('media that stalls never stops a TLP in its middle', () => {
    const b = writeBench(width, 3);
    const slow = new WordSource(b.sim, b.dut.media, b.random, 0.3);
    const data = b.random.bytes(2000);
    slow.queue.push(...wordsOf(data, width));
    b.jobs.queue.push({ ...plainJob, memory: 0, address: 0x2_0003n, length: 2000, id: 1 });
    let gaps = 0;
    let inside = false;
    const valid = b.sim.port(b.dut.tx.valid);
    const last = b.sim.port(b.dut.tx.payload.last);
    const watch = {
      drive: () => undefined,
      sample: () => {
        if (valid.words[0] === 0) gaps += inside ? 1 : 0;
        else inside = last.words[0] === 0;
      },
    };
    const ends = [b.memory, slow, b.jobs, b.results, b.tx, watch];
    runUntil(b.sim, ends, () => b.results.received.length === 1);
    expect(gaps).toBe(0);
    const job = { ...plainJob, address: 0x2_0003n, length: 2000 };
    expect(checkJob(b.tx.received, job, 256, 0)).toEqual([...data]);
  });

  test('C81: what is planned is dropped when bus mastering ends; what was offered is not withdrawn', () => {
    const b = writeBench(width, 5);
    const ready = b.sim.port(b.dut.tx.ready);
    let stalled = true;
    const stall = {
      drive: () => {
        if (stalled) ready.words[0] = 0;
      },
      sample: () => undefined,
    };
    const ends = [...b.ends, stall];
    for (let id = 0; id < 12; id++)
      b.jobs.queue.push({ ...plainJob, address: BigInt(0x1000 + 64 * id), offset: 64 * id, length: 8, id });
    runUntil(b.sim, ends, undefined, 60);
    setControls(b.sim, b.dut.controls, 0, { bus_master: 0 });
    runUntil(b.sim, ends, undefined, 10);
    stalled = false;
    runUntil(b.sim, ends, () => b.results.received.length === 12);
    expect(b.tx.received.map(p => p.address)).toEqual([0x1000n]);
    expect(b.results.received.map(r => Number(r.outcome))).toEqual([0, ...Array(11).fill(DmaOutcome.refused)]);
  });

  test.each([
    'bus_master',
    'resetting',
    'cancel',
  ] as const)('C81 C84: %s in mid-transfer ends the job at a TLP; later jobs work', how => {
    const b = writeBench(width, 4, { rate: 0.8 });
    const { sim, dut } = b;
    const stop = (on: 0 | 1) => {
      if (how === 'cancel') setNumber(sim.port(dut.cancel), on);
      else setControls(sim, dut.controls, 0, { [how]: how === 'bus_master' ? 1 - on : on });
    };
    b.jobs.queue.push({ ...plainJob, address: 0x1003n, offset: 9, length: 16_000, id: 1 });
    b.jobs.queue.push({ ...plainJob, function: 1, address: 0x9_0000n, offset: 3, length: 700, id: 2 });
    b.jobs.queue.push({ ...plainJob, address: 0x5000n, length: 64, id: 3 });
    runUntil(sim, b.ends, () => b.tx.received.length === 5);
    stop(1);
    const sent = b.tx.times.length;
    runUntil(sim, b.ends, () => b.results.received.length === 3);
    expect(b.results.received.map(r => Number(r.outcome))).toEqual([DmaOutcome.refused, 0, DmaOutcome.refused]);
    expect(Number(sim.peek(dut.idle))).toBe(3);
    const own = b.tx.received.filter(p => p.requester_id === 0x0218);
    // The one that was under way or offered may still leave.
    expect(own.length).toBeLessThanOrEqual(Math.max(sent, 5) + 1);
    const other = b.tx.received.filter(p => p.requester_id === 0x0219);
    const job = { ...plainJob, function: 1, address: 0x9_0000n, offset: 3, length: 700 };
    expect(checkJob(other, job, 256, 0)).toEqual([...b.memory.bytes.slice(3, 703)]);
    stop(0);
    b.tx.received.length = 0;
    b.jobs.queue.push({ ...plainJob, address: 0x7001n, offset: 77, length: 900, id: 4 });
    runUntil(sim, b.ends, () => b.results.received.length === 4);
    expect(checkJob(b.tx.received, { ...plainJob, address: 0x7001n, length: 900 }, 256, 0)).toEqual([
      ...b.memory.bytes.slice(77, 977),
    ]);
    expect(b.results.received[3]?.outcome).toBe(0n);
    expect(b.memory.waiting).toBe(0);
  });
});
