import { describe, expect, test } from 'vitest';
import { at } from '../src/at.ts';
import { ErrorKind } from '../src/config/error-report.ts';
import { AtomicKind } from '../src/endpoint/dma/atomic-requester.ts';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import { AtomicOp } from '../src/endpoint/receive/interfaces.ts';
import { type Packet, packetName } from '../src/tlp/packet.ts';
import { TlpType } from '../src/tlp/tlp.ts';
import { atomicFields, BundleSink, BundleSource, jobFields, little, resultFields, runUntil, setControls } from './dma-bench.ts';
import { channelBench, type Entry, lively, localRing, remoteBytes, ringBase } from './dma-channel-bench.ts';
import type { Fate } from './dma-completer.ts';
import { type End, MemoryWriter, numberOf, one, setFields, setNumber, WordSource, wordsOf } from './dma-model.ts';

/** Memory BARs of 8 KiB, of which the second one's function is not there in every design. */
const regions = [
  { function: 0, bar: 0, base: 16_384 },
  { function: 2, bar: 0, base: 24_576 },
] as const;
const pages = 2n;
const barOf = (owner: number) => 0x7_4000_0000n + 0x100_0000n * BigInt(owner);
const ways = ['write', 'read', 'fill', 'drain', 'channel', 'atomic'] as const;
/** Bytes of a BAR for each. */
const share = 1280;
const localFields = ['source', 'target', 'length', 'from_media', 'to_media', 'function', 'id'] as const;
const types = [TlpType.fetchAdd, TlpType.swap, TlpType.compareSwap] as const;
const numberIn = (bytes: Uint8Array) => bytes.reduceRight((high, byte) => (high << 8n) | BigInt(byte), 0n);

/** What an AtomicOp leaves behind. */
function after(kind: number, old: bigint, operand: bigint, compare: bigint, bytes: number): bigint {
  const cut = (value: bigint) => BigInt.asUintN(8 * bytes, value);
  if (kind === AtomicKind.fetchAdd) return cut(old + operand);
  return kind === AtomicKind.swap || old === cut(compare) ? cut(operand) : old;
}

type Bench = ReturnType<typeof channelBench>;

/** The BAR memory as AtomicOps see it. */
function memoryAtomics({ sim, dut, memory, random }: Bench): End {
  const { memory_atomic: request, memory_atomic_result: result } = dut;
  const [valid, ready] = [sim.port(request.valid), sim.port(request.ready)];
  const field = (name: 'address' | 'op' | 'size' | 'operand' | 'swap') => numberOf(sim.port(request.payload[name]));
  let answer: bigint | undefined;
  return {
    drive: () => {
      ready.words[0] = random.chance(0.5) ? 1 : 0;
      const answers = answer !== undefined && random.chance(0.5);
      sim.port(result.valid).words[0] = answers ? 1 : 0;
      if (answers && answer !== undefined) setNumber(sim.port(result.payload), answer);
    },
    sample: () => {
      if (one(sim.port(result.valid)) && one(sim.port(result.ready))) answer = undefined;
      if (!one(valid) || !one(ready)) return;
      const [place, bytes] = [4 * Number(field('address')), 4 << Number(field('size'))];
      const old = numberIn(memory.slice(place, place + bytes));
      const swaps = Number(field('op')) === AtomicOp.compareSwap;
      memory.set(
        little(after(Number(field('op')), old, swaps ? field('swap') : field('operand'), field('operand'), bytes), bytes),
        place,
      );
      answer = old;
    },
  };
}

/** All ways into the engine, with its media. */
function engineBench(width: number, seed: number, functions: number, rate: number) {
  const own = regions.filter(region => region.function < functions);
  const behaviour = { ...lively, latency: [2, 30] as const };
  const b = channelBench(width, seed, { functions, regions: own, rate, behaviour, entries: 16 });
  const { sim, dut, random, ends } = b;
  const mediaIn = new WordSource(sim, dut.media_in, random, rate);
  const jobs = {
    write: new BundleSource(sim, dut.write_job, jobFields, random, rate),
    read: new BundleSource(sim, dut.read_job, jobFields, random, rate),
    fill: new BundleSource(sim, dut.fill_job, localFields, random, rate),
    drain: new BundleSource(sim, dut.drain_job, localFields, random, rate),
    atomic: new BundleSource(sim, dut.atomic_job, atomicFields, random, rate),
  };
  const taken = 0.4;
  const results = {
    write: new BundleSink(sim, dut.write_result, resultFields, random, taken),
    read: new BundleSink(sim, dut.read_result, resultFields, random, taken),
    fill: new BundleSink(sim, dut.fill_result, resultFields, random, taken),
    drain: new BundleSink(sim, dut.drain_result, resultFields, random, taken),
    atomic: new BundleSink(sim, dut.atomic_result, [...resultFields, 'value'], random, taken),
  };
  const received: Record<string, number> = { unsupported: 0, abort: 0, poison: 0 };
  const pulses = [
    ['unsupported', sim.port(dut.received_unsupported)],
    ['abort', sim.port(dut.received_abort)],
    ['poison', sim.port(dut.received_poisoned)],
  ] as const;
  const status: End = {
    drive: () => undefined,
    sample: () => {
      for (const [name, view] of pulses) received[name] = (received[name] ?? 0) | (view.words[0] ?? 0);
    },
  };
  const third = new MemoryWriter(sim, at(dut.memory_write, 2), b.memory, random, rate);
  ends.push(mediaIn, ...Object.values(jobs), ...Object.values(results), third, memoryAtomics(b), status);
  b.completer.atomics = true;
  return { ...b, mediaIn, jobs, results, received, own };
}

/** What the configuration of a function says in a round. */
interface Says {
  readonly id: number;
  readonly bus_master: number;
  readonly memory_enable: number;
  readonly atomic_requester: number;
  readonly ido_request: number;
  readonly relaxed_ordering: number;
  readonly no_snoop: number;
  readonly acs: number;
}

/** The remote page of a job: everything that goes there is of it. */
const pageOf = (address: bigint) => address >> 16n;
const fates: readonly Fate[] = ['unsupported', 'abort', 'poison'];
const outcomeOf: { readonly [fate: string]: number } = {
  good: DmaOutcome.success,
  unsupported: DmaOutcome.unsupported,
  abort: DmaOutcome.abort,
  poison: DmaOutcome.poisoned,
};

/** Where the remote side of a job is, and what becomes of it. */
interface Side {
  readonly address: bigint;
  /** Byte in the BAR memory, if the address is the endpoint's own. */
  readonly inside: number | undefined;
  /** The function may send requests, if one is needed. */
  readonly allowed: boolean;
  readonly fate: Fate;
}

class Round {
  private readonly b: ReturnType<typeof engineBench>;
  private readonly number: number;
  readonly says: readonly Says[];
  readonly fate = new Map<bigint, Fate>();
  /** By remote page: the function and the attributes of all that goes there. */
  readonly pages = new Map<
    bigint,
    { readonly owner: number; readonly attr: number; readonly at: number; readonly written: boolean }
  >();
  /** What the BAR memory is afterwards, and what is to be looked at. */
  readonly memory: Uint8Array;
  readonly checks: (() => void)[] = [];
  private mediaIn = true;
  private mediaOut = true;

  constructor(b: ReturnType<typeof engineBench>, number: number, functions: number) {
    this.b = b;
    this.number = number;
    const { random } = b;
    const base = random.below(2 ** 13) << 3;
    const flag = (chance: number) => (random.chance(chance) ? 1 : 0);
    this.says = Array.from({ length: functions }, (_, f) => ({
      id: base + f,
      bus_master: flag(0.85),
      memory_enable: flag(0.85),
      atomic_requester: flag(0.8),
      ido_request: flag(0.5),
      relaxed_ordering: flag(0.5),
      no_snoop: flag(0.5),
      acs: random.pick([0, 0, 1 << 2, 1 << 5, 0b101_1011]),
    }));
    this.says.forEach((says, f) => {
      setControls(b.sim, b.dut.controls, f, { ...says, mps: random.below(2), mrrs: random.below(3), timeout_value: 1 });
      const compare = ((1n << 52n) - 1n) ^ (pages - 1n);
      setFields(b.sim, at(at(b.dut.controls, f).bars, 0), { base: barOf(f), compare });
    });
    this.memory = b.memory.slice();
    b.completer.behaviour = { ...b.completer.behaviour, fate: ({ address }) => this.fate.get(pageOf(address)) ?? 'good' };
  }

  /** A job's remote side: another device's memory, or an own BAR, of whichever function. */
  side(
    way: number,
    owner: number,
    length: number,
    wish: { readonly attr: number; readonly at: number; readonly written?: boolean },
  ): Side {
    const { random, own } = this.b;
    const region = random.chance(0.5) ? random.pick(own) : undefined;
    const place = share * way + random.below(400);
    const high = random.chance(0.5) ? 0x2_0000_0000n : 0n;
    const address = region
      ? barOf(region.function) + BigInt(place)
      : high + (BigInt(64 + 8 * this.number + way) << 16n) + BigInt(random.below(3000));
    const says = this.says[owner];
    // Access control of a function sends its requests for another one up the link (C74, C77).
    const free = says && (says.acs & 0b010_0100) === 0;
    const inside = region && length > 0 && this.says[region.function]?.memory_enable && (free || region.function === owner);
    if (inside && says) return { address, inside: region.base + place, allowed: true, fate: 'good' };
    const allowed = says?.bus_master === 1;
    const page = pageOf(address);
    const fate = allowed && !region && random.chance(0.15) ? random.pick(fates) : 'good';
    this.fate.set(page, fate);
    const enabled = says ? 4 * says.ido_request + 2 * says.relaxed_ordering + says.no_snoop : 0;
    // Two jobs may go to one BAR with access control on: then nothing is said of its page.
    if (!region) this.pages.set(page, { owner, attr: (4 | wish.attr) & enabled, at: wish.at, written: wish.written === true });
    return { address, inside: undefined, allowed, fate };
  }

  /** A place in the BAR memory that no BAR shows. */
  private local(way: number): number {
    return 2048 + 2048 * way + this.b.random.below(500);
  }
  private takesMedia(): boolean {
    const takes = this.mediaIn && this.b.random.chance(0.4);
    if (takes) this.mediaIn = false;
    return takes;
  }
  private givesMedia(): boolean {
    const gives = this.mediaOut && this.b.random.chance(0.4);
    if (gives) this.mediaOut = false;
    return gives;
  }
  private get where(): string {
    return `seed ${this.b.random.seed}, round ${this.number}`;
  }
  private feed(data: Uint8Array): void {
    this.b.mediaIn.queue.push(...wordsOf(data, this.b.width));
  }
  /** The medium gets so many bytes: these, if it is known which. */
  private gives(length: number, data: Uint8Array | undefined): void {
    const { media, width } = this.b;
    this.checks.push(() => {
      const words = media.received.splice(0);
      expect(words.length, this.where).toBe(Math.ceil((8 * length) / width));
      if (data) expect(Uint8Array.from(words.flatMap(word => [...word]).slice(0, length)), this.where).toEqual(data);
    });
  }

  /** From the local side to the remote one. @returns how it ends. */
  write(job: { readonly media: boolean; readonly offset: number; readonly length: number }, side: Side): void {
    const { offset, length } = job;
    if (!side.allowed) return;
    const data = job.media ? this.b.random.bytes(length) : this.b.memory.slice(offset, offset + length);
    if (job.media) this.feed(data);
    if (side.inside !== undefined) this.memory.set(data, side.inside);
    else this.checks.push(() => expect(remoteBytes(this.b, side.address, length), this.where).toEqual(data));
  }

  /** From the remote side to the local one; of one that failed nothing is known but how much came. */
  read(job: { readonly media: boolean; readonly offset: number; readonly length: number }, side: Side): void {
    const { memory } = this.b;
    const { offset, length } = job;
    if (!side.allowed) {
      if (job.media) this.gives(0, undefined);
      return;
    }
    const well = side.fate === 'good' || length === 0;
    const data =
      side.inside === undefined ? remoteBytes(this.b, side.address, length) : memory.slice(side.inside, side.inside + length);
    if (job.media) this.gives(length, well ? data : undefined);
    else if (well) this.memory.set(data, offset);
    else this.checks.push(() => this.memory.set(memory.slice(offset, offset + length), offset));
  }

  private outcome(side: Side, answered: boolean): number {
    if (!side.allowed) return DmaOutcome.refused;
    return answered ? (outcomeOf[side.fate] ?? 0) : 0;
  }

  private expects(way: 'write' | 'read' | 'fill' | 'drain', owner: number, outcome: number): void {
    const { results } = this.b;
    this.checks.push(() => {
      const got = results[way].received.splice(0).map(r => [r.function, r.outcome].map(Number));
      expect(got, `${this.where}: ${way}`).toEqual([[owner, outcome]]);
    });
  }

  private length(): number {
    const { random } = this.b;
    return random.pick([0, 1, 4, 64, 65, random.below(600), random.below(600)]);
  }

  /** A function, which may be none that is there. */
  private anyone(): number {
    return this.b.random.below(Math.min(8, this.says.length + 1));
  }

  single(way: 'write' | 'read'): void {
    const { random, jobs, sim, dut } = this.b;
    const k = ways.indexOf(way);
    const [owner, length, offset] = [this.anyone(), this.length(), this.local(k)];
    const [relaxed, no_snoop, type] = [random.below(2), random.below(2), random.pick([0, 2])];
    const side = this.side(k, owner, length, { attr: 2 * relaxed + no_snoop, at: type, written: way === 'write' });
    const media = way === 'write' ? this.takesMedia() : this.givesMedia();
    const flush = way === 'write' && random.chance(0.5);
    if (way === 'write') {
      sim.poke(dut.write_flush, flush ? 1 : 0);
      this.write({ media, offset, length }, side);
    } else this.read({ media, offset, length }, side);
    const remote = side.inside === undefined;
    this.expects(way, owner, this.outcome(side, remote && (way === 'write' ? flush : length > 0)));
    const attributes = { relaxed_ordering: relaxed, no_snoop, at: type };
    jobs[way].queue.push({ address: side.address, offset, length, memory: media ? 0 : 1, function: owner, ...attributes });
  }

  copy(way: 'fill' | 'drain'): void {
    const { random, jobs, memory, own } = this.b;
    const k = ways.indexOf(way);
    const [owner, length, source] = [random.below(this.says.length), this.length(), this.local(k)];
    const target = random.pick(own).base + share * k + random.below(400);
    const from_media = this.takesMedia();
    const to_media = !from_media && this.givesMedia();
    const data = from_media ? random.bytes(length) : memory.slice(source, source + length);
    if (from_media) this.feed(data);
    if (to_media) this.gives(length, data);
    else this.memory.set(data, target);
    this.expects(way, owner, 0);
    const media = { from_media: from_media ? 1 : 0, to_media: to_media ? 1 : 0 };
    jobs[way].queue.push({ source, target, length, function: owner, ...media });
  }

  atomic(): void {
    const { random, jobs, results, memory, completer } = this.b;
    const k = ways.indexOf('atomic');
    const owner = this.anyone();
    const kind = random.below(3);
    const size = random.chance(0.9) ? random.below(kind === AtomicKind.compareSwap ? 3 : 2) : 3;
    const bytes = 4 << size;
    const [operand, compare] = [random.bits(128), random.bits(128)];
    const [relaxed, no_snoop, type] = [random.below(2), random.below(2), random.pick([0, 2])];
    const near = this.side(k, owner, bytes, { attr: 2 * relaxed + no_snoop, at: type });
    // Now and then it is not aligned to its operand, which no AtomicOp may be (2.2.7).
    const more = random.chance(0.15) ? BigInt(1 + random.below(bytes - 1)) : 0n;
    const less = (near.address % BigInt(bytes)) - more;
    const side = {
      ...near,
      address: near.address - less,
      inside: near.inside === undefined ? undefined : near.inside - Number(less),
    };
    const legal = size !== 3 && more === 0n;
    const enabled = side.inside !== undefined || this.says[owner]?.atomic_requester === 1;
    const allowed = side.allowed && legal && enabled;
    if (allowed && side.inside !== undefined)
      this.memory.set(
        little(after(kind, numberIn(memory.slice(side.inside, side.inside + bytes)), operand, compare, bytes), bytes),
        side.inside,
      );
    const old =
      side.inside === undefined ? remoteBytes(this.b, side.address, bytes) : memory.slice(side.inside, side.inside + bytes);
    if (!allowed) this.fate.delete(pageOf(side.address));
    const outcome = allowed ? this.outcome(side, true) : DmaOutcome.refused;
    const asked = completer.requests.length;
    this.checks.push(() => {
      const [got, ...more] = results.atomic.received.splice(0);
      expect([got?.function, got?.outcome, more.length].map(Number), `${this.where}: atomic`).toEqual([owner, outcome, 0]);
      if (outcome === 0) expect(little(got?.value ?? 0n, bytes), this.where).toEqual(old);
      const sent = completer.requests.slice(asked).filter(({ type: t }) => t !== TlpType.memory);
      const parts = kind === AtomicKind.compareSwap ? [compare, operand] : [operand];
      const payload = parts.flatMap(part => [...little(part, bytes)]);
      expect(
        sent.map(packet => [packet.type, packet.address, ...packet.payload]),
        this.where,
      ).toEqual(allowed && side.inside === undefined ? [[types[kind], side.address, ...payload]] : []);
    });
    const attributes = { relaxed_ordering: relaxed, no_snoop, at: type };
    jobs.atomic.queue.push({ kind, size, address: side.address, operand, compare, function: owner, ...attributes });
  }

  /** The channel with a few descriptors of a function that may send; the ring is in host memory or in the BAR memory. @returns when it is done. */
  channel(): () => boolean {
    const { b } = this;
    const { random } = b;
    const k = ways.indexOf('channel');
    const masters = [...this.says.keys()].filter(f => this.says[f]?.bus_master === 1);
    if (masters.length === 0) return () => true;
    const owner = random.pick(masters);
    const inside = random.chance(0.4);
    const [ring, vector] = [inside ? BigInt(localRing) : ringBase, random.below(2 ** 11)];
    setNumber(b.sim.port(b.dut.owner), owner);
    setNumber(b.sim.port(b.dut.vector), vector);
    b.move(ring, ringBase + 0x10_0000n, 16, inside);
    this.memory.set(b.memory.slice(0, 2048), 0);
    const failing = !inside && random.chance(0.2) ? random.pick(fates) : undefined;
    if (failing) {
      this.fate.set(pageOf(ring), failing);
      this.pages.set(pageOf(ring), { owner, attr: this.says[owner]?.ido_request === 1 ? 4 : 0, at: 0, written: false });
    }
    const opcode = random.below(3);
    const length = 1 + random.below(600);
    const [relaxed, no_snoop, type] = [random.below(2), random.below(2), random.pick([0, 2])];
    const read_back = opcode === 2 && random.chance(0.5);
    const entry = { opcode, length, offset: this.local(k), cookie: random.below(2 ** 32), status: true, interrupt: true };
    const [seen, told] = [b.entriesSeen.length, b.interrupts.received.length];
    let outcome = 0;
    let idle: Entry[] = [];
    const wanted: Entry = { ...entry, relaxed_ordering: relaxed === 1, no_snoop: no_snoop === 1, at: type, read_back };
    if (failing) b.put([{ ...wanted, opcode: 0 }]);
    else {
      const side = this.side(k, owner, length, { attr: 2 * relaxed + no_snoop, at: type, written: opcode === 2 });
      const media = opcode === 1 ? this.givesMedia() : opcode === 2 && this.takesMedia();
      if (opcode === 2) this.write({ media, offset: entry.offset, length }, side);
      if (opcode === 1) this.read({ media, offset: entry.offset, length }, side);
      if (opcode > 0) outcome = this.outcome(side, side.inside === undefined && (opcode === 1 || read_back));
      // Others before it ask for nothing, or for what there is not.
      idle = Array.from({ length: random.below(6) }, () => {
        const unused = { length: random.below(2 ** 32), address: random.bits(64), offset: random.below(2 ** 32) };
        return { opcode: random.chance(0.8) ? 0 : 3 + random.below(13), ...unused, cookie: random.below(2 ** 32) };
      });
      b.put([...idle, { ...wanted, address: side.address, media }]);
    }
    if (inside) this.memory.set(b.memory.slice(0, 2048), 0);
    this.checks.push(() => {
      const entries = b.entriesSeen.slice(seen).map(({ index, outcome: how, phase, cookie }) => [index, how, phase, cookie]);
      const refused = idle.flatMap(({ opcode: code, cookie }, i) => (code > 2 ? [[i, DmaOutcome.refused, 1, cookie]] : []));
      const own = [...refused, [idle.length, outcome, 1, entry.cookie]];
      expect(entries, `${this.where}: entry`).toEqual(failing ? [] : own);
      const vectors = b.interrupts.received.slice(told).map(({ payload }) => Number(payload));
      expect(vectors, this.where).toEqual(failing ? [] : [vector]);
      expect(Number(b.sim.peek(b.dut.failed)), this.where).toBe(failing ? 1 : 0);
    });
    return () => (failing ? Number(b.sim.peek(b.dut.failed)) === 1 : b.interrupts.received.length > told);
  }

  /** Runs what was given to the engine, and looks at all that became of it. */
  finish(done: () => boolean): void {
    const { b } = this;
    const [asked, written] = [b.completer.requests.length, b.writes.length];
    b.errors.received.length = 0;
    Object.assign(b.received, { unsupported: 0, abort: 0, poison: 0 });
    const all = Object.values(b.results);
    runUntil(b.sim, b.ends, () => done() && all.every(({ received }) => received.length > 0), 6000);
    runUntil(b.sim, b.ends, () => b.completer.waiting === 0, 2000);
    runUntil(b.sim, b.ends, undefined, 40);
    for (const check of this.checks) check();
    expect(b.memory, this.where).toEqual(this.memory);
    const sent: readonly Packet[] = [...b.completer.requests.slice(asked), ...b.writes.slice(written)];
    for (const packet of sent) {
      const known = this.pages.get(pageOf(packet.address));
      if (!known) continue;
      // What reads back has neither relaxed ordering nor no-snoop (C63).
      const attr = known.written && packetName(packet) === 'MRd' ? known.attr & 4 : known.attr;
      const { requester_id, attr: got, at: type } = packet;
      expect([requester_id, got, type], this.where).toEqual([this.says[known.owner]?.id, attr, known.at]);
    }
    const met: Record<string, number> = { unsupported: 0, abort: 0, poison: 0 };
    for (const { address, requester_id } of b.completer.requests.slice(asked)) {
      const fate = this.fate.get(pageOf(address)) ?? 'good';
      if (fate !== 'good') met[fate] = (met[fate] ?? 0) | (1 << this.says.findIndex(({ id }) => id === requester_id));
    }
    expect(b.received, `${this.where}: statuses that functions tell of`).toEqual(met);
    const told = b.errors.received.map(error => [error.functions, error.kind, error.advisory].map(Number));
    expect(
      told.every(([, kind, advisory]) => kind === ErrorKind.poisoned && advisory === 1),
      this.where,
    ).toBe(true);
    expect(
      told.reduce((set, [functions = 0]) => set | functions, 0),
      this.where,
    ).toBe(met.poison);
    expect(Number(b.sim.peek(b.dut.quiet)), this.where).toBe(2 ** this.says.length - 1 - this.running());
    expect(Number(b.sim.peek(b.dut.pending)), this.where).toBe(0);
  }

  /** The channel's function is not quiet until it is stopped. */
  private running(): number {
    const { sim, dut } = this.b;
    return sim.peek(dut.idle) === 1n ? 0 : 1 << Number(sim.port(dut.owner).words[0] ?? 0);
  }
}

describe.each([
  [64, 8, 0.8],
  [128, 3, 1],
  [256, 8, 1],
  [512, 5, 0.7],
  [128, 1, 0.9],
])('DMA engine of %i bits, %i functions, rate %f', (width, functions, rate) => {
  test('C12 C65 C74 C77 C81 C98: jobs of any functions come by all ways at once: each ends as it has to, in the name of its function, with the attributes that one enables', () => {
    const bench = engineBench(width, width, functions, rate);
    using _ = bench.sim;
    for (let i = 0; i < 12; i++) {
      const round = new Round(bench, i, functions);
      const done = round.channel();
      for (const way of ['write', 'read'] as const) round.single(way);
      for (const way of ['fill', 'drain'] as const) round.copy(way);
      round.atomic();
      round.finish(done);
      bench.run(0);
      runUntil(bench.sim, bench.ends, () => Number(bench.sim.peek(bench.dut.idle)) === 1, 500);
    }
  });

  test('C84: a reset of a function, or the end of its channel, ends its jobs wherever they are; those of others are done, and afterwards all work', () => {
    const bench = engineBench(width, width + 1, functions, 1);
    using _ = bench.sim;
    const { sim, dut, random, ends, jobs, results, memory, mediaIn } = bench;
    for (let f = 0; f < functions; f++)
      setControls(sim, dut.controls, f, {
        id: 0x100 + f,
        bus_master: 1,
        memory_enable: 1,
        atomic_requester: 1,
        timeout_value: 1,
      });
    const compare = ((1n << 52n) - 1n) ^ (pages - 1n);
    for (const { function: f } of bench.own) setFields(sim, at(at(dut.controls, f).bars, 0), { base: barOf(f), compare });
    bench.completer.behaviour = { ...bench.completer.behaviour, latency: [2, 300] };
    const outcomes: number[] = [];
    bench.run(0);
    for (let round = 0; round < 10; round++) {
      const where = `seed ${width + 1}, round ${round}`;
      const owners = { write: 0, read: 0, fill: 0, drain: 0, atomic: 0 };
      for (const way of Object.keys(owners) as (keyof typeof owners)[]) owners[way] = random.below(functions);
      const victim = random.chance(0.6) ? owners[random.pick(['write', 'read', 'fill', 'drain'] as const)] : 0;
      const inside = random.chance(0.5);
      const remote = 0x2_0000_0000n + BigInt(round << 20);
      const length = 1200;
      const [source, target] = [memory.slice(2048, 2048 + length), inside ? barOf(0) : remote];
      const plain = { length, memory: 1, relaxed_ordering: 0, no_snoop: 0, at: 0 };
      jobs.write.queue.push({ ...plain, address: target, offset: 2048, function: owners.write });
      jobs.read.queue.push({ ...plain, address: remote + 0x1_0000n, offset: 4096, function: owners.read });
      const local = { length, from_media: 0, to_media: 0 };
      // The media stand still: what waits for them ends by the reset alone.
      jobs.fill.queue.push({ ...local, source: 0, target: 8192, from_media: 1, function: owners.fill });
      jobs.drain.queue.push({ ...local, source: 2048, target: 12_288, function: owners.drain });
      const operands = { kind: 0, size: 1, operand: 1n, compare: 0n, relaxed_ordering: 0, no_snoop: 0, at: 0 };
      jobs.atomic.queue.push({ ...operands, address: remote + 0x2_0000n, function: owners.atomic });
      const stopping = random.chance(0.4);
      if (stopping) {
        setNumber(sim.port(dut.owner), victim);
        bench.move(ringBase, ringBase + 0x10_0000n);
        bench.put([{ opcode: 1, length: 3000, address: remote + 0x3_0000n, offset: 13_500, status: true }]);
      }
      runUntil(sim, ends, undefined, 5 + random.below(120));
      if (stopping) bench.run(0);
      else setControls(sim, dut.controls, victim, { resetting: 1 });
      const bit = 1n << BigInt(victim);
      // What is given to a function in reset is refused too.
      runUntil(
        sim,
        ends,
        () => (sim.peek(dut.quiet) & bit) !== 0n && Object.values(jobs).every(({ queue }) => queue.length === 0),
        3000,
      );
      setControls(sim, dut.controls, victim, { resetting: 0 });
      if (owners.fill !== victim) mediaIn.queue.push(...wordsOf(random.bytes(length), width));
      const all = Object.entries(results) as [keyof typeof owners, BundleSink][];
      runUntil(sim, ends, () => all.every(([, { received }]) => received.length === 1), 3000);
      for (const [way, { received }] of all) {
        const [{ function: f, outcome } = { function: -1n, outcome: -1n }] = received.splice(0);
        expect(Number(f), `${where}: ${way}`).toBe(owners[way]);
        if (owners[way] === victim) expect([0, DmaOutcome.refused], `${where}: ${way}`).toContain(Number(outcome));
        else expect(Number(outcome), `${where}: ${way}`).toBe(0);
        if (owners[way] === victim) outcomes.push(Number(outcome));
      }
      if (owners.write !== victim) {
        const written = inside ? memory.slice(16_384, 16_384 + length) : remoteBytes(bench, target, length);
        expect(written, where).toEqual(source);
      }
      if (owners.read !== victim)
        expect(memory.slice(4096, 4096 + length), where).toEqual(remoteBytes(bench, remote + 0x1_0000n, length));
      if (owners.drain !== victim) expect(memory.slice(12_288, 12_288 + length), where).toEqual(source);
      // Tags rest until their completions have come: then nothing is left.
      runUntil(sim, ends, () => bench.completer.waiting === 0, 3000);
      runUntil(sim, ends, () => sim.peek(dut.settled) === 1n, 3000);
      expect([Number(sim.peek(dut.quiet)), Number(sim.peek(dut.idle))], where).toEqual([2 ** functions - 1, 1]);
      bench.run(0);
      mediaIn.queue.length = 0;
      expect(bench.errors.received, where).toEqual([]);
    }
    expect(new Set(outcomes)).toEqual(new Set([0, DmaOutcome.refused]));
  });
});
