import { expect, test } from 'vitest';
import { checked, elaborate } from '../../hdl/src/index.ts';
import { defaultTopology, Fabric } from '../src/index.ts';
import { graphsOf, readyToValid } from './handshake-paths.ts';

const { design } = elaborate(() => new Fabric({ topology: defaultTopology(), width: 256 }));
const graphs = graphsOf(checked(design));
const paths = new Map([...graphs].map(([module, graph]) => [module, graph.paths]));

test('no module of the fabric has a combinational path from a ready to a valid', () => {
  // Inside the completer a beat's plan and the read for it go together; the completer closes the paths between them.
  expect(readyToValid(graphs, ['CompletionSequencer'])).toEqual([]);
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
