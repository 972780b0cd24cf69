import { expect, test } from 'vitest';
import { checked, elaborate, type ir } from '../../hdl/src/index.ts';
import { CombinationalGraph, type OutputPaths } from '../../hdl/src/passes/combinational-graph.ts';
import { BarMemory } from '../src/endpoint/receive/bar-memory.ts';
import { ReceiveSide } from '../src/endpoint/receive/receive-side.ts';
import { maps } from './receive-bench.ts';

function pathsOf(design: ir.Design): Map<ir.Module, OutputPaths> {
  const paths = new Map<ir.Module, OutputPaths>();
  const none: OutputPaths = new Map();
  for (const module of design.modules) paths.set(module, new CombinationalGraph(module, child => paths.get(child) ?? none).paths);
  return paths;
}

const side = pathsOf(checked(elaborate(() => new ReceiveSide({ width: 128, address_width: 11, maps, bars: 2 })).design));
const memory = pathsOf(checked(elaborate(() => new BarMemory({ width: 128, bytes: 4096, writers: 2, readers: 2 })).design));
const top = (paths: Map<ir.Module, OutputPaths>, name: string): OutputPaths => {
  const found = [...paths].find(([module]) => module.name === name);
  if (!found) throw new Error(`no module ${name}`);
  return found[1];
};

test('no valid depends on a ready from outside', () => {
  const wrong: string[] = [];
  for (const [name, outputs] of [...top(side, 'ReceiveSide'), ...top(memory, 'BarMemory')])
    if (name.endsWith('_valid')) for (const input of outputs) if (input.endsWith('_ready')) wrong.push(`${input} -> ${name}`);
  expect(wrong).toEqual([]);
});

test('nothing that comes from the link, but what depends on the controls, reaches an output in the same cycle', () => {
  const paths = top(side, 'ReceiveSide');
  const from = (input: string) =>
    [...paths].filter(([, inputs]) => [...inputs].some(name => name.startsWith(input))).map(([name]) => name);
  for (const input of [
    'posted_valid',
    'posted_header',
    'posted_data',
    'non_posted_',
    'completion_valid',
    'completion_data',
    'tx_ready',
  ])
    expect(
      from(input).filter(name => !name.endsWith('_ready')),
      input,
    ).toEqual([]);
  expect(from('link_data_valid')).toEqual([]);
});
