import { blockDevice, defaultTopology, Endpoint, Fabric } from '@hdl/pcie-rtl';
import type { Module } from '@hdl/ts-hdl';
import { OpenFabric } from './open-fabric.ts';

/** A design, and the files of Python tests that judge it. */
export interface Suite {
  readonly name: string;
  /** What is judged, in a few words. */
  readonly subject: string;
  readonly make: () => Module<never> | Module<unknown>;
  /** What the tests are told of it. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Files of `rtl/cocotb`. */
  readonly files: readonly string[];
}

const width = 256;
const endpoint = { device_id: 0xe000, vendor_id: 0x1d1d, class_code: 0x018000, memory_bytes: 64 * 1024 } as const;
const tags = 32;

/** What the endpoint of the default topology is, with less memory; it completes AtomicOps, too. */
const ourEndpoint = () => blockDevice({ ...endpoint, more: { atomic_completer: true } }, { width, tags });

const parameters = { width, tags, ...endpoint, register_bytes: 16384, doorbells: 16, vectors: 8 };

/** In the order in which they run; each design is compiled once for all its files. */
export const suites: readonly Suite[] = [
  {
    name: 'endpoint',
    subject: 'our endpoint below a model of a root complex, and below a model of a switch beside a model of a device',
    make: () => new Endpoint(ourEndpoint()),
    parameters,
    files: ['test_endpoint.py', 'test_endpoint_dma.py', 'test_endpoint_errors.py', 'test_model_switch.py'],
  },
  {
    name: 'switch',
    subject: 'our switch with our endpoint, between a model of a root complex and models of two devices',
    make: () =>
      new OpenFabric({
        switch: { width, ports: 3, vendor_id: 0x1d1d, device_id: 0x5100, max_payload: 256 },
        endpoint: ourEndpoint(),
      }),
    parameters,
    files: ['test_switch.py'],
  },
  {
    name: 'fabric',
    subject: 'the whole default fabric below a model of a root complex',
    make: () => new Fabric({ topology: defaultTopology(), width }),
    parameters: { width, endpoints: defaultTopology().endpoints.map(({ name, params }) => ({ name, ...params })) },
    files: ['test_fabric.py'],
  },
];
