import type { Design } from '../ir/ir.ts';
import { type CompiledDesign, compile } from './compile.ts';
import type { CoveragePlaces } from './coverage-kernel.ts';
import type { GatedModule } from './gated.ts';
import { noteShared, Policy } from './gating-places.ts';
import type { PlacedDesign } from './lowered-design.ts';

/** Most cycles of one call into a machine, whose counters have 32 bits. */
export const MOST_CYCLES = 2 ** 30;

/** Code that runs a design, and the memory that it works on. */
export interface Machine {
  readonly design: PlacedDesign;
  readonly buffer: ArrayBuffer;
  /** Computes the outputs. */
  settle(): void;
  /** One cycle, without settling. */
  edge(): void;
  /** Runs so many cycles, at most `MOST_CYCLES`, and settles. */
  step(cycles: number): void;
  /** As `step`, but `attention` stops it. @returns the cycles. */
  run(maxCycles: number): number;
  /** Has to be told of each memory, by its number, that others than the machine may write from now on. */
  share(memory: number): void;
  /** Has to be told when registers were changed by others than the machine. */
  changed(): void;
  /** Of a machine that was made for coverage and can count by itself. */
  readonly observer?: Observer | undefined;
}

/** `step` and `run` of a machine that looks at all signals before each edge, without settling. */
export interface Observer {
  readonly places: CoveragePlaces;
  /** @returns the cycles. */
  observe(cycles: number): number;
  observeUntil(maxCycles: number): number;
}

/** When code that computes only what has changed may run; see `EmbeddedOptions`. */
export type Gating = 'auto' | 'early' | 'always' | 'never';

/** Operations after which gated code is made: what making it costs is then small beside what has been computed. */
const GATING_PAYS = 2e9;

/** What the compiled module exports; see `CompiledDesign`. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  settle(): void;
  edge(): void;
  step(cycles: number): void;
  run(maxCycles: number): number;
  advance(cycles: number): number;
  advanceUntil(maxCycles: number): number;
  observe?(cycles: number): number;
  observeUntil?(maxCycles: number): number;
}

/** A design as WebAssembly in this process. */
export class WasmMachine implements Machine {
  readonly design: CompiledDesign;
  readonly buffer: ArrayBuffer;
  private readonly plain: Exports;
  private code: Pick<Exports, 'step' | 'run'>;
  private gated: GatedModule | undefined;
  /** Cycles until the gated code is made. */
  private untilGated: number;
  private readonly alwaysGated: boolean;
  private readonly shared = new Set<number>();
  readonly observer: Observer | undefined;

  constructor(design: CompiledDesign, gating: Gating) {
    this.design = design;
    const instance = new WebAssembly.Instance(new WebAssembly.Module(design.bytes));
    this.plain = instance.exports as unknown as Exports;
    this.code = this.plain;
    this.buffer = this.plain.memory.buffer as ArrayBuffer;
    const pays = { never: Number.POSITIVE_INFINITY, auto: GATING_PAYS / (design.size + 100), early: 0, always: 0 };
    this.untilGated = pays[gating];
    this.alwaysGated = gating === 'always';
    const { observe, observeUntil } = this.plain;
    const places = design.coverage;
    this.observer = places && observe && observeUntil && { places, observe, observeUntil };
  }

  settle(): void {
    this.plain.settle();
  }

  edge(): void {
    this.plain.edge();
    this.changed();
  }

  step(cycles: number): void {
    if (this.untilGated <= 0) this.gate();
    this.code.step(cycles);
    this.untilGated -= cycles;
  }

  run(maxCycles: number): number {
    if (this.untilGated <= 0) this.gate();
    const cycles = this.code.run(maxCycles);
    this.untilGated -= cycles;
    return cycles;
  }

  share(memory: number): void {
    this.shared.add(memory);
    if (this.gated !== undefined) this.note(this.gated, memory);
  }

  changed(): void {
    if (this.gated !== undefined) new Int32Array(this.buffer, this.gated.places.valid, 1)[0] = 0;
  }

  /** Has the gated code take over. */
  private gate(): void {
    this.untilGated = Number.POSITIVE_INFINITY;
    this.gated = this.design.gate();
    const { memory, settle, advance, advanceUntil } = this.plain;
    const base = { memory, settle, advance, advanceUntil };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(this.gated.bytes), { base });
    this.code = instance.exports as unknown as Pick<Exports, 'step' | 'run'>;
    if (this.alwaysGated) new Int32Array(this.buffer, this.gated.places.policy, 1)[0] = Policy.gated;
    for (const memory of this.shared) this.note(this.gated, memory);
  }

  private note({ places, readers }: GatedModule, memory: number): void {
    noteShared(this.buffer, places.outside, readers.get(memory) ?? []);
  }
}

/** Compiles a design to WebAssembly. @throws SimulationError as `compile` does. */
export function wasmMachine(design: Design, trace: boolean, gating: Gating, covered = false): WasmMachine {
  return new WasmMachine(compile(design, trace, covered), gating);
}
