import type { Design } from '../ir/ir.ts';
import { node } from '../lang/bits.ts';
import { type Elaborated, elaborate } from '../lang/elaborate.ts';
import { HdlError } from '../lang/errors.ts';
import type { Module } from '../lang/module.ts';
import { leaves } from '../lang/shapes.ts';
import type { Readable, UInt } from '../lang/values.ts';
import { checked } from '../passes/checked.ts';
import { ClockSchedule, type ClockTimings, timingsOf } from './clock-schedule.ts';
import type { Coverage } from './coverage.ts';
import { embedded, MachineSimulation } from './embedded.ts';
import { type CoverResult, EventSimulation, type LogListener } from './event-simulation.ts';
import { exposeEvents } from './events.ts';
import { nearest } from './nearest.ts';
import { type ParameterValues, withParameters } from './parameters.ts';
import { resetInputs } from './reset-inputs.ts';
import {
  type MemoryView,
  type PortView,
  type SignalView,
  type Simulation,
  SimulationError,
  type SimulationOptions,
} from './simulation.ts';
import { clockedDomains } from './single-clock.ts';

/** Makes a simulation of a design: `embedded`, or the `verilator` of the package verilator-wrapper. */
export type Engine = (design: Design, options?: SimulationOptions) => Simulation;

export interface SimulateOptions extends SimulationOptions {
  /** The in-process engine by default. */
  readonly engine?: Engine;
  /** Edges of each clock with all resets active before the caller gets the simulation; 1 by default, 0 leaves the design unreset. */
  readonly resetCycles?: number;
  /** Gets the lines of `log`; they go to the console by default. */
  readonly onLog?: LogListener;
  /** Values of parameters of the top module, in place of those that it was made with. */
  readonly parameters?: ParameterValues;
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
      throw new HdlError(`'${bits.name ?? 'this'}' is not a port of the top module`, { help: 'name a port of sim.dut' });
    return view;
  }

  /** Drives an input, from now on. */
  poke(signal: Readable, value: number | bigint): void {
    const view = this.port(signal);
    if (view.direction !== 'input')
      throw new HdlError(`'${view.name}' is an output: it cannot be driven`, { help: 'poke inputs; peek reads outputs' });
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

  /** A signal by its path below the top module, such as `fifo.level`. @throws SimulationError if there is none, or the option `signals` is not set. */
  signal(path: string): SignalView {
    const { signals } = this.engine;
    if (!signals)
      throw new SimulationError(
        `'${path}' cannot be read: only ports can, unless the simulation is made with { signals: true } by an engine that knows it.`,
      );
    const view = signals.get(path);
    if (view) return view;
    throw new SimulationError(
      `The design has no signal '${path}'. Did you mean ${nearest(path, [...signals.keys()]).join(', ')}?`,
    );
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

  /** The state as it is now; see `Simulation`. */
  save(): Uint8Array {
    return this.engine.save();
  }

  /** Goes on from a state that `save` gave. @throws SimulationError if it is not of this design. */
  restore(state: Uint8Array): void {
    this.engine.restore(state);
  }

  /** What the design's covers came to so far. */
  get covers(): CoverResult[] {
    return this.engine instanceof EventSimulation ? this.engine.covers : [];
  }

  /** What has been exercised so far. @throws SimulationError if the simulation was made without `coverage`, or by an engine that has its own. */
  coverage(): Coverage {
    const inner = this.engine instanceof EventSimulation ? this.engine.inner : this.engine;
    if (inner instanceof MachineSimulation) return inner.coverage();
    throw new SimulationError(`The engine ${inner.engine} counts in its own way: ask it, not the typed simulation.`);
  }

  [Symbol.dispose](): void {
    this.engine[Symbol.dispose]();
  }
}

/**
 * Elaborates, checks, simulates and resets what `make` describes. @throws HdlError or DesignError for what is wrong with it, and SimulationError for
 * options that do not fit it.
 */
export function simulate<M extends Module<never> | Module<unknown>>(
  make: () => M,
  options: SimulateOptions = {},
): TypedSimulation<M> {
  const { dut, design: described } = elaborate(make);
  const { engine = embedded, resetCycles = 1, onLog = line => console.log(line), parameters = {}, ...rest } = options;
  const design = withParameters(checked(described), parameters);
  const exposed = exposeEvents(design);
  const inner = engine(exposed?.design ?? design, rest);
  const simulation = new TypedSimulation(
    { dut, design },
    exposed ? new EventSimulation(inner, exposed, design, rest, onLog) : inner,
  );
  if (resetCycles > 0) reset(simulation.engine, design, resetCycles, rest.clocks);
  return simulation;
}

/** Holds all resets active until every clock has risen so often. */
function reset(simulation: Simulation, design: Design, edges: number, timings: ClockTimings | undefined): void {
  const resets = resetInputs(design).flatMap(({ name, active }) => {
    const port = simulation.ports.get(name);
    return port ? [{ words: port.words, active: active === 'high' ? 1 : 0 }] : [];
  });
  if (resets.length === 0) return;
  for (const { words, active } of resets) words[0] = active;
  const names = clockedDomains(design.top).map(({ clock }) => clock);
  const schedule = new ClockSchedule(names, timingsOf(names, timings));
  const risen = new Map(names.map(name => [name, 0]));
  let cycles = 0;
  for (; [...risen.values()].some(count => count < edges); cycles++)
    for (const name of schedule.at(cycles)) risen.set(name, (risen.get(name) ?? 0) + 1);
  simulation.step(cycles);
  for (const { words, active } of resets) words[0] = 1 - active;
}
