import { simulate } from '../../src/engine/simulate.ts';
import type { Simulation } from '../../src/engine/simulation.ts';
import type { Example } from './examples.ts';

/** The ports of one cell by their names in the Verilog, on any engine, alone or as a part of a larger top. */
export class Bench {
  private readonly simulation: Simulation;
  private readonly prefix: string;

  constructor(simulation: Simulation, prefix = '') {
    this.simulation = simulation;
    this.prefix = prefix;
  }

  private port(name: string) {
    const port = this.simulation.ports.get(this.prefix + name);
    if (!port) throw new Error(`no port ${this.prefix}${name} among ${[...this.simulation.ports.keys()].join(', ')}`);
    return port;
  }

  /** Names of the cell's ports of one direction; a clock and a reset are none. */
  names(direction: 'input' | 'output'): string[] {
    return [...this.simulation.ports.values()]
      .filter(port => port.direction === direction && port.name.startsWith(this.prefix) && port.name !== 'rst')
      .map(port => port.name.slice(this.prefix.length));
  }

  width(name: string): number {
    return this.port(name).width;
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

  step(cycles = 1): void {
    this.simulation.step(cycles);
  }

  /** Some cycles with all inputs at 1, so that there is something to reset; then one cycle of reset with all inputs at 0. */
  reset(): void {
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

/** One embedded simulation for each example, made when first asked for. */
export function embeddedBenches(): Open {
  const open = new Map<string, Bench>();
  return example => {
    const found = open.get(example.name) ?? new Bench(simulate(example.make).engine);
    open.set(example.name, found);
    return found;
  };
}
