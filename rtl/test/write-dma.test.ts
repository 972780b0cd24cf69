import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { DmaResult } from '../src/endpoint/engine-command.ts';
import { WriteDma } from '../src/endpoint/write-dma.ts';
import type { Packet } from '../src/tlp/packet.ts';
import { Fmt, TlpType } from '../src/tlp/tlp.ts';
import { MemoryReader, numberOf, one, runEngine, setFields, WordSource, wordsOf } from './dma-model.ts';
import { PacketSink } from './tlp-model.ts';

const memoryBytes = 16_384;
const id = 0x0340;

interface Run {
  readonly address: bigint;
  readonly length: number;
  readonly mps: number;
  /** Byte offset in the memory, or the media stream. */
  readonly offset: number | 'media';
}

/** A write DMA with everything around it. */
function bench(width: number, seed: number, rates: { readonly source: number; readonly tx: number }) {
  const address_width = Math.log2(memoryBytes / (width / 8));
  const sim = simulate(() => new WriteDma({ width, address_width, max_payload: 512 }));
  const { dut } = sim;
  const random = new Random(seed);
  const media = new WordSource(sim, dut.media, random, rates.source);
  const memory = new MemoryReader(
    sim,
    { request: dut.memory_request, data: dut.memory_data },
    { bytes: random.bytes(memoryBytes), random, rate: rates.source, latency: 3 },
  );
  const tx = new PacketSink(sim, dut.tx, random, rates.tx);
  setFields(sim, dut.state, { id, bus_master: 1, mps: 1 });
  const run = (r: Run, everyCycle?: (cycle: number) => void) => {
    setFields(sim, dut.state, { mps: r.mps });
    const data = r.offset === 'media' ? random.bytes(r.length) : memory.bytes.slice(r.offset, r.offset + r.length);
    if (r.offset === 'media') media.queue.push(...wordsOf(data, width));
    const command = {
      address: r.address,
      length: r.length,
      offset: r.offset === 'media' ? 0 : r.offset,
      memory: r.offset === 'media' ? 0 : 1,
    };
    const end = runEngine(sim, dut, command, [media, memory, tx], everyCycle ? { everyCycle } : {});
    return { data, end, result: Number(numberOf(sim.port(dut.status.result))) };
  };
  return { sim, dut, random, media, memory, tx, run };
}

/** Checks the header of every TLP and joins the payloads. @returns the bytes written. */
function written(packets: readonly Packet[], run: Run): Uint8Array {
  let next = run.address;
  const bytes: number[] = [];
  for (const { payload, length, first_be, last_be, address, ...header } of packets) {
    expect(address).toBe(next);
    expect(header).toEqual({
      fmt: address >> 32n ? Fmt.data4 : Fmt.data3,
      type: TlpType.memory,
      tc: 0,
      attr: 0,
      th: 0,
      td: 0,
      ep: 0,
      at: 0,
      requester_id: id,
      tag: 0,
    });
    expect(length).toBeGreaterThan(0);
    expect(4 * length).toBeLessThanOrEqual(128 << run.mps);
    expect((address & 0xfffn) + BigInt(4 * length)).toBeLessThanOrEqual(4096n);
    const tail = length === 1 ? first_be : last_be;
    const count = [0, 1, 3, 7, 15].indexOf(tail);
    expect(count, `tail ${tail.toString(2)}`).toBeGreaterThan(0);
    if (length === 1) expect(last_be).toBe(0);
    else expect(first_be).toBe(15);
    const size = 4 * (length - 1) + count;
    bytes.push(...payload.subarray(0, size));
    next += BigInt(size);
  }
  return Uint8Array.from(bytes);
}

describe.each([64, 128, 256, 512])('%d bits', width => {
  test.each([
    [1, 1],
    [0.4, 1],
    [1, 0.4],
    [0.6, 0.6],
  ])('C4 C5 C7 C8: writes exactly the bytes, cut at MPS and 4 KiB: source %d, tx %d', (source, txRate) => {
    const b = bench(width, 11, { source, tx: txRate });
    using _ = b.sim;
    const unit = width / 8;
    for (let i = 0; i < 24; i++) {
      const bases = [0x1000n, 0xffff_f000n, 0x12_3456_7000n];
      const address = b.random.pick(bases) + BigInt(unit * b.random.below(4096 / unit));
      const length = b.random.pick([1 + b.random.below(9), 1 + b.random.below(300), 1 + b.random.below(3000)]);
      const offset = b.random.chance(0.5) ? 'media' : unit * b.random.below(8192 / unit);
      const run: Run = { address, length, mps: b.random.below(3), offset };
      const before = b.tx.received.length;
      const { data, end, result } = b.run(run);
      const packets = b.tx.received.slice(before);
      expect(written(packets, run), `run ${i}: ${JSON.stringify({ ...run, address: String(address) })}`).toEqual(data);
      expect(result).toBe(DmaResult.success);
      expect(b.media.queue).toEqual([]);
      expect(b.memory.waiting).toBe(0);
      // The pulse comes in the cycle after the last beat.
      const last = packets.at(-1);
      const beats = Math.ceil((last?.payload.length ?? 0) / unit);
      if (txRate === 1 && source === 1) expect(end).toBe((b.tx.times.at(-1) ?? 0) + beats);
      expect(one(b.sim.port(b.dut.status.busy))).toBe(false);
    }
  });

  test.each(['media', 'memory'])('no idle beat from %s', from => {
    const b = bench(width, 5, { source: 1, tx: 1 });
    using _ = b.sim;
    const length = 8192;
    const start = b.sim.cycle;
    b.run({ address: 0x2000n, length, mps: 1, offset: from === 'media' ? 'media' : 0 });
    const [first] = b.tx.times;
    const last = b.tx.times.at(-1) ?? 0;
    expect(b.tx.received.length).toBe(length / 256);
    expect(b.tx.beats).toBe(length / (width / 8));
    if (from === 'media') expect(first).toBe(start + 3);
    // From the first beat to the first beat of the last TLP.
    expect(last - (first ?? 0)).toBe((length - 256) / (width / 8));
  });
});

describe('what cannot be sent', () => {
  test.each([
    ['the address is misaligned', { address: 0x1004n, offset: 'media' }, 1],
    ['the offset is misaligned', { address: 0x1000n, offset: 8 }, 1],
    ['bus mastering is off', { address: 0x1000n, offset: 'media' }, 0],
  ] as const)('refused and nothing moved: %s', (_, where, bus_master) => {
    const b = bench(256, 1, { source: 1, tx: 1 });
    using __ = b.sim;
    setFields(b.sim, b.dut.state, { bus_master });
    const { result } = b.run({ ...where, length: 100, mps: 1 });
    expect(result).toBe(DmaResult.refused);
    expect([b.tx.received.length, b.media.taken, b.memory.waiting]).toEqual([0, 0, 0]);
    // The next run works.
    b.media.queue.length = 0;
    setFields(b.sim, b.dut.state, { bus_master: 1 });
    expect(b.run({ address: 0x1000n, length: 100, mps: 1, offset: 'media' }).result).toBe(DmaResult.success);
  });

  test.each([
    0, 1,
  ])('C81: bus mastering goes off during a run: whole TLPs before, none after, the source is used up (memory %d)', memory => {
    const b = bench(128, 9, { source: 0.8, tx: 0.8 });
    using _ = b.sim;
    const run: Run = { address: 0x1_0000_0000n, length: 3001, mps: 0, offset: memory ? 64 : 'media' };
    const { data, result } = b.run(run, cycle => {
      if (cycle === 100) setFields(b.sim, b.dut.state, { bus_master: 0 });
    });
    expect(result).toBe(DmaResult.refused);
    const sent = written(b.tx.received, run);
    expect(sent.length % 128).toBe(0);
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.length).toBeLessThan(1600);
    expect(sent).toEqual(data.slice(0, sent.length));
    expect([b.media.queue.length, b.memory.waiting]).toEqual([0, 0]);
  });

  test('a length of 0 is done at once', () => {
    const b = bench(256, 1, { source: 1, tx: 1 });
    using _ = b.sim;
    expect(b.run({ address: 0x1000n, length: 0, mps: 1, offset: 'media' })).toMatchObject({ result: DmaResult.success });
    expect(b.tx.received).toEqual([]);
  });
});
