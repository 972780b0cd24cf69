import { type Engine, type Simulation, simulate } from '@hdl/ts-hdl';
import { Hang } from '../soak/bench.ts';
import { at } from '../soak/harness.ts';
import { TlpReader, TlpWriter } from '../soak/rings.ts';
import { classOf, type Tlp } from '../soak/tlp.ts';
import { ringMemories } from './ring-port.ts';
import { links, SwitchFaultHarness } from './switch-harness.ts';

/** Cycles between two looks at what came. */
const chunk = 32;
/** Cycles without any movement after which nobody waits any longer. */
const patience = 20_000;

const classes = ['posted', 'non_posted', 'completion'] as const;

/** A simulated switch with its links: TLPs in and out at each, in pieces of some cycles. */
export class SwitchBench implements Disposable {
  private readonly simulation: Simulation;
  private readonly writers: readonly (readonly TlpWriter[])[];
  private readonly readers: readonly TlpReader[];
  private readonly seen: (link: number, t: Tlp) => void;
  private still = 0;

  /** `seen` hears of each TLP that left the switch by a link. */
  constructor(width: number, engine: Engine, seen: (link: number, t: Tlp) => void) {
    this.seen = seen;
    const numbers = Array.from({ length: links }, (_, i) => i);
    const memories = numbers.flatMap(i => ringMemories.map(name => `port_${i}.${name}`));
    const withMemories: Engine = (design, options) => engine(design, { ...options, memories });
    this.simulation = simulate(() => new SwitchFaultHarness({ width }), { engine: withMemories }).engine;
    const { simulation } = this;
    const ports = (i: number, name: string) => [`pointers_${i}_${name}`, `status_${i}_${name}`] as const;
    this.writers = numbers.map(i =>
      classes.map(name => new TlpWriter(simulation, `port_${i}.source_${name}`, ports(i, name), width)),
    );
    this.readers = numbers.map(i => new TlpReader(simulation, `port_${i}.sink_seen`, ports(i, 'seen'), width));
  }

  get cycle(): number {
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
    this.still = 0;
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

  /** Some cycles pass. @throws Hang if nothing has moved for long. */
  advance(): void {
    const before = this.writers.flat().reduce((sum, { waiting }) => sum + waiting, 0);
    this.simulation.step(chunk);
    let moved = 0;
    this.readers.forEach((reader, link) => {
      moved += reader.drain(t => this.seen(link, t));
    });
    const after = this.writers.flat().reduce((sum, { waiting }) => sum + waiting, 0);
    this.still = moved > 0 || after !== before ? 0 : this.still + chunk;
    if (this.still > patience) throw new Hang(`nothing moved for ${patience} cycles`);
  }

  /** Lets time pass until something is so. @throws Hang */
  until(done: () => boolean, what: () => string): void {
    try {
      while (!done()) this.advance();
    } catch (error) {
      if (error instanceof Hang) throw new Hang(`${error.message}, waiting for ${what()}`);
      throw error;
    }
  }

  /** Lets time pass until nothing has moved for `cycles` cycles. */
  silence(cycles: number): void {
    this.still = 0;
    const end = this.cycle + patience;
    do {
      this.advance();
      if (this.cycle > end) throw new Hang('the switch never falls silent');
    } while (this.still < cycles);
    this.still = 0;
  }

  [Symbol.dispose](): void {
    this.simulation[Symbol.dispose]();
  }
}
