import { expect, test } from 'vitest';
import { checked, elaborate } from '../../hdl/src/index.ts';
import { Endpoint } from '../src/endpoint/endpoint.ts';
import { endpointOf, memoryFunction, nicFunction, nvmeFunction } from '../src/endpoint/endpoint-params.ts';
import { graphsOf, readyToValid } from './handshake-paths.ts';

const functions = [
  nvmeFunction({ device_id: 1 }),
  nicFunction({ device_id: 2 }),
  memoryFunction({ device_id: 3, memory_bytes: 65_536 }),
];

test.each([
  false,
  true,
])('no ready of the endpoint or its parts reaches a valid; its ports have no paths between them (digests: %s)', ecrc => {
  const { design } = elaborate(() => new Endpoint(endpointOf(functions, { ecrc })));
  const graphs = graphsOf(checked(design));
  expect(readyToValid(graphs, ['CompletionSequencer'])).toEqual([]);
  // It is the only one that needs to be named, and its paths are there.
  expect(readyToValid(graphs, []).every(path => path.startsWith('CompletionSequencer: '))).toBe(true);
  const paths = [...graphs].find(([{ name }]) => name === 'Endpoint')?.[1].paths;
  expect(paths && [...paths].filter(([, inputs]) => inputs.size > 0)).toEqual([]);
});
