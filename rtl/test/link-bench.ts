/** What the tests of links share: ends of TLP streams that know digests and stalls, and independent models of credits and order. */
import { expect } from 'vitest';
import type { TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { PortView } from '../../hdl/src/engine/simulation.ts';
import type { Readable, Stream } from '../../hdl/src/index.ts';
import type { Random } from '../../hdl/test/random.ts';
import { type FcClassName, FcKind, type FcUpdate, fcClasses } from '../src/link/fc-update.ts';
import { dwCount, type Packet, type PacketHeader } from '../src/tlp/packet.ts';
import { type TlpBeatType, TlpHeader, TlpType } from '../src/tlp/tlp.ts';
import { bodyBytes } from '../src/tlp/wire.ts';

export type Sim = Pick<TypedSimulation<unknown>, 'port' | 'settle' | 'step' | 'cycle'>;

/** How likely something happens in a cycle, or a function of the cycle that says whether it does. */
export type Rate = number | ((cycle: number) => boolean);
const happens = (rate: Rate, random: Random, cycle: number) => (typeof rate === 'number' ? random.chance(rate) : rate(cycle));

/** Something beside the design: it drives inputs before the cycle, and looks at outputs when they have settled. */
export interface Actor {
  drive(cycle: number): void;
  sample(cycle: number): void;
}

const headerFields = Object.keys(TlpHeader.fields) as (keyof PacketHeader)[];
const one = (view: PortView): boolean => view.words[0] === 1;

class Ports {
  readonly valid: PortView;
  readonly ready: PortView;
  readonly first: PortView;
  readonly last: PortView;
  readonly data: PortView;
  readonly header: readonly (readonly [keyof PacketHeader, PortView])[];
  private readonly address: PortView;

  constructor(sim: Sim, stream: Stream<TlpBeatType>) {
    const { header, data, first, last } = stream.payload;
    this.valid = sim.port(stream.valid);
    this.ready = sim.port(stream.ready);
    this.first = sim.port(first);
    this.last = sim.port(last);
    this.data = sim.port(data);
    const fields = header as unknown as { readonly [name: string]: Readable };
    this.header = headerFields.map(name => [name, sim.port(fields[name] as Readable)]);
    this.address = sim.port(header.address);
  }

  get bytes(): number {
    return this.data.width / 8;
  }

  read(): PacketHeader {
    const header: { [name: string]: number | bigint } = {};
    for (const [name, { words }] of this.header) header[name] = words[0] ?? 0;
    const { words } = this.address;
    header.address = (BigInt(words[1] ?? 0) << 32n) | BigInt(words[0] ?? 0);
    return header as unknown as PacketHeader;
  }

  /** Whether this is the header. */
  shows(header: PacketHeader): boolean {
    const { words } = this.address;
    const low = Number(header.address & 0xffff_ffffn);
    if (words[0] !== low || BigInt(words[1] ?? 0) !== header.address >> 32n) return false;
    return this.header.every(([name, { words: field }]) => field[0] === header[name]);
  }

  write(header: PacketHeader): void {
    for (const [name, { words }] of this.header) {
      const value = header[name];
      if (typeof value === 'number') words[0] = value;
      else {
        words[0] = Number(value & 0xffff_ffffn);
        words[1] = Number(value >> 32n);
      }
    }
  }
}

/** Beats of a packet, its digest included. */
export const beatsOf = (packet: Packet, bytes: number): number => Math.max(1, Math.ceil(bodyBytes(packet).length / bytes));

/** Sends packets, beat by beat. */
export class Source implements Actor {
  readonly queue: Packet[] = [];
  /** Cycle in which each packet's first beat moved. */
  readonly times: number[] = [];
  /** Is told of each packet whose first beat moves. */
  onStart: (packet: Packet, cycle: number) => void = () => {};
  protected readonly ports: Ports;
  protected readonly random: Random;
  rate: Rate;
  private chunks: Uint32Array[] = [];
  private beat = 0;
  protected offered = false;

  constructor(sim: Sim, stream: Stream<TlpBeatType>, random: Random, rate: Rate = 1) {
    this.ports = new Ports(sim, stream);
    this.random = random;
    this.rate = rate;
  }

  /** Whether the first packet may be begun. */
  protected allowed(_packet: Packet): boolean {
    return true;
  }

  drive(cycle: number): void {
    const { ports } = this;
    const packet = this.queue[0];
    if (this.offered) return;
    this.offered = packet !== undefined && (this.beat > 0 || this.allowed(packet)) && happens(this.rate, this.random, cycle);
    ports.valid.words[0] = this.offered ? 1 : 0;
    if (!packet || !this.offered) return;
    if (this.beat === 0) this.begin(packet);
    ports.data.words.set(this.chunks[this.beat] ?? []);
    ports.first.words[0] = this.beat === 0 ? 1 : 0;
    ports.last.words[0] = this.beat === this.chunks.length - 1 ? 1 : 0;
  }

  private begin(packet: Packet): void {
    const { bytes } = this.ports;
    this.ports.write(packet);
    const body = bodyBytes(packet);
    this.chunks = Array.from({ length: beatsOf(packet, bytes) }, (_, i) => {
      // What is beyond the packet is no zero, so that nobody can rely on it.
      const padded = new Uint8Array(bytes).fill(0xa5);
      padded.set(body.subarray(i * bytes, (i + 1) * bytes));
      return new Uint32Array(padded.buffer);
    });
  }

  sample(cycle: number): void {
    const packet = this.queue[0];
    if (!packet || !this.offered || !one(this.ports.ready)) return;
    if (this.beat === 0) {
      this.times.push(cycle);
      this.onStart(packet, cycle);
    }
    this.offered = false;
    this.beat++;
    if (this.beat < this.chunks.length) return;
    this.queue.shift();
    this.beat = 0;
  }
}

/** Takes packets and checks that beats form packets and that what is offered stays. */
export class Sink implements Actor {
  readonly received: Packet[] = [];
  /** Cycle in which each packet's first beat moved, and in which its first beat was first offered. */
  readonly times: number[] = [];
  beats = 0;
  rate: Rate;
  /** Is told of each packet whose first beat is offered for the first time, and of each that is complete. */
  onOffer: (header: PacketHeader, cycle: number) => void = () => {};
  onPacket: (packet: Packet, cycle: number) => void = () => {};
  private readonly ports: Ports;
  private readonly random: Random;
  private readonly drives: boolean;
  private open: PacketHeader | undefined;
  private readonly body = new Uint8Array(4096 + 128);
  private length = 0;
  private held: string | undefined;
  private waits = false;

  /** @param drives false for a stream that is only watched. */
  constructor(sim: Sim, stream: Stream<TlpBeatType>, random: Random, rate: Rate = 1, drives = true) {
    this.ports = new Ports(sim, stream);
    this.random = random;
    this.rate = rate;
    this.drives = drives;
  }

  drive(cycle: number): void {
    if (this.drives) this.ports.ready.words[0] = happens(this.rate, this.random, cycle) ? 1 : 0;
  }

  sample(cycle: number): void {
    const { ports } = this;
    if (!one(ports.valid)) {
      if (this.waits) expect.fail('a beat that was offered is withdrawn');
      return;
    }
    if (!this.waits && one(ports.first)) this.onOffer(ports.read(), cycle);
    const ready = one(ports.ready);
    if (this.waits || !ready) {
      const offered = `${ports.header.map(([, { words }]) => words.join('.')).join()} ${ports.data.words.join()} ${ports.last.words[0]}`;
      if (this.waits && offered !== this.held) expect(offered, 'a beat that was offered does not change').toBe(this.held);
      this.held = offered;
    }
    this.waits = !ready;
    if (ready) this.take(cycle);
  }

  private take(cycle: number): void {
    const { ports, body } = this;
    this.beats++;
    if (one(ports.first) !== (this.open === undefined)) expect.fail('first marks the first beat, and no other');
    if (!this.open) {
      this.times.push(cycle);
      this.open = ports.read();
      this.length = 0;
    } else if (!ports.shows(this.open)) expect(ports.read(), 'all beats of a packet have one header').toEqual(this.open);
    const header = this.open;
    const { words: data } = ports.data;
    body.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), this.length);
    this.length += ports.bytes;
    const size = (header.fmt & 2) === 0 ? 0 : 4 * dwCount(header);
    const beats = Math.max(1, Math.ceil((size + 4 * header.td) / ports.bytes));
    if (one(ports.last) !== (this.length === beats * ports.bytes))
      expect.fail(`last comes with beat ${beats}, and with no other`);
    if (!one(ports.last)) return;
    this.open = undefined;
    const digest = header.td ? { digest: new DataView(body.buffer).getUint32(size, true) } : {};
    const packet = { ...header, payload: body.slice(0, size), ...digest };
    this.received.push(packet);
    this.onPacket(packet, cycle);
  }
}

/** Runs actors for `cycles` cycles or until `done`. @returns cycles run. */
export function run(sim: Sim, actors: readonly Actor[], cycles: number, done: () => boolean = () => false): number {
  for (let i = 0; i < cycles; i++) {
    if (done()) return i;
    for (const actor of actors) actor.drive(sim.cycle);
    sim.settle();
    for (const actor of actors) actor.sample(sim.cycle);
    sim.step();
  }
  return cycles;
}

/** Class of a packet, told from its header alone: an own reading of 2.4.1. */
export function classOf(h: PacketHeader): FcClassName {
  if (h.type === 0b01010 || h.type === 0b01011) return 'completion';
  if (h.type >= 0b10000 && h.type < 0b11000) return 'posted';
  return h.type === 0 && h.fmt >= 2 ? 'posted' : 'non_posted';
}

/** Data credits of a packet: 16 bytes each, begun ones too. */
export const dataCreditsOf = (h: PacketHeader): number => (h.fmt >= 2 ? (dwCount(h) + 3) >> 2 : 0);

/**
 * A packet of a class with a serial number in the tag and address, random otherwise. Payloads have up to `dws` DW.
 */
export function randomPacket(random: Random, kind: FcClassName, serial: number, dws: number): Packet {
  const length = random.chance(0.4) ? 1 : 1 + random.below(dws);
  const with_data = kind === 'posted' ? random.chance(0.9) : random.chance(kind === 'completion' ? 0.8 : 0.3);
  const non_posted_types = with_data
    ? [TlpType.fetchAdd, TlpType.compareSwap, TlpType.config0, TlpType.io]
    : [0, 0, TlpType.config1];
  const type =
    kind === 'posted'
      ? with_data && random.chance(0.8)
        ? 0
        : TlpType.message | random.below(6)
      : kind === 'completion'
        ? random.pick([TlpType.completion, TlpType.completion, TlpType.completionLocked])
        : random.pick(non_posted_types);
  const dw = !with_data ? random.below(1024) : kind === 'non_posted' ? random.pick([1, 2, 4, 8]) : length;
  const td = random.chance(0.2) ? 1 : 0;
  return {
    fmt: (with_data ? 2 : 0) | headerFmt(type, random),
    type,
    tc: random.below(8),
    attr: random.below(8),
    th: 0,
    td,
    ep: random.below(2),
    at: 0,
    length: dw,
    requester_id: random.below(65536),
    tag: serial % 1024,
    last_be: random.below(16),
    first_be: random.below(16),
    address: (BigInt(random.below(2 ** 31)) << 32n) | BigInt(serial),
    payload: with_data ? random.bytes(4 * dw) : new Uint8Array(0),
    ...(td ? { digest: random.below(2 ** 32) } : {}),
  };
}

/** Bit 0 of Fmt: messages have 4 DW, configuration requests, I/O and completions 3, memory requests either. */
function headerFmt(type: number, random: Random): number {
  if (type >= TlpType.message) return 1;
  const short = [TlpType.config0, TlpType.config1, TlpType.io, TlpType.completion, TlpType.completionLocked] as readonly number[];
  return short.includes(type) ? 0 : random.below(2);
}

/** A packet of a class with exactly `dws` DW of payload (none: no data) and no digest. */
export function plainPacket(random: Random, kind: FcClassName, serial: number, dws: number): Packet {
  const { digest: _, ...packet } = randomPacket(random, kind, serial, 1);
  const bare = { posted: TlpType.message, non_posted: TlpType.memory, completion: TlpType.completion };
  const data = { posted: TlpType.memory, non_posted: TlpType.swap, completion: TlpType.completion };
  const type = (dws ? data : bare)[kind];
  return {
    ...packet,
    fmt: (dws ? 2 : 0) | headerFmt(type, random),
    type,
    td: 0,
    length: dws & 0x3ff,
    payload: random.bytes(4 * dws),
  };
}

export const serialOf = (h: PacketHeader): number => Number(h.address & 0xffff_ffffn);

/** A flow control packet as numbers. */
export interface Fc {
  readonly kind: number;
  readonly traffic: number;
  readonly headers: number;
  readonly data: number;
}

/** Looks at an output of flow control packets, and takes them at a rate. */
export class FcSink implements Actor {
  readonly received: (Fc & { readonly cycle: number })[] = [];
  onPacket: (fc: Fc, cycle: number) => void = () => {};
  rate: Rate;
  private readonly views: { readonly [K in 'valid' | 'ready' | keyof Fc]: PortView };
  private readonly random: Random;
  private readonly drives: boolean;

  constructor(sim: Sim, stream: Stream<typeof FcUpdate>, random: Random, rate: Rate = 1, drives = true) {
    const { kind, traffic, headers, data } = stream.payload;
    const port = (signal: Readable) => sim.port(signal);
    this.views = {
      valid: port(stream.valid),
      ready: port(stream.ready),
      kind: port(kind),
      traffic: port(traffic),
      headers: port(headers),
      data: port(data),
    };
    this.random = random;
    this.rate = rate;
    this.drives = drives;
  }
  drive(cycle: number): void {
    if (this.drives) this.views.ready.words[0] = happens(this.rate, this.random, cycle) ? 1 : 0;
  }
  sample(cycle: number): void {
    const { views } = this;
    if (!one(views.valid) || !one(views.ready)) return;
    const value = (name: keyof Fc) => views[name].words[0] ?? 0;
    const fc = { kind: value('kind'), traffic: value('traffic'), headers: value('headers'), data: value('data') };
    this.received.push({ ...fc, cycle });
    this.onPacket(fc, cycle);
  }
}

/** Sends flow control packets. */
export class FcSource implements Actor {
  readonly queue: Fc[] = [];
  /** Cycle in which each moved. */
  readonly times: number[] = [];
  private readonly sim: Sim;
  private readonly stream: Stream<typeof FcUpdate>;
  constructor(sim: Sim, stream: Stream<typeof FcUpdate>) {
    this.sim = sim;
    this.stream = stream;
  }
  drive(): void {
    const { sim, stream } = this;
    const fc = this.queue[0];
    sim.port(stream.valid).words[0] = fc ? 1 : 0;
    if (!fc) return;
    const { kind, traffic, headers, data } = stream.payload;
    sim.port(kind).words[0] = fc.kind;
    sim.port(traffic).words[0] = fc.traffic;
    sim.port(headers).words[0] = fc.headers;
    sim.port(data).words[0] = fc.data;
  }
  sample(cycle: number): void {
    if (this.queue.length === 0 || !one(this.sim.port(this.stream.ready))) return;
    this.queue.shift();
    this.times.push(cycle);
  }
}

/**
 * What an observer of a link knows of the credits of one direction: limits from the flow control packets that went by, consumption from the TLPs. Counts
 * without wrapping, so it is no copy of the hardware.
 */
export class CreditObserver {
  private readonly granted = new Map<FcClassName, { headers: number; data: number }>();
  private readonly used = new Map(fcClasses.map(name => [name, { headers: 0, data: 0 }]));

  sees(fc: Fc): void {
    const name = fcClasses[fc.traffic];
    if (!name) throw new RangeError(`flow control packet of class ${fc.traffic}`);
    const known = this.granted.get(name);
    if (fc.kind !== FcKind.update) {
      const initial = (n: number) => (n === 0 ? Number.POSITIVE_INFINITY : n);
      if (!known) this.granted.set(name, { headers: initial(fc.headers), data: initial(fc.data) });
      return;
    }
    if (!known) throw new Error('an update before the initial credits');
    known.headers += (fc.headers - known.headers) & 0xff;
    known.data += (fc.data - known.data) & 0xfff;
  }

  /** Checks that a TLP is within the credits, and counts it (C70d). */
  sends(h: PacketHeader): void {
    const name = classOf(h);
    const granted = this.granted.get(name);
    const used = this.used.get(name);
    if (!granted || !used) throw new Error(`a ${name} TLP before the initial credits`);
    used.headers++;
    used.data += dataCreditsOf(h);
    if (used.headers > granted.headers || used.data > granted.data)
      expect.fail(`${name} TLP ${serialOf(h)} has no credits: ${JSON.stringify({ used, granted })}`);
    const out = (limit: number, taken: number) => (Number.isFinite(limit) ? limit - taken : 0);
    if (out(granted.headers, used.headers) > 127 || out(granted.data, used.data) > 2047)
      expect.fail(`more credits of ${name} are out than there may be: ${JSON.stringify({ used, granted })}`);
  }

  /** Credits of a class that the sender has not used. */
  left(name: FcClassName): { readonly headers: number; readonly data: number } | undefined {
    const granted = this.granted.get(name);
    const used = this.used.get(name);
    return granted && used && { headers: granted.headers - used.headers, data: granted.data - used.data };
  }
}

/** Checks the order between classes at a place behind which TLPs must not have passed posted ones (C60). */
export class OrderObserver {
  private readonly posted: number[] = [];
  private gone = 0;
  private readonly ahead = new Map<number, number>();
  private readonly inClass = new Map(fcClasses.map(name => [name, [] as number[]]));

  /** A TLP enters, `before` this cycle's posted ones if that is how it counts. */
  enters(h: PacketHeader): void {
    const name = classOf(h);
    this.inClass.get(name)?.push(serialOf(h));
    if (name === 'posted') this.posted.push(serialOf(h));
    else this.ahead.set(serialOf(h), this.posted.length);
  }

  /** It is offered behind. */
  offered(h: PacketHeader): void {
    const ahead = this.ahead.get(serialOf(h));
    if (ahead === undefined) return;
    if (ahead > this.gone)
      expect.fail(`TLP ${serialOf(h)} passes a posted one: ${ahead} entered before it, ${this.gone} have gone`);
  }

  /** It has gone; all of a class go in the order in which they entered. */
  goes(h: PacketHeader): void {
    const name = classOf(h);
    const first = this.inClass.get(name)?.shift();
    if (first !== serialOf(h)) expect.fail(`${name} TLP ${serialOf(h)} goes, and ${first} came first`);
    if (name === 'posted') this.gone++;
  }

  get inside(): number {
    return [...this.inClass.values()].reduce((sum, list) => sum + list.length, 0);
  }
}
