/** What the tests of the TLP blocks share: random numbers, and stream ends that speak in packets. */
import { expect } from 'vitest';
import type { TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { PortView } from '../../hdl/src/engine/simulation.ts';
import type { Readable, Stream } from '../../hdl/src/index.ts';
import type { Random } from '../../hdl/test/random.ts';
import { type Packet, type PacketHeader, packetClass, packetName } from '../src/tlp/packet.ts';
import { type TlpBeatType, TlpHeader } from '../src/tlp/tlp.ts';
import { bodyBytes } from '../src/tlp/wire.ts';

type Sim = Pick<TypedSimulation<unknown>, 'port'>;
const headerFields = Object.keys(TlpHeader.fields) as (keyof PacketHeader)[];

/** The words of a TLP stream's ports. */
class Ports {
  readonly valid: PortView;
  readonly ready: PortView;
  readonly first: PortView;
  readonly last: PortView;
  readonly data: PortView;
  readonly header: readonly (readonly [keyof PacketHeader, PortView])[];

  constructor(sim: Sim, stream: Stream<TlpBeatType>) {
    const { header, data, first, last } = stream.payload;
    this.valid = sim.port(stream.valid);
    this.ready = sim.port(stream.ready);
    this.first = sim.port(first);
    this.last = sim.port(last);
    this.data = sim.port(data);
    this.header = headerFields.map(name => [
      name,
      sim.port((header as unknown as { [name: string]: Readable })[name] as Readable),
    ]);
  }
  get bytesPerBeat(): number {
    return this.data.width / 8;
  }
}

const one = (view: PortView): boolean => view.words[0] === 1;

/**
 * The same packet with random values in all fields that say nothing about what it is and where it goes, now and then with a digest, and in what a completion leaves
 * reserved. Blocks that pass TLPs on pass them all.
 */
export function withAnyFields(random: Random, packet: Packet): Packet {
  const fields = { tc: random.below(8), attr: random.below(8), th: random.below(2), ep: random.below(2) };
  const digest = random.chance(0.2) ? { td: 1, digest: random.below(2 ** 32) } : {};
  if (packetClass(packet) !== 'completion') return { ...packet, ...fields, ...digest };
  const reserved = (BigInt(random.below(2)) << 44n) | (BigInt(random.below(2 ** 25)) << 7n);
  const enables = { at: random.below(4), last_be: random.below(16), first_be: random.below(16) };
  return { ...packet, ...fields, ...digest, ...enables, address: packet.address | reserved };
}

/** Beats of a packet: at least one. */
export const beatsOf = (packet: Packet, bytesPerBeat: number): number =>
  Math.max(1, Math.ceil(bodyBytes(packet).length / bytesPerBeat));

/** Sends packets into an input stream, with pauses between beats unless `rate` is 1. */
export class PacketSource {
  readonly queue: Packet[] = [];
  /** Cycle in which each packet's first beat moved. */
  readonly times: number[] = [];
  private readonly ports: Ports;
  private readonly random: Random;
  private readonly rate: number;
  private beat = 0;
  private offered = false;

  constructor(sim: Sim, stream: Stream<TlpBeatType>, random: Random, rate = 1) {
    this.ports = new Ports(sim, stream);
    this.random = random;
    this.rate = rate;
  }

  drive(): void {
    const { ports } = this;
    const packet = this.queue[0];
    this.offered ||= packet !== undefined && this.random.chance(this.rate);
    ports.valid.words[0] = this.offered ? 1 : 0;
    if (!packet || !this.offered) return;
    const bytes = ports.bytesPerBeat;
    for (const [name, view] of ports.header) {
      const value = packet[name];
      if (typeof value === 'number') view.words[0] = value;
      else view.words.set([Number(value & 0xffff_ffffn), Number(value >> 32n)]);
    }
    const chunk = new Uint8Array(bytes);
    chunk.set(bodyBytes(packet).subarray(this.beat * bytes, (this.beat + 1) * bytes));
    ports.data.words.set(new Uint32Array(chunk.buffer));
    ports.first.words[0] = this.beat === 0 ? 1 : 0;
    ports.last.words[0] = this.beat === beatsOf(packet, bytes) - 1 ? 1 : 0;
  }

  sample(cycle: number): void {
    const packet = this.queue[0];
    if (!packet || !this.offered || !one(this.ports.ready)) return;
    if (this.beat === 0) this.times.push(cycle);
    this.offered = false;
    this.beat++;
    if (this.beat === beatsOf(packet, this.ports.bytesPerBeat)) {
      this.queue.shift();
      this.beat = 0;
    }
  }
}

/** Takes packets from an output stream, with stalls unless `rate` is 1, and checks that beats form packets. */
export class PacketSink {
  readonly received: Packet[] = [];
  /** Cycle in which each packet's first beat moved. */
  readonly times: number[] = [];
  /** Beats taken. */
  beats = 0;
  private readonly ports: Ports;
  private readonly random: Random;
  private readonly rate: number;
  private open: { readonly header: PacketHeader; readonly payload: number[] } | undefined;
  private held: string | undefined;

  constructor(sim: Sim, stream: Stream<TlpBeatType>, random: Random, rate = 1) {
    this.ports = new Ports(sim, stream);
    this.random = random;
    this.rate = rate;
  }

  drive(): void {
    this.ports.ready.words[0] = this.random.chance(this.rate) ? 1 : 0;
  }

  sample(cycle: number): void {
    const { ports } = this;
    if (!one(ports.valid)) {
      expect(this.held, 'a beat that was offered is not withdrawn').toBeUndefined();
      return;
    }
    const offered = [...ports.header.flatMap(([, view]) => [...view.words]), ...ports.data.words, ports.last.words[0]].join();
    if (this.held !== undefined) expect(offered, 'a beat that was offered does not change').toBe(this.held);
    this.held = offered;
    if (!one(ports.ready)) return;
    this.held = undefined;
    this.beats++;
    const header = this.header();
    expect(one(ports.first), 'first marks the first beat').toBe(this.open === undefined);
    if (this.open) expect(header).toEqual(this.open.header);
    else this.times.push(cycle);
    this.open ??= { header, payload: [] };
    this.open.payload.push(...new Uint8Array(ports.data.words.slice().buffer));
    if (!one(ports.last)) return;
    const size = (header.fmt & 2) === 0 ? 0 : 4 * (header.length || 1024);
    expect(this.open.payload.length, `beats of ${packetName(header)}`).toBe(
      Math.max(1, Math.ceil((size + 4 * header.td) / ports.bytesPerBeat)) * ports.bytesPerBeat,
    );
    const bytes = Uint8Array.from(this.open.payload);
    const packet = { ...header, payload: bytes.slice(0, size) };
    const digest = header.td === 0 ? {} : { digest: new DataView(bytes.buffer).getUint32(size, true) };
    this.received.push({ ...packet, ...digest });
    this.open = undefined;
  }

  private header(): PacketHeader {
    const entries = this.ports.header.map(([name, { words }]) => {
      const low = words[0] ?? 0;
      return [name, name === 'address' ? (BigInt(words[1] ?? 0) << 32n) | BigInt(low) : low];
    });
    return Object.fromEntries(entries) as PacketHeader;
  }
}

/** Runs stream ends for `cycles` cycles or until `done`. @returns cycles run. */
export function runEnds(
  sim: Pick<TypedSimulation<unknown>, 'settle' | 'step' | 'cycle'>,
  ends: readonly (PacketSource | PacketSink)[],
  cycles: number,
  done: () => boolean = () => false,
): number {
  for (let i = 0; i < cycles; i++) {
    if (done()) return i;
    for (const end of ends) end.drive();
    sim.settle();
    for (const end of ends) end.sample(sim.cycle);
    sim.step();
  }
  return cycles;
}
