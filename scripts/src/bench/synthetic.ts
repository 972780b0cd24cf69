import { native } from '@hdl/native-engine';
import { embedded, type ir, type Simulation } from '@hdl/ts-hdl';
import { Recorder, verilator } from '@hdl/verilator-wrapper';
import { inCache } from '@hdl/verilator-wrapper/tools';
import { runAmaranth } from './amaranth.ts';
import { runEngine } from './engine-run.ts';
import { hasIcarus, runIcarus } from './icarus.ts';
import type { PeerRun } from './stimulus.ts';
import { syntheticDesign } from './synthetic-design.ts';
import type { Variant, Workload } from './workload.ts';

/** Cycles that the peers run: they are hundreds of times slower. */
const peerCycles = { icarus: 400, amaranth: 30 } as const;

/** Other simulators on the same design with the same stimulus, which they make themselves. */
function peerVariants(design: ir.Design): Variant[] {
  const checked = (run: () => PeerRun) => async () => {
    const { cycles, seconds, signature } = run();
    const expected = runEngine(described => embedded(described, { gating: 'never' }), design, cycles).signature;
    if (signature !== expected) throw new Error('a peer computes something else than the embedded engine');
    return cycles / seconds;
  };
  const amaranth = { name: 'Amaranth 0.5', run: checked(() => runAmaranth(design, peerCycles.amaranth, inCache())) };
  if (!hasIcarus()) return [amaranth];
  return [{ name: 'Icarus Verilog', run: checked(() => runIcarus(design, peerCycles.icarus)) }, amaranth];
}

/**
 * The synthetic design with new random inputs in every cycle, written by TypeScript, which reads all outputs. The bare loop does the recorded inputs
 * again in C++.
 */
export function syntheticWorkload(cycles: number, peers: boolean, log: (line: string) => void): Workload {
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
      ...(peers ? peerVariants(design) : []),
    ],
  };
}
