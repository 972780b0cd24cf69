import type { Design } from '../ir/ir.ts';
import type { WaveSignal, WaveWriter } from '../waves/signals.ts';
import type { Coverage } from './coverage.ts';
import { CoverageCounts } from './coverage-counts.ts';
import { CoverageSampler } from './coverage-sampler.ts';
import { waveFile } from './file-sink.ts';
import type { PlacedDesign, TracedSignal } from './lowered-design.ts';
import { type Gating, type Machine, MOST_CYCLES, type Observer, wasmMachine } from './machine.ts';
import { nearest } from './nearest.ts';
import { type PreparedDesign, prepared } from './prepared.ts';
import { restoreState, saveState } from './saved-state.ts';
import {
  type MemoryView,
  type PortView,
  type SignalView,
  type Simulation,
  SimulationError,
  type SimulationOptions,
} from './simulation.ts';
import { isOwn, settlingPort } from './single-clock.ts';

/** Options of the embedded engine. */
export interface EmbeddedOptions extends SimulationOptions {
  /**
   * Whether code that computes only what has changed may run, and time pass at once while nothing can change: `auto` (the default) once the
   * simulation has run for a while, and as long as it pays; `early`, the same from the first cycle; `always`; or `never`. The results are the
   * same.
   */
  readonly gating?: Gating;
}

/** A simulation that knows what it has exercised. */
export interface CoveredSimulation extends Simulation {
  /** What has been exercised so far, as it was before each clock edge. @throws SimulationError if it was made without `coverage`. */
  coverage(): Coverage;
}

function checkCycles(cycles: number): void {
  if (!Number.isSafeInteger(cycles) || cycles < 0)
    throw new SimulationError(`A number of cycles is a whole number from 0 up, not ${cycles}.`);
}

/** Resets that act without an edge; see `SingleClock`. */
type Resets = Pick<PreparedDesign, 'asynchronous' | 'asynchronousInside'>;

/** A design on a machine in this process. */
export class MachineSimulation implements CoveredSimulation {
  readonly engine: string;
  readonly ports: ReadonlyMap<string, PortView>;
  readonly signals?: ReadonlyMap<string, SignalView> | undefined;
  cycle = 0;
  private readonly machine: Machine;
  /** Asynchronous resets with their ports, and the port that freezes everything else. */
  private readonly resets: readonly { readonly words: Uint32Array; readonly active: number }[];
  private readonly settling: Uint32Array | undefined;
  private readonly settlesAlways: boolean;

  constructor(engine: string, machine: Machine, { asynchronous, asynchronousInside }: Resets) {
    this.engine = engine;
    this.machine = machine;
    const { design, buffer } = machine;
    this.ports = new Map(
      design.ports
        .filter(({ name }) => isOwn(name))
        .map(({ name, direction, width, address }) => {
          const words = new Uint32Array(buffer, address, Math.ceil(width / 32));
          return [name, { name, direction, width, words }];
        }),
    );
    if (design.traced.length > 0) this.signals = signalViews(machine);
    this.settlesAlways = asynchronousInside;
    this.resets = asynchronous.flatMap(({ name, active }) => {
      const words = this.ports.get(name)?.words;
      return words ? [{ words, active: active === 'high' ? 1 : 0 }] : [];
    });
    const settling = design.ports.find(({ name }) => name === settlingPort);
    this.settling = settling && new Uint32Array(buffer, settling.address, 1);
    for (const { address, stride, width, init } of design.memories.values())
      fill(new Uint8Array(buffer, address), stride, width, init);
    this.settle();
  }

  memory(path: string): MemoryView {
    const { design, buffer } = this.machine;
    const found = design.memories.get(path);
    if (found === undefined) {
      const near = nearest(path, [...design.memories.keys()]);
      throw new SimulationError(
        `The design has no memory '${path}'. ${near.length > 0 ? `Did you mean ${near.join(', ')}?` : 'It has no memories at all.'}`,
      );
    }
    const { width, depth, stride, address, index } = found;
    this.machine.share(index);
    return { width, depth, stride, bytes: new Uint8Array(buffer, address, stride * depth) };
  }

  settle(): void {
    const { settling } = this;
    if (settling && (this.settlesAlways || this.resets.some(({ words, active }) => words[0] === active))) {
      settling[0] = 1;
      this.machine.edge();
      settling[0] = 0;
    }
    this.machine.settle();
  }

  step(cycles = 1): void {
    checkCycles(cycles);
    for (let rest = cycles; rest > 0; rest -= MOST_CYCLES) this.machine.step(Math.min(rest, MOST_CYCLES));
    if (cycles === 0) this.settle();
    this.cycle += cycles;
  }

  run(maxCycles: number): number {
    checkCycles(maxCycles);
    let total = 0;
    for (;;) {
      const asked = Math.min(maxCycles - total, MOST_CYCLES);
      const ran = this.machine.run(asked);
      total += ran;
      if (ran < asked || total === maxCycles) break;
    }
    this.cycle += total;
    return total;
  }

  save(): Uint8Array {
    const { design, buffer } = this.machine;
    return saveState(design, buffer, this.cycle);
  }

  restore(state: Uint8Array): void {
    const { design, buffer } = this.machine;
    this.cycle = restoreState(design, buffer, state);
    this.machine.changed();
    this.settle();
  }

  coverage(): Coverage {
    throw new SimulationError('The simulation was made without coverage: make it with { coverage: true }.');
  }

  [Symbol.dispose](): void {}
}

/** The signals that have a name of the user's. */
function ownSignals({ traced }: PlacedDesign): readonly TracedSignal[] {
  return traced.filter(({ name }) => isOwn(name));
}

function signalViews({ design, buffer }: Machine): ReadonlyMap<string, SignalView> {
  const views = ownSignals(design).map(({ instance, name: own, width, states, address }) => {
    const name = instance.path === '' ? own : `${instance.path}.${own}`;
    return [name, { name, width, states, words: new Uint32Array(buffer, address, Math.ceil(width / 32)) }] as const;
  });
  return new Map(views);
}

/** Puts words at the beginning of a memory. */
function fill(bytes: Uint8Array, stride: number, width: number, words: readonly bigint[] = []): void {
  words.forEach((word, i) => {
    for (let byte = 0, rest = word; byte < Math.ceil(width / 8); byte++, rest >>= 8n)
      bytes[stride * i + byte] = Number(rest & 0xffn);
  });
}

/** Runs cycle by cycle and looks at all signals before each edge: for a waveform, for coverage, or both. */
class ObservedSimulation extends MachineSimulation {
  private readonly edge: () => void;
  private readonly writer: WaveWriter | undefined;
  private readonly sampler: CoverageSampler | undefined;
  /** Set where the machine counts by itself. */
  private readonly counts: CoverageCounts | undefined;
  private readonly observer: Observer | undefined;
  private open = true;
  /** From the cycle to the time of the waveform, which never goes back. */
  private offset = 0;

  constructor(engine: string, machine: Machine, ready: PreparedDesign, file: string | undefined) {
    super(engine, machine, ready);
    const { points } = ready;
    this.edge = () => machine.edge();
    const { design, buffer } = machine;
    this.observer = points && machine.observer;
    this.counts = points && this.observer && new CoverageCounts(design, buffer, points, this.observer.places);
    this.sampler = points && !this.counts ? new CoverageSampler(design, buffer, points) : undefined;
    this.writer = file === undefined ? undefined : waveFile(file, this.waves(machine));
  }

  private waves({ design, buffer }: Machine): WaveSignal[] {
    const top = design.name;
    const wave = (scope: readonly string[], name: string, width: number, address: number): WaveSignal => {
      return { scope, name, width, words: new Uint32Array(buffer, address, Math.ceil(width / 32)) };
    };
    const reset = design.ports.filter(({ name }) => name === 'rst').map(port => wave([top], port.name, port.width, port.address));
    const signals = ownSignals(design).map(({ instance, name, width, address }) =>
      wave([top, ...instance.path.split('.').filter(part => part !== '')], name, width, address),
    );
    return [...reset, ...signals];
  }

  override step(cycles = 1): void {
    checkCycles(cycles);
    if (this.observer && !this.writer) {
      this.observe(this.observer.observe, cycles);
      return;
    }
    this.settle();
    for (let i = 0; i < cycles; i++) this.clock();
  }

  /** Has the machine run and look. @returns the cycles. */
  private observe(run: (cycles: number) => number, cycles: number): number {
    if (this.counts?.isFresh) this.settle();
    const counted = (asked: number) => this.counts?.during(() => run(asked)) ?? 0;
    let total = 0;
    while (total < cycles) {
      const asked = Math.min(cycles - total, MOST_CYCLES);
      const ran = counted(asked);
      total += ran;
      if (ran < asked) break;
    }
    this.cycle += total;
    this.settle();
    return total;
  }

  override run(maxCycles: number): number {
    checkCycles(maxCycles);
    if (this.observer && !this.writer) return this.observe(this.observer.observeUntil, maxCycles);
    this.settle();
    const attention = this.ports.get('attention');
    const stops = attention?.direction === 'output' && attention.width === 1 ? attention.words : undefined;
    let cycles = 0;
    for (; cycles < maxCycles && stops?.[0] !== 1; cycles++) this.clock();
    return cycles;
  }

  private clock(): void {
    if (this.open) this.writer?.sample(this.cycle + this.offset);
    if (this.observer) {
      this.observe(this.observer.observe, 1);
      return;
    }
    this.sampler?.sample();
    this.edge();
    this.cycle++;
    this.settle();
  }

  override restore(state: Uint8Array): void {
    const time = this.cycle + this.offset;
    super.restore(state);
    this.offset = Math.max(0, time - this.cycle);
    this.sampler?.jump();
    this.counts?.jump();
  }

  override coverage(): Coverage {
    return this.counts?.result() ?? this.sampler?.result() ?? super.coverage();
  }

  override [Symbol.dispose](): void {
    if (!this.open) return;
    this.open = false;
    this.settle();
    this.writer?.close(this.cycle + this.offset);
  }
}

/**
 * Simulates a design in this process: compiles it to WebAssembly at once and needs no tool.
 * @throws SimulationError for a design with a combinational loop, or if the file of `trace` cannot be created.
 */
export function embedded(design: Design, options: EmbeddedOptions = {}): CoveredSimulation {
  const ready = prepared(design, options);
  const machine = wasmMachine(ready.design, ready.signals, options.gating ?? 'auto', ready.points !== undefined);
  return simulationOf('embedded', machine, options, ready);
}

/** A simulation on a machine that was made for a prepared design and for these options; it goes by the name `engine`. */
export function simulationOf(
  engine: string,
  machine: Machine,
  { trace }: SimulationOptions,
  ready: PreparedDesign,
): CoveredSimulation {
  if (trace === undefined && ready.points === undefined) return new MachineSimulation(engine, machine, ready);
  return new ObservedSimulation(engine, machine, ready, trace);
}
