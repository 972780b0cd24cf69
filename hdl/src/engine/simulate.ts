import type { Design } from '../ir/ir.ts';
import { node } from '../lang/bits.ts';
import { type Elaborated, elaborate } from '../lang/elaborate.ts';
import { HdlError } from '../lang/errors.ts';
import type { Module } from '../lang/module.ts';
import { leaves } from '../lang/shapes.ts';
import type { Readable, UInt } from '../lang/values.ts';
import { checked } from '../passes/checked.ts';
import { embedded } from './embedded.ts';
import type { MemoryView, PortView, Simulation, SimulationOptions } from './simulation.ts';

/** Makes a simulation of a design: `embedded`, or the `verilator` of the package verilator-wrapper. */
export type Engine = (design: Design, options?: SimulationOptions) => Simulation;

export interface SimulateOptions extends SimulationOptions {
  /** The in-process engine by default. */
  readonly engine?: Engine;
  /** Cycles of reset before the caller gets the simulation; 1 by default, 0 leaves the design unreset. */
  readonly resetCycles?: number;
}

/** A simulation whose ports are named by the objects of the design: `sim.poke(sim.dut.en, 1)`. `using` closes it however the test ends. */
export class TypedSimulation<M> implements Disposable {
  readonly dut: M;
  readonly design: Design;
  readonly engine: Simulation;

  constructor(elaborated: Elaborated<M>, engine: Simulation) {
    this.dut = elaborated.dut;
    this.design = elaborated.design;
    this.engine = engine;
  }

  get cycle(): number {
    return this.engine.cycle;
  }

  /** The words of a port of the top module, for access without conversion. @throws HdlError if it is no such port. */
  port(signal: Readable): PortView {
    const bits = node(signal as UInt<number>);
    const view = bits.name === undefined ? undefined : this.engine.ports.get(bits.name);
    if (!view || bits.owner !== leaves(signal)[0]?.owner)
      throw new HdlError(`'${bits.name ?? 'this'}' is not a port of the top module`);
    return view;
  }

  /** Drives an input, from now on. */
  poke(signal: Readable, value: number | bigint): void {
    const view = this.port(signal);
    if (view.direction !== 'input') throw new HdlError(`'${view.name}' is an output: it cannot be driven`);
    const v = node(signal as UInt<number>).operand(value).operation;
    let rest = v.kind === 'const' ? v.value : 0n;
    for (let i = 0; i < view.words.length; i++, rest >>= 32n) view.words[i] = Number(rest & 0xffff_ffffn);
  }

  /** The value of a port, settled with the inputs as they are; of a signed one with its sign. */
  peek(signal: Readable): bigint {
    const view = this.port(signal);
    this.engine.settle();
    const pattern = view.words.reduceRight((high, word) => (high << 32n) | BigInt(word), 0n);
    return node(signal as UInt<number>).signed ? BigInt.asIntN(view.width, pattern) : pattern;
  }

  /** The bytes of a memory by its path below the top module. */
  memory(path: string): MemoryView {
    return this.engine.memory(path);
  }

  settle(): void {
    this.engine.settle();
  }

  step(cycles = 1): void {
    this.engine.step(cycles);
  }

  run(maxCycles: number): number {
    return this.engine.run(maxCycles);
  }

  [Symbol.dispose](): void {
    this.engine[Symbol.dispose]();
  }
}

/** Elaborates, checks, simulates and resets what `make` describes. @throws HdlError or DesignError for what is wrong with it. */
export function simulate<M extends Module<never> | Module<unknown>>(
  make: () => M,
  options: SimulateOptions = {},
): TypedSimulation<M> {
  const { dut, design: described } = elaborate(make);
  const design = checked(described);
  const { engine = embedded, resetCycles = 1, ...rest } = options;
  const simulation = new TypedSimulation({ dut, design }, engine(design, rest));
  const reset = simulation.engine.ports.get('rst');
  if (reset && resetCycles > 0) {
    reset.words[0] = 1;
    simulation.step(resetCycles);
    reset.words[0] = 0;
  }
  return simulation;
}
