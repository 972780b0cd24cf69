/** What the tests of the DMA engines share: streams of jobs and results, the controls of functions, and a memory that both sides see. */
import { expect } from 'vitest';
import type { TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { PortView } from '../../hdl/src/engine/simulation.ts';
import type { HType, Readable, Sig, Stream } from '../../hdl/src/index.ts';
import type { Random } from '../../hdl/test/random.ts';
import { type End, numberOf, one, setNumber } from './dma-model.ts';

type Sim = Pick<TypedSimulation<unknown>, 'port'>;
export type Values = { readonly [name: string]: number | bigint };

/** The ports of a flat bundle's fields. */
function portsOf(sim: Sim, payload: unknown, names: readonly string[]): readonly (readonly [string, PortView])[] {
  const fields = payload as { readonly [name: string]: Readable };
  return names.map(name => [name, sim.port(fields[name] as Readable)]);
}

/** Offers bundles to an input stream, with pauses unless `rate` is 1. */
export class BundleSource implements End {
  readonly queue: Values[] = [];
  /** Cycle in which each one moved. */
  readonly times: number[] = [];
  rate: number;
  private readonly valid: PortView;
  private readonly ready: PortView;
  private readonly fields: readonly (readonly [string, PortView])[];
  private readonly random: Random;
  private offered = false;

  constructor(sim: Sim, stream: Stream<HType>, names: readonly string[], random: Random, rate = 1) {
    this.valid = sim.port(stream.valid);
    this.ready = sim.port(stream.ready);
    this.fields = portsOf(sim, stream.payload, names);
    this.random = random;
    this.rate = rate;
  }

  drive(): void {
    const next = this.queue[0];
    this.offered ||= next !== undefined && this.random.chance(this.rate);
    this.valid.words[0] = this.offered ? 1 : 0;
    if (next && this.offered) for (const [name, view] of this.fields) setNumber(view, next[name] ?? 0);
  }

  sample(cycle: number): void {
    if (!this.offered || !one(this.ready)) return;
    this.offered = false;
    this.times.push(cycle);
    this.queue.shift();
  }
}

/** Takes bundles from an output stream, with stalls unless `rate` is 1; what was offered must stay. */
export class BundleSink implements End {
  readonly received: { readonly [name: string]: bigint }[] = [];
  readonly times: number[] = [];
  rate: number;
  private readonly valid: PortView;
  private readonly ready: PortView;
  private readonly fields: readonly (readonly [string, PortView])[];
  private readonly random: Random;
  private held: string | undefined;

  constructor(sim: Sim, stream: Stream<HType>, names: readonly string[], random: Random, rate = 1) {
    this.valid = sim.port(stream.valid);
    this.ready = sim.port(stream.ready);
    this.fields = portsOf(sim, stream.payload, names);
    this.random = random;
    this.rate = rate;
  }

  drive(): void {
    this.ready.words[0] = this.random.chance(this.rate) ? 1 : 0;
  }

  sample(cycle: number): void {
    if (!one(this.valid)) {
      expect(this.held, 'what was offered is not withdrawn').toBeUndefined();
      return;
    }
    const entries = this.fields.map(([name, view]) => [name, numberOf(view)] as const);
    const offered = entries.join();
    if (this.held !== undefined) expect(offered, 'what was offered does not change').toBe(this.held);
    this.held = one(this.ready) ? undefined : offered;
    if (!one(this.ready)) return;
    this.received.push(Object.fromEntries(entries));
    this.times.push(cycle);
  }
}

/** How the requests of a job are to be sent, and its name. */
const wishes = ['function', 'relaxed_ordering', 'no_snoop', 'at', 'id'] as const;
export const jobFields = ['address', 'offset', 'length', 'memory', ...wishes] as const;
export const atomicFields = ['kind', 'size', 'address', 'operand', 'compare', ...wishes] as const;
export const resultFields = ['id', 'function', 'outcome'] as const;

/** `value` as `bytes` bytes, the least significant first. */
export const little = (value: bigint, bytes: number) =>
  Uint8Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

/** A DMA job as numbers. */
export interface Job {
  readonly address: bigint;
  readonly offset: number;
  readonly length: number;
  readonly memory: 0 | 1;
  readonly function: number;
  readonly relaxed_ordering: 0 | 1;
  readonly no_snoop: 0 | 1;
  readonly at: number;
  readonly id: number;
}

/** Sets fields of one function's controls. */
export function setControls(sim: Sim, controls: readonly Sig<HType>[], index: number, values: Values): void {
  const fields = controls[index] as unknown as { readonly [name: string]: Readable };
  for (const [name, value] of Object.entries(values)) setNumber(sim.port(fields[name] as Readable), value);
}

/** The byte of the remote memory at an address: a mixture of its bits. */
export const byteAt = (address: bigint): number => Number(((address * 0x9e37_79b1n) >> 13n) ^ (address >> 7n)) & 0xff;
export const bytesAt = (address: bigint, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => byteAt(address + BigInt(i)));

/** Runs all ends for `limit` cycles or until `done`. @throws Error if it does not come about. */
export function runUntil(
  sim: Pick<TypedSimulation<unknown>, 'settle' | 'step' | 'cycle'>,
  ends: readonly End[],
  done: (() => boolean) | undefined,
  limit = 60_000,
  everyCycle?: (cycle: number) => void,
): void {
  for (let i = 0; i < limit; i++) {
    if (done?.()) return;
    everyCycle?.(sim.cycle);
    for (const end of ends) end.drive();
    sim.settle();
    for (const end of ends) end.sample(sim.cycle);
    sim.step();
  }
  if (done) throw new Error(`not done in ${limit} cycles`);
}
