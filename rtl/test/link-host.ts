/** What the tests of an endpoint share: the host at the other end of its link. */
import { expect } from 'vitest';
import type { TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { Stream } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import {
  completion,
  completionOf,
  configRead,
  configWrite,
  dwCount,
  memoryRead,
  memoryWrite,
  type Packet,
  packetName,
} from '../src/tlp/packet.ts';
import type { TlpBeatType } from '../src/tlp/tlp.ts';
import { PacketSink, PacketSource } from './tlp-model.ts';

/** Credits of the host's end. */
export const hostCredits = {
  posted: { headers: 16, data: 64 },
  non_posted: { headers: 8, data: 8 },
  completion: { headers: 16, data: 64 },
} as const;
export const hostId = 0x0008;
/** The endpoint's bus. */
export const bus = 5;

type Beats = Stream<TlpBeatType>;
/** Ports of the module under test: TLPs that the host sends, and that it receives. */
export interface HostPorts {
  readonly posted: Beats;
  readonly non_posted: Beats;
  readonly completion: Beats;
  readonly received_posted: Beats;
  readonly received_non_posted: Beats;
  readonly received_completion: Beats;
}

/** How a request was answered. */
export interface Answer {
  readonly status: number;
  readonly data: Uint8Array;
  /** Completer ID. */
  readonly from: number;
}

/** Sends requests, completes what the endpoint reads from host memory, and takes what it writes there. */
export class LinkHost<M extends HostPorts> implements Disposable {
  readonly sim: TypedSimulation<M>;
  readonly random: Random;
  /** Bytes that were written by the endpoint, or by the test. */
  readonly memory = new Map<bigint, number>();
  /** Memory writes and messages of the endpoint. */
  readonly written: Packet[] = [];
  /** Non-posted requests of the endpoint. */
  readonly asked: Packet[] = [];
  /** What the host answers to a request, if not as usual: undefined is as usual. */
  misbehave: ((request: Packet) => readonly Packet[] | undefined) | undefined;
  readonly out: { readonly [kind in 'posted' | 'non_posted' | 'completion']: PacketSource };
  readonly in: { readonly [kind in 'posted' | 'non_posted' | 'completion']: PacketSink };
  private tag = 0;

  constructor(sim: TypedSimulation<M>, seed: number, rate = 1) {
    this.sim = sim;
    this.random = new Random(seed);
    const { dut } = sim;
    const source = (s: Beats) => new PacketSource(sim, s, this.random, rate);
    const sink = (s: Beats) => new PacketSink(sim, s, this.random, rate);
    this.out = { posted: source(dut.posted), non_posted: source(dut.non_posted), completion: source(dut.completion) };
    this.in = {
      posted: sink(dut.received_posted),
      non_posted: sink(dut.received_non_posted),
      completion: sink(dut.received_completion),
    };
  }

  /** Drives further ports before a cycle, and looks at them in it. */
  protected drive(): void {}
  protected sample(): void {}

  step(): void {
    const { sim } = this;
    const ends = [...Object.values(this.out), ...Object.values(this.in)];
    for (const end of ends) end.drive();
    this.drive();
    sim.settle();
    for (const end of ends) end.sample(sim.cycle);
    this.sample();
    sim.step();
    for (const packet of this.in.posted.received.splice(0)) this.take(packet);
    for (const packet of this.in.non_posted.received.splice(0)) {
      this.asked.push(packet);
      this.out.completion.queue.push(...(this.misbehave?.(packet) ?? this.answersOf(packet)));
    }
  }

  steps(cycles: number): void {
    for (let i = 0; i < cycles; i++) this.step();
  }

  /** Runs until `done`. @throws if that takes too long. */
  until(done: () => boolean, limit = 20_000): void {
    for (let i = 0; !done(); i++) {
      if (i === limit) throw new Error(`not done after ${limit} cycles (seed ${this.random.seed})`);
      this.step();
    }
  }

  write(address: bigint, data: Uint8Array, from = hostId): void {
    this.out.posted.queue.push(memoryWrite({ requester_id: from, tag: 0, address, data }));
  }

  /** Sends a request and waits for all its completions. */
  ask(make: (from: { requester_id: number; tag: number }) => Packet): Answer {
    this.tag = (this.tag + 1) % 32;
    const { tag } = this;
    // What is asked comes after what was written.
    this.until(() => this.out.posted.queue.length === 0);
    this.out.non_posted.queue.push(make({ requester_id: hostId, tag }));
    const data: number[] = [];
    for (;;) {
      this.until(() => this.in.completion.received.length > 0);
      const packet = this.in.completion.received.shift();
      if (!packet) throw new Error('no completion');
      expect([packet.tag, packet.requester_id], packetName(packet)).toEqual([tag, hostId]);
      const { status, byte_count, completer_id, lower_address } = completionOf(packet);
      const offset = lower_address & 3;
      const here = Math.min(byte_count, packet.payload.length - offset);
      data.push(...packet.payload.slice(offset, offset + here));
      if (status !== 0 || here === byte_count || packet.payload.length === 0)
        return { status, data: Uint8Array.from(data), from: completer_id };
    }
  }

  read(address: bigint, bytes: number): Answer {
    return this.ask(from => memoryRead({ ...from, address, bytes }));
  }
  /** A DW of registers. @throws if it is not given. */
  readDword(address: bigint): number {
    const { status, data } = this.read(address, 4);
    expect([status, data.length]).toEqual([0, 4]);
    return new DataView(data.buffer).getUint32(0, true);
  }
  writeDword(address: bigint, value: number, from = hostId): void {
    const data = new Uint8Array(4);
    new DataView(data.buffer).setUint32(0, value, true);
    this.write(address, data, from);
  }

  configure(of: number, offset: number, data: number, mask = 0b1111): void {
    const target = { kind: 0 as const, bus, device: 0, function: of, register: offset / 4 };
    expect(this.ask(from => configWrite({ ...from, ...target, data, mask })).status).toBe(0);
  }
  config(of: number, offset: number): { readonly status: number; readonly value: number } {
    const target = { kind: 0 as const, bus, device: 0, function: of, register: offset / 4 };
    const { status, data } = this.ask(from => configRead({ ...from, ...target }));
    return { status, value: data.length === 4 ? new DataView(data.buffer).getUint32(0, true) : -1 };
  }

  private take(packet: Packet): void {
    this.written.push(packet);
    const count = dwCount(packet);
    packet.payload.forEach((byte, i) => {
      const enables = i < 4 ? packet.first_be : i >> 2 === count - 1 ? packet.last_be : 0xf;
      if ((enables >> (i & 3)) & 1) this.memory.set(packet.address + BigInt(i), byte);
    });
  }

  /** One completion per 64 bytes; host memory is what was written, and elsewhere a pattern. */
  answersOf(packet: Packet): Packet[] {
    const lead = [0, 1, 2, 3].find(i => (packet.first_be >> i) & 1) ?? 0;
    const count = dwCount(packet);
    const enables = count === 1 ? packet.first_be : packet.last_be;
    const end = 4 * (count - 1) + 4 - ([0, 1, 2, 3].find(i => (enables >> (3 - i)) & 1) ?? 0);
    const answers: Packet[] = [];
    if (count === 1 && packet.first_be === 0) {
      const fields = { completer_id: hostId, byte_count: 1, lower_address: Number(packet.address & 0x7cn) };
      return [completion(packet, fields, new Uint8Array(4))];
    }
    for (let at = lead; at < end; ) {
      const address = packet.address + BigInt(at);
      const stop = Math.min(end, at + 64 - Number(address & 63n));
      const first = at & ~3;
      const payload = Uint8Array.from({ length: ((stop + 3) & ~3) - first }, (_, i) =>
        this.byte(packet.address + BigInt(first + i)),
      );
      const fields = { completer_id: hostId, byte_count: end - at, lower_address: Number(address & 0x7fn) };
      answers.push(completion(packet, fields, payload));
      at = stop;
    }
    return answers;
  }

  byte(address: bigint): number {
    return this.memory.get(address) ?? Number((address * 37n + (address >> 9n)) & 0xffn);
  }
  bytes(address: bigint, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => this.byte(address + BigInt(i)));
  }
  [Symbol.dispose](): void {
    this.sim[Symbol.dispose]();
  }
}
