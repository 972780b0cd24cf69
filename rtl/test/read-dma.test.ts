import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { DmaResult } from '../src/endpoint/engine-command.ts';
import { ReadDma } from '../src/endpoint/read-dma.ts';
import { completion, dwCount, type Packet } from '../src/tlp/packet.ts';
import { Fmt, Status, TlpType } from '../src/tlp/tlp.ts';
import { type End, MemoryWriter, numberOf, runEngine, setFields, WordSink, wordsOf } from './dma-model.ts';
import { PacketSink, PacketSource } from './tlp-model.ts';

const memoryBytes = 16_384;
const id = 0x0218;
const completer_id = 0x0500;

/** The byte of the host's memory at an address. */
const byteAt = (address: bigint): number => Number((address * 0x9e37_79b1n) >> 13n) & 0xff;
const bytesAt = (address: bigint, length: number) => Uint8Array.from({ length }, (_, i) => byteAt(address + BigInt(i)));

/** A request that is not wholly answered. */
interface Outstanding {
  readonly request: Packet;
  readonly bytes: number;
  /** Cycle from which it may be answered. */
  readonly due: number;
  sent: number;
}

/** How the completer behaves. */
interface Behaviour {
  /** Probability of a part in a cycle with nothing to send. */
  readonly rate: number;
  /** Cycles from request to answer, at the least and at the most. */
  readonly latency: readonly [number, number];
  /** Parts end at multiples of 64 or 128 bytes. */
  readonly boundary: 64 | 128;
  /** Always ends at the next boundary, never, or at random ones. */
  readonly split: 'random' | 'whole';
  readonly order: 'random' | 'request';
  /** Changes a part, or gives others to send in its place. */
  readonly twist?: (part: Packet, of: Outstanding) => readonly Packet[];
}

/** Answers reads in parts, in any order of tags, those of one tag in address order. */
class Completer implements End {
  readonly requests: Packet[] = [];
  /** The most that were outstanding at a time. */
  most = 0;
  behaviour: Behaviour;
  private readonly outstanding: Outstanding[] = [];
  readonly rx: PacketSink;
  private readonly tx: PacketSource;
  private readonly random: Random;

  constructor(rx: PacketSink, tx: PacketSource, random: Random, behaviour: Behaviour) {
    this.rx = rx;
    this.tx = tx;
    this.random = random;
    this.behaviour = behaviour;
  }

  drive(): void {
    this.rx.drive();
    this.tx.drive();
  }

  sample(cycle: number): void {
    this.rx.sample(cycle);
    this.tx.sample(cycle);
    for (const request of this.rx.received.splice(0)) this.take(request, cycle);
    this.most = Math.max(this.most, this.outstanding.length);
    // One packet ahead, so that there is no gap between packets.
    if (this.tx.queue.length <= 1 && this.random.chance(this.behaviour.rate)) this.answer(cycle);
  }

  private take(request: Packet, cycle: number): void {
    expect(
      this.outstanding.some(o => o.request.tag === request.tag),
      `tag ${request.tag} is used twice`,
    ).toBe(false);
    this.requests.push(request);
    const [least, most] = this.behaviour.latency;
    const tail = request.length === 1 ? request.first_be : request.last_be;
    const bytes = 4 * (dwCount(request) - 1) + [0, 1, 3, 7, 15].indexOf(tail);
    this.outstanding.push({ request, bytes, due: cycle + least + this.random.below(most - least + 1), sent: 0 });
  }

  private answer(cycle: number): void {
    const due = this.outstanding.filter(o => o.due <= cycle);
    if (due.length === 0) return;
    const of = this.behaviour.order === 'random' ? this.random.pick(due) : (due[0] as Outstanding);
    const { boundary, split } = this.behaviour;
    const address = of.request.address + BigInt(of.sent);
    const rest = of.bytes - of.sent;
    const toBoundary = boundary - Number(address % BigInt(boundary));
    const size = split === 'whole' ? rest : Math.min(rest, toBoundary + boundary * this.random.below(4));
    const payload = new Uint8Array(4 * Math.ceil(size / 4));
    payload.set(bytesAt(address, size));
    const fields = { completer_id, byte_count: rest, lower_address: Number(address & 0x7fn) };
    const part = completion(of.request, fields, payload);
    of.sent += size;
    const parts = this.behaviour.twist?.(part, of) ?? [part];
    if (of.sent >= of.bytes) this.outstanding.splice(this.outstanding.indexOf(of), 1);
    this.tx.queue.push(...parts);
  }
}

interface Run {
  readonly address: bigint;
  readonly length: number;
  readonly mrrs: number;
  readonly offset: number | 'media';
}

const lively: Behaviour = { rate: 0.9, latency: [2, 60], boundary: 64, split: 'random', order: 'random' };

function bench(
  width: number,
  seed: number,
  options: { readonly rate?: number; readonly tx?: number; readonly rx?: number; readonly tags?: number } = {},
) {
  const address_width = Math.log2(memoryBytes / (width / 8));
  const sim = simulate(() => new ReadDma({ width, address_width, ...(options.tags ? { tags: options.tags } : {}) }));
  const { dut } = sim;
  const random = new Random(seed);
  const media = new WordSink(sim, dut.media, random, options.rate);
  const memory = new MemoryWriter(sim, dut.memory_write, random.bytes(memoryBytes), random, options.rate);
  const source = new PacketSource(sim, dut.completion, random, options.rx);
  const completer = new Completer(new PacketSink(sim, dut.tx, random, options.tx), source, random, lively);
  setFields(sim, dut.state, { id, bus_master: 1 });
  const ends = [media, memory, completer];
  const run = (r: Run, everyCycle?: (cycle: number) => void) => {
    setFields(sim, dut.state, { mrrs: r.mrrs });
    const memory_side = r.offset !== 'media';
    const command = { address: r.address, length: r.length, offset: memory_side ? r.offset : 0, memory: memory_side ? 1 : 0 };
    const end = runEngine(sim, dut, command, ends, everyCycle ? { everyCycle } : {});
    return { end, result: Number(numberOf(sim.port(dut.status.result))) };
  };
  const idle = (cycles: number) => {
    for (let i = 0; i < cycles; i++) {
      for (const end of ends) end.drive();
      sim.settle();
      for (const end of ends) end.sample(sim.cycle);
      sim.step();
    }
  };
  return { sim, dut, random, media, memory, completer, source, run, idle };
}

/** Checks every MRd; they must cover the run without gap. */
function checkRequests(requests: readonly Packet[], run: Run): void {
  let next = run.address;
  for (const { address, length, first_be, last_be, tag, payload: _, ...header } of requests) {
    expect(address).toBe(next);
    expect(header).toEqual({
      fmt: address >> 32n ? Fmt.header4 : Fmt.header3,
      type: TlpType.memory,
      tc: 0,
      attr: 0,
      th: 0,
      td: 0,
      ep: 0,
      at: 0,
      requester_id: id,
    });
    expect(tag).toBeLessThan(32);
    expect(4 * length).toBeLessThanOrEqual(Math.min(512, 128 << run.mrrs));
    expect((address & 0xfffn) + BigInt(4 * length)).toBeLessThanOrEqual(4096n);
    const count = [0, 1, 3, 7, 15].indexOf(length === 1 ? first_be : last_be);
    expect(count).toBeGreaterThan(0);
    if (length === 1) expect(last_be).toBe(0);
    else expect(first_be).toBe(15);
    next += BigInt(4 * (length - 1) + count);
  }
  expect(next).toBe(run.address + BigInt(run.length));
}

/** The words that a run gave, up to its length. */
const joined = (words: readonly Uint8Array[], length: number) => Uint8Array.from(words.flatMap(w => [...w])).slice(0, length);

describe.each([64, 128, 256, 512])('%d bits', width => {
  test.each([
    [1, 1],
    [0.4, 1],
    [1, 0.3],
    [0.7, 0.7],
  ])('C5 C6 C7 C8 C56 C70f C71a: reads exactly the bytes in order, whatever the completer does: local side %d, tx %d', (rate, tx) => {
    const b = bench(width, 21, { rate, tx, rx: 0.8, tags: 8 });
    using _ = b.sim;
    const unit = width / 8;
    for (let i = 0; i < 10; i++) {
      b.completer.behaviour = {
        ...lively,
        boundary: b.random.pick([64, 128] as const),
        split: b.random.pick(['random', 'random', 'whole'] as const),
        rate: b.random.pick([1, 0.3]),
      };
      const address = b.random.pick([0x1000n, 0xffff_f000n, 0x12_3456_7000n]) + BigInt(unit * b.random.below(4096 / unit));
      const length = b.random.pick([1 + b.random.below(9), 1 + b.random.below(300), 1 + b.random.below(3000)]);
      const offset = b.random.chance(0.5) ? ('media' as const) : unit * b.random.below(8192 / unit);
      const run: Run = { address, length, mrrs: b.random.below(4), offset };
      const what = `run ${i}: ${JSON.stringify({ ...run, address: String(address) })}`;
      const expected = b.memory.bytes.slice();
      if (offset !== 'media') expected.set(bytesAt(address, length), offset);
      const { result } = b.run(run);
      checkRequests(b.completer.requests.splice(0), run);
      expect(result, what).toBe(DmaResult.success);
      const words = b.media.received.splice(0);
      expect(words.length).toBe(offset === 'media' ? Math.ceil(length / unit) : 0);
      if (offset === 'media') expect(Buffer.compare(joined(words, length), bytesAt(address, length)), what).toBe(0);
      expect(Buffer.compare(b.memory.bytes, expected), what).toBe(0);
    }
    expect(numberOf(b.sim.port(b.dut.unexpected))).toBe(0n);
    expect(b.completer.most).toBeGreaterThan(1);
    expect(b.completer.most).toBeLessThanOrEqual(8);
  });

  test.each([
    'media',
    'memory',
  ])('a word in every cycle, with 32 requests of 256 bytes that are answered after 80 cycles, to %s', to => {
    const b = bench(width, 3, { tags: 32 });
    using _ = b.sim;
    b.completer.behaviour = { rate: 1, latency: [80, 80], boundary: 64, split: 'whole', order: 'request' };
    const length = 16_384;
    const start = b.sim.cycle;
    b.run({ address: 0x10_0000n, length, mrrs: 1, offset: to === 'media' ? 'media' : 0 });
    const times = to === 'media' ? b.media.times : b.memory.times;
    expect(times.length).toBe(length / (width / 8));
    expect(b.completer.most).toBe(32);
    expect(b.completer.rx.times.slice(0, 32)).toEqual(Array.from({ length: 32 }, (_, i) => start + 3 + i));
    expect(times.length / ((times.at(-1) ?? 0) - (times[0] ?? 0) + 1)).toBeGreaterThan(0.99);
  });
});

describe('reads that fail', () => {
  /** Runs 2,000 bytes in requests of 256, whose third (tag 2) is broken by `twist`; everything else must be right. */
  function broken(twist: NonNullable<Behaviour['twist']>) {
    const b = bench(256, 4, { rate: 0.8, rx: 0.7, tags: 8 });
    b.completer.behaviour = { ...lively, twist };
    const { result } = b.run({ address: 0x4000n, length: 2000, mrrs: 1, offset: 'media' });
    const got = joined(b.media.received.splice(0), 2000);
    const unexpected = Number(numberOf(b.sim.port(b.dut.unexpected)));
    return { b, result, got, unexpected };
  }
  const zeroed = () => bytesAt(0x4000n, 2000).fill(0, 512, 768);
  const isThird = (of: Outstanding) => of.request.address === 0x4200n;

  test.each([
    ['unsupported request', Status.unsupported, DmaResult.unsupported],
    ['completer abort', Status.abort, DmaResult.abort],
    ['retry status, which memory reads do not have', Status.retry, DmaResult.unsupported],
  ] as const)('C50 C53: %s: zeros for that request, the status kept, the rest right', (_, status, expected) => {
    const { b, result, got, unexpected } = broken((part, of) => {
      if (!isThird(of)) return [part];
      of.sent = of.bytes;
      return [completion(of.request, { completer_id, status, byte_count: of.bytes, lower_address: 0 })];
    });
    using __ = b.sim;
    expect([result, unexpected]).toEqual([expected, 0]);
    expect(got).toEqual(zeroed());
    // The next run starts clean.
    b.completer.behaviour = lively;
    expect(b.run({ address: 0x4000n, length: 2000, mrrs: 1, offset: 'media' }).result).toBe(DmaResult.success);
    expect(joined(b.media.received, 2000)).toEqual(bytesAt(0x4000n, 2000));
  });

  test('C58: a second error for a request that has ended is unexpected', () => {
    const { b, result, got, unexpected } = broken((part, of) => {
      if (!isThird(of)) return [part];
      of.sent = of.bytes;
      const error = completion(of.request, { completer_id, status: Status.abort, byte_count: of.bytes, lower_address: 0 });
      return [error, error];
    });
    using _ = b.sim;
    expect([result, unexpected]).toEqual([DmaResult.abort, 1]);
    expect(got).toEqual(zeroed());
  });

  test('C53: an error after a first part ends the request', () => {
    let begun = false;
    const { b, result, got } = broken((part, of) => {
      if (!isThird(of)) return [part];
      of.sent = begun ? of.bytes : 64;
      if (begun) return [completion(of.request, { completer_id, status: Status.abort, byte_count: 4, lower_address: 0 })];
      begun = true;
      return [completion(of.request, { completer_id, byte_count: of.bytes, lower_address: 0 }, bytesAt(0x4200n, 64))];
    });
    using _ = b.sim;
    expect(result).toBe(DmaResult.abort);
    expect(got).toEqual(zeroed());
  });

  test('C71b: poisoned data counts as an abort', () => {
    const { b, result, got } = broken((part, of) => [isThird(of) ? { ...part, ep: 1 } : part]);
    using _ = b.sim;
    expect(result).toBe(DmaResult.abort);
    expect(got).toEqual(zeroed());
  });

  test('the worst status is kept', () => {
    const { b, result } = broken((_, of) => {
      of.sent = of.bytes;
      const status = isThird(of) ? Status.abort : Status.unsupported;
      return [completion(of.request, { completer_id, status, byte_count: of.bytes, lower_address: 0 })];
    });
    using __ = b.sim;
    expect(result).toBe(DmaResult.abort);
  });

  const lower = (part: Packet, change: (low: number) => number): Packet => ({
    ...part,
    address: (part.address & ~0x7fn) | BigInt(change(Number(part.address & 0x7fn))),
  });
  const padded = (part: Packet, bytes: number): Packet => ({
    ...part,
    length: dwCount(part) + bytes / 4,
    payload: Uint8Array.from([...part.payload, ...new Uint8Array(bytes)]),
  });
  test.each<[string, (part: Packet) => Packet]>([
    ['a tag that is not outstanding', part => ({ ...part, tag: part.tag ^ 0x10 })],
    ['a tag beyond those that exist', part => ({ ...part, tag: part.tag | 0x200 })],
    ['another requester ID', part => ({ ...part, requester_id: id ^ 0x100 })],
    ['the wrong byte count', part => ({ ...part, address: part.address ^ (1n << 36n) })],
    ['the wrong lower address', part => lower(part, low => low ^ 0x40)],
    ['too much data', part => padded(part, 256)],
    ['no data', part => ({ ...part, fmt: Fmt.header3, payload: new Uint8Array(0) })],
    ['an end inside a word', part => ({ ...part, length: 1, payload: part.payload.slice(0, 4) })],
  ])('C55 C58: unexpected, dropped and counted: %s', (_, change) => {
    let changed = 0;
    const { b, result, got, unexpected } = broken(part => {
      changed++;
      // Its data differ, so that they are seen where it is taken.
      const wrong = change(part);
      return [{ ...wrong, payload: wrong.payload.map(byte => byte ^ 0xff) }, part];
    });
    using __ = b.sim;
    expect(result).toBe(DmaResult.success);
    expect(got).toEqual(bytesAt(0x4000n, 2000));
    expect(unexpected).toBe(changed);
  });

  test('C58: a duplicate of the last part is unexpected', () => {
    let duplicates = 0;
    const { b, result, got, unexpected } = broken((part, of) => {
      if (of.sent < of.bytes) return [part];
      duplicates++;
      return [part, part];
    });
    using _ = b.sim;
    b.idle(50);
    expect(result).toBe(DmaResult.success);
    expect(got).toEqual(bytesAt(0x4000n, 2000));
    expect([unexpected, Number(numberOf(b.sim.port(b.dut.unexpected)))]).toContain(duplicates);
    expect(duplicates).toBe(8);
  });
});

describe('what is not requested', () => {
  test.each([
    ['the address is misaligned', { address: 0x1004n, offset: 'media' }, 1],
    ['the offset is misaligned', { address: 0x1000n, offset: 8 }, 1],
    ['bus mastering is off', { address: 0x1000n, offset: 'media' }, 0],
  ] as const)('refused and nothing moved: %s', (_, where, bus_master) => {
    const b = bench(256, 1);
    using __ = b.sim;
    setFields(b.sim, b.dut.state, { bus_master });
    expect(b.run({ ...where, length: 100, mrrs: 1 }).result).toBe(DmaResult.refused);
    b.idle(20);
    expect([b.completer.requests.length, b.media.received.length, b.memory.times.length]).toEqual([0, 0, 0]);
    setFields(b.sim, b.dut.state, { bus_master: 1 });
    expect(b.run({ address: 0x1000n, length: 100, mrrs: 1, offset: 'media' }).result).toBe(DmaResult.success);
  });

  test('C81: bus mastering goes off during a run: data as far as requested, then zeros', () => {
    const b = bench(128, 5, { tags: 4 });
    using _ = b.sim;
    const { result } = b.run({ address: 0x8000n, length: 4001, mrrs: 0, offset: 'media' }, cycle => {
      if (cycle === 120) setFields(b.sim, b.dut.state, { bus_master: 0 });
    });
    expect(result).toBe(DmaResult.refused);
    const { requests } = b.completer;
    expect(requests.length).toBeGreaterThan(2);
    expect(requests.length).toBeLessThan(20);
    expect(b.media.received.length).toBe(wordsOf(new Uint8Array(4001), 128).length);
    expect(joined(b.media.received, 4001)).toEqual(bytesAt(0x8000n, 4001).fill(0, 128 * requests.length));
  });

  test('a length of 0 is done at once', () => {
    const b = bench(256, 1);
    using _ = b.sim;
    expect(b.run({ address: 0x1000n, length: 0, mrrs: 1, offset: 0 }).result).toBe(DmaResult.success);
    expect(b.completer.requests).toEqual([]);
  });
});
