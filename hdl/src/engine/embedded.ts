import type { Design } from '../ir/ir.ts';
import { type CompiledDesign, compile } from './compile.ts';
import { fileSink } from './file-sink.ts';
import type { GatedModule } from './gated.ts';
import { nearest } from './nearest.ts';
import { type MemoryView, type PortView, type Simulation, SimulationError, type SimulationOptions } from './simulation.ts';
import { VcdWriter, type WaveSignal } from './vcd.ts';

/** Most cycles of one call into WebAssembly, whose counter has 32 bits. */
const MOST_CYCLES = 2 ** 30;

/** What the compiled module exports; see `CompiledDesign`. */
interface Machine {
  readonly memory: WebAssembly.Memory;
  settle(): void;
  edge(): void;
  step(cycles: number): void;
  run(maxCycles: number): number;
  advance(cycles: number): number;
  advanceUntil(maxCycles: number): number;
}

/** Options of the embedded engine. */
export interface EmbeddedOptions extends SimulationOptions {
  /**
   * Whether code that computes only what has changed may run, and time pass at once while nothing can change: `auto` (the default) once the
   * simulation has run for a while, and as long as it pays; `early`, the same from the first cycle; `always`; or `never`. The results are the
   * same.
   */
  readonly gating?: 'auto' | 'early' | 'always' | 'never';
}

/** Operations after which gated code is made: what making it costs is then small beside what has been computed. */
const GATING_PAYS = 3e9;

function checkCycles(cycles: number): void {
  if (!Number.isSafeInteger(cycles) || cycles < 0)
    throw new SimulationError(`A number of cycles is a whole number from 0 up, not ${cycles}.`);
}

class EmbeddedSimulation implements Simulation {
  readonly engine = 'embedded';
  readonly ports: ReadonlyMap<string, PortView>;
  cycle = 0;
  private readonly design: CompiledDesign;
  private machine: Machine;
  private gated: GatedModule | undefined;
  /** Cycles after which the gated code is made. */
  private readonly gateAt: number;
  private readonly alwaysGated: boolean;
  private readonly viewed = new Set<number>();

  constructor(design: CompiledDesign, machine: Machine, gating: EmbeddedOptions['gating'] = 'auto') {
    this.design = design;
    this.machine = machine;
    this.gateAt =
      gating === 'never' ? Number.POSITIVE_INFINITY : gating === 'auto' ? Math.ceil(GATING_PAYS / (design.size + 100)) : 0;
    this.alwaysGated = gating === 'always';
    const { buffer } = machine.memory;
    this.ports = new Map(
      design.ports.map(({ name, direction, width, address }) => {
        const words = new Uint32Array(buffer, address, Math.ceil(width / 32));
        return [name, { name, direction, width, words }];
      }),
    );
    machine.settle();
  }

  memory(path: string): MemoryView {
    const found = this.design.memories.get(path);
    if (found === undefined) {
      const near = nearest(path, [...this.design.memories.keys()]);
      throw new SimulationError(
        `The design has no memory '${path}'. ${near.length > 0 ? `Did you mean ${near.join(', ')}?` : 'It has no memories at all.'}`,
      );
    }
    const { width, depth, stride, address, index } = found;
    this.viewed.add(index);
    this.noteViewed(index);
    return { width, depth, stride, bytes: new Uint8Array(this.machine.memory.buffer, address, stride * depth) };
  }

  settle(): void {
    this.machine.settle();
  }

  /** Has the gated code taken over from the plain one, if it is time. */
  private gate(): void {
    if (this.gated !== undefined || this.cycle < this.gateAt) return;
    const { settle, advance, advanceUntil, memory } = this.machine;
    this.gated = this.design.gate();
    const base = { memory, settle, advance, advanceUntil };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(this.gated.bytes), { base });
    const { step, run } = instance.exports as unknown as Pick<Machine, 'step' | 'run'>;
    this.machine = { ...this.machine, step, run };
    if (this.alwaysGated) new Int32Array(memory.buffer, this.gated.always, 1)[0] = 1;
    for (const index of this.viewed) this.noteViewed(index);
  }

  /** Tells the gated code that a memory may be written by others. */
  private noteViewed(memory: number): void {
    if (this.gated === undefined) return;
    const { outside, readers } = this.gated;
    const sets = new Uint32Array(this.machine.memory.buffer, outside);
    for (const chunk of readers.get(memory) ?? []) sets[chunk >> 5] = (sets[chunk >> 5] ?? 0) | (1 << (chunk & 31));
  }

  step(cycles = 1): void {
    checkCycles(cycles);
    this.gate();
    for (let rest = cycles; rest > 0; rest -= MOST_CYCLES) this.machine.step(Math.min(rest, MOST_CYCLES));
    if (cycles === 0) this.machine.settle();
    this.cycle += cycles;
  }

  run(maxCycles: number): number {
    checkCycles(maxCycles);
    this.gate();
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

  [Symbol.dispose](): void {}
}

/** Runs cycle by cycle and samples all signals before each edge. */
class TracedSimulation extends EmbeddedSimulation {
  private readonly edge: () => void;
  private readonly writer: VcdWriter;
  private open = true;

  constructor(design: CompiledDesign, machine: Machine, file: string, top: string) {
    super(design, machine, 'never');
    this.edge = () => machine.edge();
    const { buffer } = machine.memory;
    const wave = (scope: readonly string[], name: string, width: number, address: number): WaveSignal => {
      return { scope, name, width, words: new Uint32Array(buffer, address, Math.ceil(width / 32)) };
    };
    const reset = design.ports.filter(({ name }) => name === 'rst').map(port => wave([top], port.name, port.width, port.address));
    const signals = design.traced.map(({ instance, name, width, address }) =>
      wave([top, ...instance.path.split('.').filter(part => part !== '')], name, width, address),
    );
    this.writer = new VcdWriter(fileSink(file), [...reset, ...signals]);
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
    if (this.open) this.writer.sample(this.cycle);
    this.edge();
    this.cycle++;
    this.settle();
  }

  override [Symbol.dispose](): void {
    if (!this.open) return;
    this.open = false;
    this.settle();
    this.writer.close(this.cycle);
  }
}

/**
 * Simulates a design in this process: compiles it to WebAssembly at once and needs no tool.
 * @throws SimulationError for a design with a combinational loop, or if the file of `trace` cannot be created.
 */
export function embedded(design: Design, options: EmbeddedOptions = {}): Simulation {
  const compiled = compile(design, options.trace !== undefined);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(compiled.bytes));
  const machine = instance.exports as unknown as Machine;
  if (options.trace === undefined) return new EmbeddedSimulation(compiled, machine, options.gating);
  return new TracedSimulation(compiled, machine, options.trace, design.top.name);
}
