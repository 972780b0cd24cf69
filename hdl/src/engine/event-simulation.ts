import type { Design, Domain, Reset } from '../ir/ir.ts';
import { formatDiagnostic } from '../passes/diagnostic.ts';
import { ClockSchedule, timingsOf } from './clock-schedule.ts';
import { type EventSource, type ExposedDesign, logText } from './events.ts';
import {
  type MemoryView,
  type PortView,
  type SignalView,
  type Simulation,
  SimulationError,
  type SimulationOptions,
} from './simulation.ts';
import { clockedDomains } from './single-clock.ts';

/** A `cover` of the design and how often it has held. */
export interface CoverResult {
  readonly message: string;
  /** Path of the instance below the top, empty for the top itself. */
  readonly path: string;
  readonly covered: boolean;
  /** Edges of its clock, outside of reset, at which it held. */
  readonly count: number;
}

/** Told of a log line in the cycle in which it is written. */
export type LogListener = (line: string, cycle: number) => void;

/** A simulation that looks at properties and writes log lines, around one of an exposed design on any engine. */
export class EventSimulation implements Simulation {
  readonly ports: ReadonlyMap<string, PortView>;
  /** The one around which it is. */
  readonly inner: Simulation;
  private readonly exposed: ExposedDesign;
  private readonly onLog: LogListener;
  private readonly flags: Uint32Array;
  private readonly values: Uint32Array;
  private readonly ownAttention: Uint32Array | undefined;
  private readonly schedule: ClockSchedule;
  private readonly clockCount: number;
  private readonly resets: ReadonlyMap<Reset, Uint32Array>;
  private readonly coverSources: readonly EventSource[];
  /** By cover: counts of edges at which the domain was in reset. */
  private readonly inReset: number[];

  constructor(inner: Simulation, exposed: ExposedDesign, design: Design, options: SimulationOptions, onLog: LogListener) {
    this.inner = inner;
    this.exposed = exposed;
    this.coverSources = exposed.sources.filter(({ statement: s }) => s.kind === 'property' && s.property === 'cover');
    this.inReset = this.coverSources.map(() => 0);
    this.onLog = onLog;
    const words = (name: string | undefined) => (name === undefined ? undefined : inner.ports.get(name)?.words);
    this.flags = words(exposed.flags) ?? new Uint32Array(1);
    this.values = words(exposed.values) ?? new Uint32Array(1);
    this.ownAttention = words(exposed.ownAttention);
    const hidden = new Set([exposed.flags, exposed.values, 'attention']);
    const ports = [...inner.ports.values()].filter(({ name }) => !hidden.has(name));
    this.ports = new Map(
      ports.map(port => {
        const name = port.name === exposed.ownAttention ? 'attention' : port.name;
        return [name, { ...port, name }];
      }),
    );
    const names = clockedDomains(design.top).map(({ clock }) => clock);
    this.clockCount = names.length;
    this.schedule = new ClockSchedule(names, timingsOf(names, options.clocks));
    const resets = design.top.domains.flatMap(({ reset }) => {
      const port = reset && inner.ports.get(reset.name);
      return reset && port ? [[reset, port.words] as const] : [];
    });
    this.resets = new Map(resets);
  }

  get engine(): string {
    return this.inner.engine;
  }

  get signals(): ReadonlyMap<string, SignalView> | undefined {
    return this.inner.signals;
  }

  get cycle(): number {
    return this.inner.cycle;
  }

  /** What the covers of the design came to so far. */
  get covers(): CoverResult[] {
    return this.coverSources.map((source, i) => {
      const count = this.counted(source) - (this.inReset[i] ?? 0);
      const message = source.statement.kind === 'property' ? source.statement.message : '';
      return { message, path: source.path, covered: count > 0, count };
    });
  }

  /** What the design itself counted, which does not see the resets of the top. */
  private counted({ values: [place] }: EventSource): number {
    return place ? Number(bitsOf(this.values, place.low, place.width)) : 0;
  }

  private isReset({ reset }: Domain): boolean {
    return reset !== undefined && this.resets.get(reset)?.[0] === (reset.active === 'high' ? 1 : 0);
  }

  memory(path: string): MemoryView {
    return this.inner.memory(path);
  }

  settle(): void {
    this.inner.settle();
  }

  /** @throws SimulationError where an assertion fails; the cycle in which it does has not passed then. */
  step(cycles = 1): void {
    if (cycles === 0) this.inner.step(0);
    this.advance(cycles, false);
  }

  /** @throws SimulationError as `step` does. */
  run(maxCycles: number): number {
    return this.advance(maxCycles, true);
  }

  /** The inner simulation's state, and eight bytes for each cover. */
  save(): Uint8Array {
    const state = this.inner.save();
    const own = new Uint8Array(Float64Array.from(this.inReset).buffer);
    const all = new Uint8Array(state.length + own.length);
    all.set(state);
    all.set(own, state.length);
    return all;
  }

  restore(state: Uint8Array): void {
    const size = Math.max(0, state.length - 8 * this.inReset.length);
    this.inner.restore(state.subarray(0, size));
    new Float64Array(state.slice(size).buffer).forEach((count, i) => {
      this.inReset[i] = count;
    });
  }

  private advance(cycles: number, stops: boolean): number {
    const before = this.coverSources.map(source => (this.isReset(source.domain) ? this.counted(source) : undefined));
    try {
      return this.pass(cycles, stops);
    } finally {
      // Inputs, and so resets, stay as they are meanwhile.
      before.forEach((count, i) => {
        const source = this.coverSources[i];
        if (count !== undefined && source) this.inReset[i] = (this.inReset[i] ?? 0) + this.counted(source) - count;
      });
    }
  }

  private pass(cycles: number, stops: boolean): number {
    let passed = 0;
    while (passed < cycles) {
      const ran = this.inner.run(cycles - passed);
      passed += ran;
      if (passed === cycles) break;
      if (stops && this.ownAttention?.[0] === 1) break;
      this.tell();
      this.inner.step(1);
      passed++;
    }
    return passed;
  }

  private tell(): void {
    if (this.flags.every(word => word === 0)) return;
    const { cycle } = this.inner;
    const rising = this.schedule.at(cycle);
    for (const source of this.exposed.sources) {
      if ((((this.flags[source.flag >>> 5] ?? 0) >>> (source.flag & 31)) & 1) === 0) continue;
      if (this.clockCount > 1 && !rising.includes(source.domain.clock)) continue;
      if (this.isReset(source.domain)) continue;
      this.event(source, cycle);
    }
  }

  private event(source: EventSource, cycle: number): void {
    const { statement, path } = source;
    if (statement.kind === 'log') {
      const bits = source.values.map(({ low, width }) => bitsOf(this.values, low, width));
      this.onLog(logText(statement, bits), cycle);
    } else {
      const where = path === '' ? '' : ` in ${path}`;
      const hint =
        statement.property === 'assert'
          ? 'the design does what it says it never does: look at the cycles before, with a trace'
          : 'the test bench does what the design was promised not to happen';
      throw new SimulationError(
        formatDiagnostic({
          check: statement.property,
          severity: 'error',
          message: `${statement.property === 'assert' ? 'assertion' : 'assumption'} failed in cycle ${cycle}${where}: ${statement.message}`,
          sites: [statement.site],
          hint,
        }),
      );
    }
  }

  [Symbol.dispose](): void {
    this.inner[Symbol.dispose]();
  }
}

function bitsOf(words: Uint32Array, low: number, width: number): bigint {
  let value = 0n;
  for (let i = (low + width - 1) >>> 5; i >= low >>> 5; i--) value = (value << 32n) | BigInt(words[i] ?? 0);
  return BigInt.asUintN(width, value >> BigInt(low & 31));
}
