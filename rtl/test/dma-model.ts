/** What the tests of the DMA engines share: word streams, BAR memory ports and commands, driven and sampled cycle by cycle. */
import { expect } from 'vitest';
import type { TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { PortView } from '../../hdl/src/engine/simulation.ts';
import type { Readable, Sig, Stream, UInt, UIntType } from '../../hdl/src/index.ts';
import type { Random } from '../../hdl/test/random.ts';
import type { MemoryWriteType } from '../src/endpoint/interfaces.ts';

type Sim = Pick<TypedSimulation<unknown>, 'port'>;
type WordStream = Stream<UIntType<number>>;

export const one = (view: PortView): boolean => view.words[0] === 1;

/** Sets a port to a number. */
export function setNumber(view: PortView, value: number | bigint): void {
  let rest = BigInt(value);
  for (let i = 0; i < view.words.length; i++, rest >>= 32n) view.words[i] = Number(rest & 0xffff_ffffn);
}

/** The value of a port. */
export const numberOf = (view: PortView): bigint => view.words.reduceRight((high, word) => (high << 32n) | BigInt(word), 0n);

/** Sets the fields of a bundle that is an input of the top module; those not named stay as they are. */
export function setFields(sim: Sim, bundle: object, values: { readonly [name: string]: number | bigint }): void {
  for (const [name, value] of Object.entries(values)) {
    setNumber(sim.port((bundle as { readonly [name: string]: Readable })[name] as Readable), value);
  }
}

const setBytes = (view: PortView, bytes: Uint8Array): void => {
  const whole = new Uint8Array(view.words.length * 4);
  whole.set(bytes);
  view.words.set(new Uint32Array(whole.buffer));
};
const bytesOf = (view: PortView): Uint8Array => new Uint8Array(view.words.slice().buffer, 0, Math.ceil(view.width / 8));

/** `bytes` as words of `width` bits, the last one filled up with 0. */
export function wordsOf(bytes: Uint8Array, width: number): Uint8Array[] {
  const size = width / 8;
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => {
    const word = new Uint8Array(size);
    word.set(bytes.subarray(i * size, (i + 1) * size));
    return word;
  });
}

/** Feeds an input stream of words, with pauses unless `rate` is 1. */
export class WordSource {
  readonly queue: Uint8Array[] = [];
  /** Words that were taken. */
  taken = 0;
  private readonly valid: PortView;
  private readonly ready: PortView;
  private readonly data: PortView;
  private readonly random: Random;
  private readonly rate: number;
  private offered = false;

  constructor(sim: Sim, stream: WordStream, random: Random, rate = 1) {
    this.valid = sim.port(stream.valid);
    this.ready = sim.port(stream.ready);
    this.data = sim.port(stream.payload);
    this.random = random;
    this.rate = rate;
  }

  drive(): void {
    const word = this.queue[0];
    this.offered ||= word !== undefined && this.random.chance(this.rate);
    this.valid.words[0] = this.offered ? 1 : 0;
    if (word && this.offered) setBytes(this.data, word);
  }

  sample(): void {
    if (!this.offered || !one(this.ready)) return;
    this.offered = false;
    this.taken++;
    this.queue.shift();
  }
}

/** Takes words from an output stream, with stalls unless `rate` is 1. */
export class WordSink {
  readonly received: Uint8Array[] = [];
  /** Cycle in which each word moved. */
  readonly times: number[] = [];
  private readonly valid: PortView;
  private readonly ready: PortView;
  private readonly data: PortView;
  private readonly random: Random;
  private readonly rate: number;
  private held: string | undefined;

  constructor(sim: Sim, stream: WordStream, random: Random, rate = 1) {
    this.valid = sim.port(stream.valid);
    this.ready = sim.port(stream.ready);
    this.data = sim.port(stream.payload);
    this.random = random;
    this.rate = rate;
  }

  drive(): void {
    this.ready.words[0] = this.random.chance(this.rate) ? 1 : 0;
  }

  sample(cycle: number): void {
    if (!one(this.valid)) {
      expect(this.held, 'a word that was offered is not withdrawn').toBeUndefined();
      return;
    }
    const word = bytesOf(this.data);
    if (this.held !== undefined) expect(word.join(), 'a word that was offered does not change').toBe(this.held);
    this.held = one(this.ready) ? undefined : word.join();
    if (!one(this.ready)) return;
    this.received.push(word);
    this.times.push(cycle);
  }
}

/** A BAR memory behind a read port: answers in order, at the earliest after `latency` cycles, with up to 8 requests under way. */
export class MemoryReader {
  readonly bytes: Uint8Array;
  private readonly request: { readonly valid: PortView; readonly ready: PortView; readonly address: PortView };
  private readonly answers: WordSource;
  private readonly underWay: { readonly due: number; readonly word: Uint8Array }[] = [];
  private readonly random: Random;
  private readonly rate: number;
  private readonly latency: number;
  private readonly size: number;
  private cycle = 0;

  constructor(
    sim: Sim,
    ports: { readonly request: WordStream; readonly data: WordStream },
    options: { readonly bytes: Uint8Array; readonly random: Random; readonly rate?: number; readonly latency?: number },
  ) {
    const { request, data } = ports;
    this.request = { valid: sim.port(request.valid), ready: sim.port(request.ready), address: sim.port(request.payload) };
    this.size = sim.port(data.payload).width / 8;
    this.bytes = options.bytes;
    this.random = options.random;
    this.rate = options.rate ?? 1;
    this.latency = options.latency ?? 2;
    this.answers = new WordSource(sim, data, this.random, this.rate);
  }

  drive(): void {
    const free = this.underWay.length + this.answers.queue.length < 8;
    this.request.ready.words[0] = free && this.random.chance(this.rate) ? 1 : 0;
    for (let next = this.underWay[0]; next && next.due <= this.cycle; next = this.underWay[0]) {
      this.answers.queue.push(next.word);
      this.underWay.shift();
    }
    this.answers.drive();
  }

  sample(): void {
    this.answers.sample();
    const { valid, ready, address } = this.request;
    if (one(valid) && one(ready)) {
      const at = (address.words[0] ?? 0) * this.size;
      this.underWay.push({ due: this.cycle + this.latency, word: this.bytes.slice(at, at + this.size) });
    }
    this.cycle++;
  }

  /** Requests that were not answered yet. */
  get waiting(): number {
    return this.underWay.length + this.answers.queue.length;
  }
}

/** A BAR memory behind a write port. */
export class MemoryWriter {
  readonly bytes: Uint8Array;
  /** Cycle in which each word moved. */
  readonly times: number[] = [];
  private readonly valid: PortView;
  private readonly ready: PortView;
  private readonly address: PortView;
  private readonly data: PortView;
  private readonly mask: PortView;
  private readonly random: Random;
  private readonly rate: number;

  constructor(sim: Sim, stream: Stream<MemoryWriteType>, bytes: Uint8Array, random: Random, rate = 1) {
    this.valid = sim.port(stream.valid);
    this.ready = sim.port(stream.ready);
    const payload: Sig<MemoryWriteType> = stream.payload;
    this.address = sim.port(payload.address);
    this.data = sim.port(payload.data);
    this.mask = sim.port(payload.mask);
    this.bytes = bytes;
    this.random = random;
    this.rate = rate;
  }

  drive(): void {
    this.ready.words[0] = this.random.chance(this.rate) ? 1 : 0;
  }

  sample(cycle: number): void {
    if (!one(this.valid) || !one(this.ready)) return;
    const data = bytesOf(this.data);
    const mask = numberOf(this.mask);
    const base = (this.address.words[0] ?? 0) * data.length;
    data.forEach((byte, i) => {
      if ((mask >> BigInt(i)) & 1n) this.bytes[base + i] = byte;
    });
    this.times.push(cycle);
  }
}

/** What a test drives and samples in every cycle. */
export interface End {
  drive(): void;
  sample(cycle: number): void;
}

/** Starts an engine and runs until its done pulse. @returns the cycle of the pulse. @throws Error if it does not come in `limit` cycles. */
export function runEngine(
  sim: TypedSimulation<unknown>,
  engine: {
    readonly command: object & { readonly start: UInt<1> };
    readonly status: { readonly busy: UInt<1>; readonly done: UInt<1> };
  },
  command: { readonly [name: string]: number | bigint },
  ends: readonly End[],
  options: { readonly limit?: number; readonly everyCycle?: (cycle: number) => void } = {},
): number {
  setFields(sim, engine.command, { ...command, start: 1 });
  const start = sim.port(engine.command.start);
  const done = sim.port(engine.status.done);
  const limit = options.limit ?? 20_000;
  for (let i = 0; i < limit; i++) {
    options.everyCycle?.(i);
    for (const end of ends) end.drive();
    sim.settle();
    const cycle = sim.cycle;
    const over = one(done);
    for (const end of ends) end.sample(cycle);
    sim.step();
    start.words[0] = 0;
    if (over) return cycle;
  }
  throw new Error(`no done pulse in ${limit} cycles`);
}
