import { verilator } from '@hdl/verilator-wrapper';
import { afterAll, test } from 'vitest';
import { Bench } from '../../../hdl/test/cells/bench.ts';
import { examples } from '../../../hdl/test/cells/examples.ts';
import { oneTop } from '../../../hdl/test/cells/one-top.ts';
import { properties } from '../../../hdl/test/cells/properties.ts';

const simulation = verilator(oneTop(examples), { memories: [] });
afterAll(() => simulation[Symbol.dispose]());

test.each(properties.map(each => [each.example, each.holds, each] as const))('%s: %s', (_, __, { check }) => {
  check(example => new Bench(simulation, example), { numRuns: 15, seed: 2 });
});
