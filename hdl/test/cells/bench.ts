import { embedded } from '../../src/engine/embedded.ts';
import type { Simulation } from '../../src/engine/simulation.ts';
import type { Example } from './examples.ts';
import { oneTop, prefixOf } from './one-top.ts';

/** The ports of one cell by their names in the Verilog, on any engine, among those of others. */
export class Bench {
  private readonly simulation: Simulation;
  private readonly prefix: string;
  /** Inputs that tell the edges of clock domains. */
  private readonly ticks: readonly string[];

  constructor(simulation: Simulation, example: Example) {
    this.simulation = simulation;
    this.prefix = prefixOf(example);
    this.ticks = this.all('input').filter(name => name.startsWith('tick_'));
  }

  private port(name: string) {
    const port = this.simulation.ports.get(this.prefix + name);
    if (!port) throw new Error(`no port ${this.prefix}${name} among ${[...this.simulation.ports.keys()].join(', ')}`);
    return port;
  }

  private all(direction: 'input' | 'output'): string[] {
    return [...this.simulation.ports.values()]
      .filter(port => port.direction === direction && port.name.startsWith(this.prefix))
      .map(port => port.name.slice(this.prefix.length));
  }

  /** Names of the cell's ports of one direction; clocks and resets are none. */
  names(direction: 'input' | 'output'): string[] {
    return this.all(direction).filter(name => name !== 'late' && name !== 'torn' && !this.ticks.includes(name));
  }

  /** A port as it was settled last. */
  get(name: string): bigint {
    return this.port(name).words.reduceRight((high, word) => (high << 32n) | BigInt(word), 0n);
  }

  /** Drives an input; of `value` as many bits as it has. */
  set(name: string, value: bigint | number | boolean): void {
    const { words, width } = this.port(name);
    let rest = BigInt.asUintN(width, BigInt(value));
    for (let i = 0; i < words.length; i++, rest >>= 32n) words[i] = Number(rest & 0xffff_ffffn);
  }

  settle(): void {
    this.simulation.settle();
  }

  /** Edges of all clocks at once. */
  step(cycles = 1): void {
    this.simulation.step(cycles);
  }

  /**
   * An edge of those clock domains that are named. Where several tick at once, bit i of `late` says whether bit i of what crosses is seen as it is
   * after that edge.
   * @throws where halves of two words could cross.
   */
  tick(domains: readonly string[], late: number): void {
    for (const name of this.ticks)
      this.set(
        name,
        domains.some(domain => name === `tick_${domain}`),
      );
    this.set('late', late);
    this.settle();
    if (this.get('torn') === 1n)
      throw new Error('a register of another domain takes a word of which several bits change at that time');
    this.step();
    for (const name of this.ticks) this.set(name, 1);
    this.set('late', 0);
  }

  /** Some cycles with all inputs at 1, so that there is something to reset; then one cycle of reset with all inputs at 0. */
  reset(): void {
    for (const name of this.ticks) this.set(name, 1);
    this.drive(-1);
    this.step(5);
    this.drive(0);
    const reset = this.simulation.ports.get('rst');
    if (reset) reset.words[0] = 1;
    this.step();
    if (reset) reset.words[0] = 0;
  }

  private drive(value: number): void {
    for (const name of this.names('input')) this.set(name, value);
  }
}

/** Opens the bench of an example; what it opens is closed by whoever wrote it. */
export type Open = (example: Example) => Bench;

/** An embedded simulation of one example. */
export const embeddedBench: Open = example => new Bench(embedded(oneTop([example])), example);
