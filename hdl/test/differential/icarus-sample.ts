import { ClockSchedule, timingsOf } from '../../src/engine/clock-schedule.ts';
import { clockedDomains } from '../../src/engine/single-clock.ts';
import { type Engine, embedded } from '../../src/index.ts';
import type { Design } from '../../src/ir/ir.ts';
import { hexadecimal, runIcarus, type Stimulus } from '../emit/icarus.ts';
import { lockstep } from './lockstep.ts';

const bitsOf = (words: Uint32Array) => words.reduceRight((high, word) => (high << 32n) | BigInt(word), 0n);

/** What happened on an engine. */
interface Recording {
  readonly stimulus: Stimulus[];
  /** Outputs after each settling or cycle, as `runIcarus` prints them. */
  readonly outputs: string[][];
}

/** The in-process engine, which writes down what happens. */
function recorder(into: Recording): Engine {
  return (design, options = {}) => {
    const inner = embedded(design, options);
    const names = clockedDomains(design.top).map(({ clock }) => clock);
    const schedule = new ClockSchedule(names, timingsOf(names, options.clocks));
    const ports = [...inner.ports.values()];
    const record = (rising: readonly string[], work: () => void) => {
      const inputs = ports.filter(({ direction }) => direction === 'input');
      into.stimulus.push({ values: new Map(inputs.map(({ name, words }) => [name, bitsOf(words)])), rising });
      work();
      const outputs = ports.filter(({ direction }) => direction === 'output');
      into.outputs.push(outputs.map(({ words, width }) => hexadecimal(bitsOf(words), width)));
    };
    const settle = inner.settle.bind(inner);
    const step = inner.step.bind(inner);
    inner.settle = () => record([], settle);
    inner.step = () => record(schedule.at(inner.cycle), () => step(1));
    return inner;
  };
}

/**
 * Runs designs that `gatherShared` put together in-process and under Icarus Verilog with the same inputs as `lockstep`.
 * @returns a line for each design whose outputs differ, by its number.
 */
export async function icarusSample(design: Design, seed: number, cycles: number): Promise<Map<number, string>> {
  const recording: Recording = { stimulus: [], outputs: [] };
  lockstep(design, [recorder(recording), embedded], seed, cycles);
  const lines = await runIcarus(design, recording.stimulus);
  const names = design.top.signals.filter(({ kind }) => kind === 'output').map(({ name }) => name);
  const found = new Map<number, string>();
  recording.outputs.forEach((values, cycle) => {
    names.forEach((name, i) => {
      const index = Number(/^d(\d+)_/.exec(name)?.[1] ?? 0);
      const other = lines[cycle]?.[i];
      if (other !== values[i] && !found.has(index)) found.set(index, `${name} in cycle ${cycle}: ${values[i]} against ${other}`);
    });
  });
  return found;
}
