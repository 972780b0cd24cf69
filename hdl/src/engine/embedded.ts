import type { Design, Reset } from '../ir/ir.ts';
import type { WaveSignal, WaveWriter } from '../waves/signals.ts';
import { waveFile } from './file-sink.ts';
import { type Gating, type Machine, MOST_CYCLES, wasmMachine } from './machine.ts';
import { nearest } from './nearest.ts';
import { restoreState, saveState } from './saved-state.ts';
import {
  type MemoryView,
  type PortView,
  type SignalView,
  type Simulation,
  SimulationError,
  type SimulationOptions,
} from './simulation.ts';
import { isOwn, settlingPort, singleClock } from './single-clock.ts';

/** Options of the embedded engine. */
export interface EmbeddedOptions extends SimulationOptions {
  /**
   * Whether code that computes only what has changed may run, and time pass at once while nothing can change: `auto` (the default) once the
   * simulation has run for a while, and as long as it pays; `early`, the same from the first cycle; `always`; or `never`. The results are the
   * same.
   */
  readonly gating?: Gating;
}

function checkCycles(cycles: number): void {
  if (!Number.isSafeInteger(cycles) || cycles < 0)
    throw new SimulationError(`A number of cycles is a whole number from 0 up, not ${cycles}.`);
}

/** A design on a machine in this process. */
class MachineSimulation implements Simulation {
  readonly engine: string;
  readonly ports: ReadonlyMap<string, PortView>;
  readonly signals?: ReadonlyMap<string, SignalView> | undefined;
  cycle = 0;
  private readonly machine: Machine;
  /** Asynchronous resets with their ports, and the port that freezes everything else. */
  private readonly resets: readonly { readonly words: Uint32Array; readonly active: number }[];
  private readonly settling: Uint32Array | undefined;

  constructor(engine: string, machine: Machine, asynchronous: readonly Reset[]) {
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
    if (settling && this.resets.some(({ words, active }) => words[0] === active)) {
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

  [Symbol.dispose](): void {}
}

function signalViews({ design, buffer }: Machine): ReadonlyMap<string, SignalView> {
  const views = design.traced.map(({ instance, name: own, width, states, address }) => {
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

/** Runs cycle by cycle and samples all signals before each edge. */
class TracedSimulation extends MachineSimulation {
  private readonly edge: () => void;
  private readonly writer: WaveWriter;
  private open = true;
  /** From the cycle to the time of the waveform, which never goes back. */
  private offset = 0;

  constructor(engine: string, machine: Machine, asynchronous: readonly Reset[], file: string, top: string) {
    super(engine, machine, asynchronous);
    this.edge = () => machine.edge();
    const { design, buffer } = machine;
    const wave = (scope: readonly string[], name: string, width: number, address: number): WaveSignal => {
      return { scope, name, width, words: new Uint32Array(buffer, address, Math.ceil(width / 32)) };
    };
    const reset = design.ports.filter(({ name }) => name === 'rst').map(port => wave([top], port.name, port.width, port.address));
    const signals = design.traced.map(({ instance, name, width, address }) =>
      wave([top, ...instance.path.split('.').filter(part => part !== '')], name, width, address),
    );
    this.writer = waveFile(file, [...reset, ...signals]);
  }

  override step(cycles = 1): void {
    checkCycles(cycles);
    this.settle();
    for (let i = 0; i < cycles; i++) this.clock();
  }

  override run(maxCycles: number): number {
    checkCycles(maxCycles);
    this.settle();
    const attention = this.ports.get('attention');
    const stops = attention?.direction === 'output' && attention.width === 1 ? attention.words : undefined;
    let cycles = 0;
    for (; cycles < maxCycles && stops?.[0] !== 1; cycles++) this.clock();
    return cycles;
  }

  private clock(): void {
    if (this.open) this.writer.sample(this.cycle + this.offset);
    this.edge();
    this.cycle++;
    this.settle();
  }

  override restore(state: Uint8Array): void {
    const time = this.cycle + this.offset;
    super.restore(state);
    this.offset = Math.max(0, time - this.cycle);
  }

  override [Symbol.dispose](): void {
    if (!this.open) return;
    this.open = false;
    this.settle();
    this.writer.close(this.cycle + this.offset);
  }
}

/**
 * Simulates a design in this process: compiles it to WebAssembly at once and needs no tool.
 * @throws SimulationError for a design with a combinational loop, or if the file of `trace` cannot be created.
 */
export function embedded(design: Design, options: EmbeddedOptions = {}): Simulation {
  const { design: single, asynchronous } = singleClock(design, options.clocks);
  const machine = wasmMachine(single, needsSignals(options), options.gating ?? 'auto');
  return simulationOf('embedded', machine, options, asynchronous);
}

/** Whether a design has to be compiled so that all named signals are in memory. */
export function needsSignals({ trace, signals }: SimulationOptions): boolean {
  return trace !== undefined || signals === true;
}

/**
 * A simulation on a machine that was made for these options, of a design that went through `singleClock`, which gave `asynchronous`; it goes by the name
 * `engine`.
 */
export function simulationOf(
  engine: string,
  machine: Machine,
  { trace }: SimulationOptions,
  asynchronous: readonly Reset[],
): Simulation {
  if (trace === undefined) return new MachineSimulation(engine, machine, asynchronous);
  return new TracedSimulation(engine, machine, asynchronous, trace, machine.design.name);
}
