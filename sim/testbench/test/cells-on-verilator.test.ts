import { ResetSynchroniser } from '@hdl/ts-hdl';
import { verilator } from '@hdl/verilator-wrapper';
import { afterAll, test } from 'vitest';
import { Bench } from '../../../hdl/test/cells/bench.ts';
import { type Example, examples } from '../../../hdl/test/cells/examples.ts';
import { oneTop } from '../../../hdl/test/cells/one-top.ts';
import { properties } from '../../../hdl/test/cells/properties.ts';

/** One reset cannot be synchronous for some cells and asynchronous for others: two designs. */
const isAsynchronous = ({ cell }: Example) => cell === ResetSynchroniser;
const synchronous = verilator(oneTop(examples.filter(each => !isAsynchronous(each))), { memories: [] });
const asynchronous = verilator(oneTop(examples.filter(isAsynchronous)), { memories: [] });
afterAll(() => {
  synchronous[Symbol.dispose]();
  asynchronous[Symbol.dispose]();
});

test.each(properties.map(each => [each.example, each.holds, each] as const))('%s: %s', (_, __, { check }) => {
  check(example => new Bench(isAsynchronous(example) ? asynchronous : synchronous, example), { numRuns: 15, seed: 2 });
});
