import { node } from '../lang/bits.ts';
import { leaves } from '../lang/shapes.ts';
import type { Readable, UInt } from '../lang/values.ts';
import { drawWaves, type TextOptions, type TextRow } from '../waves/text.ts';
import type { TypedSimulation } from './simulate.ts';

/** A signal to be drawn: a port of the top module or a whole bundle of them, or the path of any signal below the top, such as `fifo.level`. */
export type Drawn = Readable | string;

export interface WavesOptions extends TextOptions {
  /** In the order of the rows; all ports by default. */
  readonly signals?: readonly Drawn[];
  readonly cycles: number;
  /** Called before each cycle, counted from 0, to drive the inputs. */
  readonly drive?: (cycle: number) => void;
}

interface Column {
  readonly name: string;
  readonly kind: TextRow['kind'];
  readonly words: Uint32Array;
  readonly text: (value: bigint) => string;
  readonly values: string[];
}

/** Runs a simulation and draws it with characters, for a snapshot in a test: see `drawWaves` for what it looks like. */
export class WaveRecorder {
  private readonly sim: TypedSimulation<unknown>;
  private readonly columns: readonly Column[];

  /**
   * `signals` by default are all ports. A path needs a simulation with the option `signals`.
   * @throws HdlError for what is no port of the top module; SimulationError for a path of no signal.
   */
  constructor(sim: TypedSimulation<unknown>, signals?: readonly Drawn[]) {
    this.sim = sim;
    const ports = sim.design.top.signals.filter(({ kind }) => kind === 'input' || kind === 'output');
    this.columns = signals
      ? signals.flatMap(signal => (typeof signal === 'string' ? byPath(sim, signal) : ofPorts(sim, signal)))
      : ports.map(({ name, width, states }) => column(name, width, sim.engine.ports.get(name)?.words, formatOf(width, states)));
  }

  /** Runs so many cycles. What is drawn of each is what the signals are before its edge. */
  step(cycles = 1): void {
    for (let i = 0; i < cycles; i++) {
      this.sim.settle();
      for (const { words, text, values } of this.columns) values.push(text(numberOf(words)));
      this.sim.step();
    }
  }

  /** What was recorded so far. Cycles are counted from the first that was; `first: sim.cycle`, noted before, gives those of the simulation. */
  text(options: TextOptions = {}): string {
    return drawWaves(this.columns, options);
  }
}

/**
 * Runs `cycles` cycles of a simulation and draws them: `expect(waves(sim, { cycles: 8, drive })).toMatchInlineSnapshot()`.
 * @throws HdlError, SimulationError as `WaveRecorder` does.
 */
export function waves(sim: TypedSimulation<unknown>, { signals, cycles, drive, ...options }: WavesOptions): string {
  const recorder = new WaveRecorder(sim, signals);
  for (let cycle = 0; cycle < cycles; cycle++) {
    drive?.(cycle);
    recorder.step();
  }
  return recorder.text(options);
}

function numberOf(words: Uint32Array): bigint {
  return words.reduceRight((high, word) => (high << 32n) | BigInt(word), 0n);
}

function column(name: string, width: number, words: Uint32Array | undefined, text: Column['text']): Column {
  if (words === undefined) throw new Error(`the engine has no words for the port '${name}'`);
  return { name, kind: width === 1 && text(1n) === '1' ? 'line' : 'box', words, text, values: [] };
}

/** How a value is written: the name of a state, a signed number in decimal, all others in hexadecimal. */
function formatOf(width: number, states: readonly string[] | undefined, signed = false): Column['text'] {
  if (states) return value => states[Number(value)] ?? value.toString(16);
  if (signed) return value => `${BigInt.asIntN(width, value)}`;
  return width === 1 ? value => `${value}` : value => value.toString(16).padStart(Math.ceil(width / 4), '0');
}

function ofPorts(sim: TypedSimulation<unknown>, signal: Readable): Column[] {
  return leaves(signal).map(leaf => {
    const { name, width, words } = sim.port(leaf as unknown as Readable);
    const { names, signed } = node(leaf as unknown as UInt<number>);
    return column(name, width, words, formatOf(width, names, signed));
  });
}

function byPath(sim: TypedSimulation<unknown>, path: string): Column {
  const { width, words, states } = sim.signal(path);
  return column(path, width, words, formatOf(width, states));
}
