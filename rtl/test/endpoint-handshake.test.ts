import { expect, test } from 'vitest';
import { checked, elaborate, type ir } from '../../hdl/src/index.ts';
import { CombinationalGraph, type OutputPaths } from '../../hdl/src/passes/combinational-graph.ts';
import { Endpoint } from '../src/endpoint/endpoint.ts';
import { endpointOf, memoryFunction, nicFunction, nvmeFunction } from '../src/endpoint/endpoint-params.ts';

const functions = [
  nvmeFunction({ device_id: 1 }),
  nicFunction({ device_id: 2 }),
  memoryFunction({ device_id: 3, memory_bytes: 65_536 }),
];

/** Its two streams move together, and both go into FIFOs whose ready comes from registers. */
const together = ['CompletionSequencer'];

test.each([
  false,
  true,
])('no ready of the endpoint or its parts reaches a valid; its ports have no paths between them (digests: %s)', ecrc => {
  const { design } = elaborate(() => new Endpoint(endpointOf(functions, { ecrc })));
  const paths = new Map<ir.Module, OutputPaths>();
  for (const module of checked(design).modules)
    paths.set(module, new CombinationalGraph(module, child => paths.get(child) ?? new Map()).paths);
  const wrong: string[] = [];
  for (const [module, outputs] of paths) {
    if (together.includes(module.name)) continue;
    for (const [output, inputs] of outputs)
      for (const input of inputs)
        if (module.name === 'Endpoint' || (output.endsWith('_valid') && input.endsWith('_ready')))
          wrong.push(`${module.name}: ${input} -> ${output}`);
  }
  expect(wrong).toEqual([]);
  expect([...paths.keys()].some(({ name }) => name === 'Endpoint')).toBe(true);
});
