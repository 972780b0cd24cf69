import type { ir, Simulation } from '@hdl/ts-hdl';
import { fold, generator, nextState, type PeerRun, wordOf } from './stimulus.ts';

/** Runs a design on one of our engines with the benchmark's stimulus, driven from TypeScript in every cycle. */
export function runEngine(create: (design: ir.Design) => Simulation, design: ir.Design, cycles: number): PeerRun {
  using simulation = create(design);
  const ports = [...simulation.ports.values()].filter(({ name }) => name !== 'rst');
  const inputs = ports
    .filter(({ direction }) => direction === 'input')
    .map(({ width, words }) => ({ words, last: lastMask(width) }));
  const outputs = ports.filter(({ direction }) => direction === 'output').map(({ words }) => words);
  const reset = simulation.ports.get('rst');
  if (reset) reset.words[0] = 1;
  simulation.step();
  if (reset) reset.words[0] = 0;
  let state: number = generator.seed;
  let signature = 0;
  const start = process.hrtime.bigint();
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (const { words, last } of inputs) {
      state = nextState(state);
      const word = wordOf(state);
      words.fill(word);
      words[words.length - 1] = (word & last) >>> 0;
    }
    simulation.step();
    for (const words of outputs) for (let i = 0; i < words.length; i++) signature = fold(signature, words[i] ?? 0);
  }
  return { cycles, seconds: Number(process.hrtime.bigint() - start) / 1e9, signature };
}

/** The bits of the most significant word of a port. */
const lastMask = (width: number) => (width % 32 === 0 ? 0xffff_ffff : 2 ** (width % 32) - 1);
