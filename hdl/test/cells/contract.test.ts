import { describe, expect, test } from 'vitest';
import type { Formula } from '../../src/cells/contract.ts';
import * as hdl from '../../src/index.ts';
import { catalogued, cataloguePage } from './catalogue.ts';
import { type Example, examples } from './examples.ts';
import { measure } from './measure.ts';

/** The value of a formula for the parameters of an example. */
function evaluated(formula: Formula | undefined, { parameters }: Example): number | undefined {
  if (formula === undefined || typeof formula === 'number') return formula;
  const names = Object.keys(parameters);
  return new Function(...names, `return ${formula};`)(...names.map(name => parameters[name])) as number;
}

describe.each(examples.map(example => [example.name, example] as const))('%s', (_, example) => {
  const { contract } = example.cell;
  const measured = measure(example);

  test('latency, throughput and storage are those of the contract', () => {
    const { latency, throughput, storage } = measured;
    const promised = [contract.latency, contract.throughput, contract.storage].map(formula => evaluated(formula, example));
    expect([latency, throughput, storage]).toEqual(promised);
  });

  test('combinational paths are those of the contract, and none else', () => {
    expect(measured.paths).toEqual(contract.paths);
  });

  test('reset leaves alone what the contract says', () => {
    expect(measured.keeps).toEqual(contract.keeps);
  });
});

const cells = Object.entries<unknown>(hdl).flatMap(([name, value]) =>
  typeof value === 'function' && 'contract' in value ? [name] : [],
);

test('every cell has an example', () => {
  expect(cells.filter(name => !examples.some(({ cell }) => cell.name === name))).toEqual([]);
  expect(cells.length).toBeGreaterThan(15);
});

test('every cell stands in the catalogue', () => {
  expect(cells.filter(name => !catalogued.includes(name))).toEqual([]);
});

test('only the lazy fork has a path from ready to valid', () => {
  const wrong = examples.filter(({ cell }) => cell.contract.paths.some(path => /^\S*valid: .*ready/.test(path)));
  expect(wrong.map(({ name }) => name)).toEqual(['lazy_fork']);
});

test('docs/cells.md is made from the contracts', async () => {
  await expect(cataloguePage()).toMatchFileSnapshot('../../../docs/cells.md');
});
