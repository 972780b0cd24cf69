import { type Engine, type MemoryView, type Simulation, simulate } from '@hdl/ts-hdl';
import { at } from '../soak/harness.ts';
import { PatientBench } from '../soak/patience.ts';
import { TlpReader, TlpWriter } from '../soak/rings.ts';
import { classOf, type Tlp } from '../soak/tlp.ts';
import { ringMemories } from './ring-port.ts';
import { links, SwitchFaultHarness } from './switch-harness.ts';

/** Cycles between two looks at what came. */
const chunk = 32;

const classes = ['posted', 'non_posted', 'completion'] as const;

/** For bits that flip: the memories that they may flip in, and whether wires carry each header once. */
export interface FlipBench {
  readonly memories: readonly string[];
  readonly wire: boolean;
}

/** A simulated switch with its links: TLPs in and out at each, in pieces of some cycles. */
export class SwitchBench extends PatientBench implements Disposable {
  private readonly simulation: Simulation;
  private readonly writers: readonly (readonly TlpWriter[])[];
  private readonly readers: readonly TlpReader[];
  private readonly seen: (link: number, t: Tlp) => void;

  /** `seen` hears of each TLP that left the switch by a link. */
  constructor(
    width: number,
    engine: Engine,
    seen: (link: number, t: Tlp) => void,
    flips: FlipBench = { memories: [], wire: false },
  ) {
    super('switch', chunk);
    this.seen = seen;
    const numbers = Array.from({ length: links }, (_, i) => i);
    const memories = [...numbers.flatMap(i => ringMemories.map(name => `port_${i}.${name}`)), ...flips.memories];
    const withMemories: Engine = (design, options) => engine(design, { ...options, memories });
    this.simulation = simulate(() => new SwitchFaultHarness({ width, wire: flips.wire }), { engine: withMemories }).engine;
    const { simulation } = this;
    const ports = (i: number, name: string) => [`pointers_${i}_${name}`, `status_${i}_${name}`] as const;
    this.writers = numbers.map(i =>
      classes.map(name => new TlpWriter(simulation, `port_${i}.source_${name}`, ports(i, name), width)),
    );
    this.readers = numbers.map(i => new TlpReader(simulation, `port_${i}.sink_seen`, ports(i, 'seen'), width));
    for (const reader of this.readers) reader.tolerant = flips.memories.length > 0;
  }

  /** A memory of the harness that is a ring, or in which bits may flip. */
  memory(path: string): MemoryView {
    return this.simulation.memory(path);
  }

  override get cycle(): number {
    return this.simulation.cycle;
  }

  /** Drives an input of the harness. */
  drive(name: string, value: number): void {
    const port = this.simulation.ports.get(name);
    if (!port) throw new RangeError(`the harness has no port '${name}'`);
    port.words[0] = value >>> 0;
  }
  look(name: string): number {
    return this.simulation.ports.get(name)?.words[0] ?? 0;
  }

  /** Begins anew: everything is reset, and all links are up. */
  restart(): void {
    this.drive('rst', 1);
    for (const name of ['pulled', 'retrain', 'lose_limits', 'hold_limits', 'beyond_0', 'beyond_1', 'beyond_2'])
      this.drive(name, 0);
    for (const ring of [...this.writers.flat(), ...this.readers]) ring.reset();
    this.simulation.step(4);
    this.drive('rst', 0);
    this.moved();
    this.simulation.step(128);
  }

  /** Sends a TLP into the switch by a link; if there is no room, time passes first. */
  send(link: number, t: Tlp): void {
    const writer = at(at(this.writers, link), classOf(t));
    const beats = writer.beats(t);
    while (writer.waiting + beats > writer.depth) this.advance();
    writer.put(t, 0);
  }
  /** Beats that a link has not sent yet. */
  waiting(link: number): number {
    return at(this.writers, link).reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /** Exactly so many cycles pass, and nobody looks. */
  pass(cycles: number): void {
    this.simulation.step(cycles);
  }

  protected override step(cycles: number): void {
    this.simulation.step(cycles);
  }
  protected override get given(): number {
    return this.writers.flat().reduce((sum, { waiting }) => sum + waiting, 0);
  }
  protected override take(): number {
    return this.readers.reduce((sum, reader, link) => sum + reader.drain(t => this.seen(link, t)), 0);
  }

  [Symbol.dispose](): void {
    this.simulation[Symbol.dispose]();
  }
}
