import { expect, test } from 'vitest';
import { checked, elaborate, type ir } from '../../hdl/src/index.ts';
import { CombinationalGraph, type OutputPaths } from '../../hdl/src/passes/combinational-graph.ts';
import { defaultTopology, Fabric } from '../src/index.ts';

/** Combinational paths from inputs to outputs of every module of a design. */
function pathsOf(design: ir.Design): Map<ir.Module, OutputPaths> {
  const paths = new Map<ir.Module, OutputPaths>();
  const none: OutputPaths = new Map();
  for (const module of design.modules) paths.set(module, new CombinationalGraph(module, child => paths.get(child) ?? none).paths);
  return paths;
}

const { design } = elaborate(() => new Fabric({ topology: defaultTopology(), width: 256 }));
const paths = pathsOf(checked(design));

/**
 * A lazy fork inside the completer: a beat's plan and the read for it go together. The ready of the plan's FIFO comes from registers, so nothing comes back.
 */
const forks = /^CompletionSequencer(_\d+)?$/;

test('no module of the fabric has a combinational path from a ready to a valid', () => {
  const wrong: string[] = [];
  for (const [module, outputs] of paths) {
    if (forks.test(module.name)) continue;
    for (const [output, inputs] of outputs) {
      if (!output.endsWith('_valid')) continue;
      for (const input of inputs) if (input.endsWith('_ready')) wrong.push(`${module.name}: ${input} -> ${output}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(paths.size).toBeGreaterThan(50);
});

test.each(['Endpoint', 'Switch', 'RegisterSlice', 'Fifo'])('%s has no combinational path between its streams at all', name => {
  const modules = [...paths].filter(([module]) => module.name === name || module.name.startsWith(`${name}_`));
  expect(modules.length).toBeGreaterThan(0);
  for (const [module, outputs] of modules) {
    for (const [output, inputs] of outputs) {
      expect([...inputs], `${module.name}: ${output}`).toEqual([]);
    }
  }
});

test('the check sees a path where there is one', () => {
  const arbiter = [...paths].find(([module]) => module.name === 'PacketArbiter')?.[1];
  expect([...(arbiter?.get('in_0_ready') ?? [])]).toContain('out_ready');
});
