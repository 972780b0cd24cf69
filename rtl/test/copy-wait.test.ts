import { expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { CopyWait } from '../src/switch/copy-wait.ts';

test.each([
  ['its last beat', 'goes_on'],
  ['that its link has left it unfinished', 'gives_up'],
] as const)('C60 C61: a TLP that is copied holds back what comes behind it from %s until its copies have left', (_, end) => {
  using sim = simulate(() => new CopyWait({ posted: 8 }));
  const { dut } = sim;
  const inputs = [
    'came',
    'first',
    'last',
    'copyable',
    'begins',
    'copies',
    'posted',
    'goes_on',
    'ends',
    'gives_up',
    'gone',
    'copied',
  ] as const;
  /** A cycle with these inputs. @returns whether what comes in the next one waits. */
  const cycle = (...given: readonly (typeof inputs)[number][]): number => {
    for (const name of inputs) sim.poke(dut[name], given.includes(name) ? 1 : 0);
    sim.step();
    sim.settle();
    return Number(sim.peek(dut.stalls));
  };
  expect(cycle('came', 'first', 'copyable')).toBe(0);
  expect(cycle('begins', 'copies', 'posted')).toBe(0);
  for (let i = 0; i < 40; i++) expect(cycle()).toBe(0);
  if (end === 'goes_on') expect(cycle('came', 'last')).toBe(1);
  expect(end === 'goes_on' ? cycle('goes_on', 'ends') : cycle('gives_up')).toBe(1);
  for (let i = 0; i < 40; i++) expect(cycle()).toBe(1);
  expect(cycle('copied')).toBe(0);
  expect(cycle()).toBe(0);
});
