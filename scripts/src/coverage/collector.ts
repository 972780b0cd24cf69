import {
  type ConstantBits,
  type CoveredSimulation,
  constantBits,
  type DecisionCoverage,
  type Engine,
  embedded,
  type ir,
  type StateCoverage,
  type UnreadBits,
  unreadBits,
} from '@hdl/ts-hdl';
import type { RtlCoverage, SignalBits } from './data.ts';
import { fingerprint } from './fingerprint.ts';

/** Whether something was written in the sources of the RTL. */
const inRtl = ({ place }: { readonly place: ir.Location | undefined }): boolean => place?.file.includes('/rtl/src/') ?? false;

/** What is known of bits of a design without running it. */
interface Bits {
  readonly constant: ConstantBits;
  readonly unread: UnreadBits;
}

/** Adds up what simulations exercise of the RTL, by places in the source: variants of a module, and instances, are one. */
export class Collector {
  private readonly running = new Map<CoveredSimulation, ir.Design>();
  /** Of each design that was simulated; many simulations have the same one. */
  private readonly bits = new Map<string, Bits>();
  private readonly signals = new Map<string, SignalBits>();
  private readonly decisions = new Map<string, DecisionCoverage>();
  private readonly states = new Map<string, StateCoverage>();
  /** Simulations that have ended. */
  simulations = 0;

  /** The embedded engine; what its simulations exercise is added when they are closed, or at `sum`. */
  readonly engine: Engine = (design, options) => this.watch(embedded(design, { ...options, coverage: true }), design);

  /** Has a simulation's counts added when it is closed, or at `sum`. @returns the simulation. */
  watch(simulation: CoveredSimulation, design: ir.Design): CoveredSimulation {
    this.running.set(simulation, design);
    const dispose = simulation[Symbol.dispose].bind(simulation);
    simulation[Symbol.dispose] = () => {
      this.end(simulation);
      dispose();
    };
    return simulation;
  }

  /** The sum, with what still runs as it is now: that is not added again. */
  sum(): RtlCoverage {
    for (const simulation of [...this.running.keys()]) this.end(simulation);
    return { signals: [...this.signals.values()], decisions: [...this.decisions.values()], states: [...this.states.values()] };
  }

  private end(simulation: CoveredSimulation): void {
    const design = this.running.get(simulation);
    if (!design) return;
    this.running.delete(simulation);
    this.simulations++;
    const { signals, decisions, states } = simulation.coverage();
    const { constant, unread } = this.bitsOf(design);
    const known = signals.filter(inRtl).map(signal => ({
      ...signal,
      constant: constant.get(signal.module)?.get(signal.name) ?? 0n,
      unread: unread.get(signal.module)?.get(signal.name) ?? 0n,
    }));
    this.add({ signals: known, decisions: decisions.filter(inRtl), states: states.filter(inRtl) });
  }

  private bitsOf(design: ir.Design): Bits {
    const key = fingerprint(design);
    const known = this.bits.get(key) ?? { constant: constantBits(design), unread: unreadBits(design) };
    this.bits.set(key, known);
    return known;
  }

  /** Adds the counts of one simulation, or of several. */
  add({ signals, decisions, states }: RtlCoverage): void {
    const join = <T extends SignalBits | DecisionCoverage | StateCoverage>(
      list: readonly T[],
      sums: Map<string, T>,
      detail: (item: T) => string,
      both: (a: T, b: T) => T,
    ) => {
      for (const item of list) {
        const { file, line, column } = item.place ?? {};
        const key = `${file}:${line}:${column} ${detail(item)}`;
        const sum = sums.get(key);
        sums.set(key, sum ? both(sum, item) : item);
      }
    };
    join(
      signals,
      this.signals,
      ({ name, width }) => `${name} ${width}`,
      (a, b) => ({
        ...a,
        rose: a.rose | b.rose,
        fell: a.fell | b.fell,
        constant: a.constant & b.constant,
        unread: a.unread & b.unread,
      }),
    );
    join(
      decisions,
      this.decisions,
      ({ kind, ways }) => `${kind} ${ways.map(({ way }) => way)}`,
      (a, b) => ({ ...a, ways: a.ways.map(({ way, count }, i) => ({ way, count: count + (b.ways[i]?.count ?? 0) })) }),
    );
    join(
      states,
      this.states,
      ({ name, states: all }) => `${name} ${all.map(({ state }) => state)}`,
      (a, b) => ({
        ...a,
        states: a.states.map(({ state, cycles }, i) => ({ state, cycles: cycles + (b.states[i]?.cycles ?? 0) })),
        // By places they would be of no use: a state may be followed by another one in one variant alone.
        transitions: [],
      }),
    );
  }
}
