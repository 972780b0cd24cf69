import { expect, test } from 'vitest';
import { checked, elaborate, type ir } from '../../hdl/src/index.ts';
import { CombinationalGraph, type OutputPaths } from '../../hdl/src/passes/combinational-graph.ts';
import { type ClassCredits, EcrcChecker, EcrcGenerator, LinkEnd } from '../src/index.ts';

const class_credits: ClassCredits = { headers: 8, data: 64 };
const credits = { posted: class_credits, non_posted: class_credits, completion: class_credits };

/** Combinational paths from inputs to outputs of every module of a design. */
function pathsOf(design: ir.Design): Map<string, OutputPaths> {
  const paths = new Map<ir.Module, OutputPaths>();
  const none: OutputPaths = new Map();
  for (const module of design.modules) paths.set(module, new CombinationalGraph(module, child => paths.get(child) ?? none).paths);
  return new Map([...paths].map(([module, found]) => [module.name, found]));
}

const designs = [
  ['LinkEnd', elaborate(() => new LinkEnd({ width: 64, credits }))],
  [
    'LinkEnd with infinite completion credits',
    elaborate(() => new LinkEnd({ width: 64, credits: { ...credits, completion: 'infinite' } })),
  ],
  ['EcrcGenerator', elaborate(() => new EcrcGenerator({ width: 64 }))],
  ['EcrcChecker', elaborate(() => new EcrcChecker({ width: 64 }))],
] as const;

test.each(designs)('%s has no combinational path between its ports, and none inside from a ready to a valid', (_, { design }) => {
  const paths = pathsOf(checked(design));
  const top = [...(paths.get(design.top.name) ?? [])].filter(([, inputs]) => [...inputs].length > 0);
  expect(top).toEqual([]);
  expect(paths.size).toBeGreaterThan(2);
  for (const [module, outputs] of paths)
    for (const [output, inputs] of outputs)
      if (output.endsWith('_valid'))
        expect(
          [...inputs].filter(name => name.endsWith('_ready')),
          `${module}: ${output}`,
        ).toEqual([]);
});

test('the pipeline behind is seen to have the path that it says it has', () => {
  const { design } = elaborate(() => new EcrcGenerator({ width: 64 }));
  expect([...(pathsOf(checked(design)).get('EcrcPipeline')?.get('in_ready') ?? [])]).toContain('out_ready');
});
