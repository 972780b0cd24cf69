import { native } from '@hdl/native-engine';
import { embedded, type ir, type Simulation } from '@hdl/ts-hdl';
import { Recorder, verilator } from '@hdl/verilator-wrapper';
import { runEngine } from './engine-run.ts';
import { syntheticDesign } from './synthetic-design.ts';
import type { Workload } from './workload.ts';

/**
 * The synthetic design with new random inputs in every cycle, written by TypeScript, which reads all outputs. The bare loop does the recorded inputs
 * again in C++.
 */
export function syntheticWorkload(cycles: number, log: (line: string) => void): Workload {
  const design = syntheticDesign();
  const model = (described: ir.Design) => verilator(described, { log, memories: [] });
  const recorders: Recorder[] = [];
  const { signature } = runEngine(
    described => {
      const recorder = new Recorder(model(described));
      recorders.push(recorder);
      return recorder;
    },
    design,
    cycles,
  );
  const recording = recorders[0]?.recording();
  if (!recording) throw new Error('nothing was recorded');
  native(design, { log })[Symbol.dispose]();
  const driven = (create: (described: ir.Design) => Simulation) => async () => {
    const run = runEngine(create, design, cycles);
    if (run.signature !== signature) throw new Error('an engine computes something else than Verilator');
    return run.cycles / run.seconds;
  };
  return {
    title: 'synthetic design, all inputs new in every cycle',
    note: `${cycles.toLocaleString('en-US')} cycles, inputs and outputs through JavaScript in each`,
    variants: [
      {
        name: 'bare C++ loop',
        run: async () => {
          using bare = model(design);
          return recording.cycles / (bare.replay(recording) / 1e9);
        },
      },
      { name: 'verilator, from TypeScript', run: driven(model) },
      { name: 'native, from TypeScript', run: driven(native) },
      { name: 'embedded, from TypeScript', run: driven(embedded) },
    ],
  };
}
