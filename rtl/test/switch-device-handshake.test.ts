import { expect, test } from 'vitest';
import { checked, elaborate, type ir } from '../../hdl/src/index.ts';
import { CombinationalGraph, type OutputPaths } from '../../hdl/src/passes/combinational-graph.ts';
import { Switch, type SwitchParams } from '../src/switch/switch.ts';

const plain = { width: 64, ports: 2, vendor_id: 1, device_id: 2, max_payload: 128 } as const;
const variants = [
  ['plain', plain],
  ['with every option', { ...plain, multicast: true, hot_plug: true, weights: [1, 2, 3] }],
] as const;

/** Combinational paths from inputs to outputs of every module of the switch. */
function pathsOf(params: SwitchParams) {
  const { modules, top } = checked(elaborate(() => new Switch(params)).design);
  const paths = new Map<ir.Module, OutputPaths>();
  const none: OutputPaths = new Map();
  for (const module of modules) paths.set(module, new CombinationalGraph(module, child => paths.get(child) ?? none).paths);
  return { paths, top };
}

test.each(variants)('the switch has no combinational path between its ports (%s)', (_, params) => {
  const { paths, top } = pathsOf(params);
  expect(paths.get(top)?.size).toBeGreaterThan(20);
  const found = [...(paths.get(top) ?? [])].filter(([, inputs]) => [...inputs].length > 0);
  expect(found).toEqual([]);
});

test.each(variants)('no path from a ready to a valid, in any module of it (%s)', (_, params) => {
  const { paths } = pathsOf(params);
  expect(paths.size).toBeGreaterThan(15);
  for (const [module, outputs] of paths)
    for (const [output, inputs] of outputs)
      if (output.endsWith('_valid'))
        expect(
          [...inputs].filter(name => name.endsWith('_ready')),
          `${module.name}: ${output}`,
        ).toEqual([]);
});
