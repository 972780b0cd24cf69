import { checked, elaborate, emitVerilog, type Module } from '@hdl/ts-hdl';
import { expect, test } from 'vitest';
import { ConfigSpaces } from '../../rtl/src/config/config-spaces.ts';
import { AtomicRequester } from '../../rtl/src/endpoint/dma/atomic-requester.ts';
import { DmaEngine } from '../../rtl/src/endpoint/dma/dma-engine.ts';
import { Endpoint } from '../../rtl/src/endpoint/endpoint.ts';
import { endpointOf, memoryFunction, nvmeFunction } from '../../rtl/src/endpoint/endpoint-params.ts';
import { BarMemory } from '../../rtl/src/endpoint/receive/bar-memory.ts';
import { ReceiveSide } from '../../rtl/src/endpoint/receive/receive-side.ts';
import { Doorbells } from '../../rtl/src/endpoint/registers/doorbells.ts';
import { Msix } from '../../rtl/src/endpoint/registers/msix.ts';
import { TransactionLayer } from '../../rtl/src/endpoint/transaction-layer.ts';
import { LinkEnd } from '../../rtl/src/link/link-end.ts';
import { LinkPort } from '../../rtl/src/link/link-port.ts';
import { LinkModel } from '../../rtl/src/link/model/link-model.ts';
import { Crossbar } from '../../rtl/src/switch/crossbar.ts';
import { Switch } from '../../rtl/src/switch/switch.ts';
import { EcrcChecker } from '../../rtl/src/tlp/ecrc-checker.ts';
import { EcrcGenerator } from '../../rtl/src/tlp/ecrc-generator.ts';
import { lint } from './lint.ts';

const width = 128;
const memory_bytes = 65_536;
const address_width = Math.log2((memory_bytes * 8) / width);
const bars = [
  { slot: 0, bytes: 16_384, width: 32, prefetchable: false },
  { slot: 2, bytes: memory_bytes, width: 64, prefetchable: true },
] as const;
const described = { vendor_id: 0x1d1d, device_id: 0xe000, class_code: 0x010802, max_payload: 512, bars };
const credits = { posted: { headers: 16, data: 128 }, non_posted: { headers: 16, data: 16 }, completion: 'infinite' } as const;
const link = { generation: 3, lanes: 4, max_payload: 256, clock_mhz: 250, latency_ns: 100 } as const;
const requester = { width, functions: 2, bars: 2, cycles_per_microsecond: 250 };

/** Blocks that stand in no fabric yet; each with all blocks that it is made of. */
const blocks: readonly (readonly [name: string, make: () => Module<never> | Module<unknown>])[] = [
  ['LinkEnd', () => new LinkEnd({ width, credits })],
  ['LinkPort', () => new LinkPort({ width, credits })],
  ['LinkModel', () => new LinkModel({ width, ...link })],
  ['LinkModel', () => new LinkModel({ width, ...link, errors: { tlps: 0.01, updates: 0.01, seed: 1 } })],
  ['EcrcGenerator', () => new EcrcGenerator({ width })],
  ['EcrcChecker', () => new EcrcChecker({ width })],
  [
    'ConfigSpaces',
    () => new ConfigSpaces({ width, functions: [{ ...described, serial_number: 1n, ats: { queue_depth: 8 } }, described] }),
  ],
  ['Msix', () => new Msix({ width, vectors: 64 })],
  ['Doorbells', () => new Doorbells({ count: 64, stride: 8 })],
  [
    'ReceiveSide',
    () =>
      new ReceiveSide({
        width,
        address_width,
        bars: 2,
        maps: [0, 1].map(f => [
          { to: 'registers', base: 0, bytes: 16_384 },
          { to: 'memory', base: (f * memory_bytes) / 2, bytes: memory_bytes / 2 },
        ]),
      }),
  ],
  ['BarMemory', () => new BarMemory({ width, bytes: memory_bytes, writers: 2, readers: 3 })],
  [
    'DmaEngine',
    () =>
      new DmaEngine({
        ...requester,
        address_width,
        tags: 64,
        buffer_bytes: 16_384,
        max_read_request: 512,
        max_payload: 512,
        regions: [{ function: 0, bar: 1, base: 0 }],
      }),
  ],
  ['AtomicRequester', () => new AtomicRequester({ ...requester, tag: 8 })],
  [
    'TransactionLayer',
    () =>
      new TransactionLayer({
        width,
        memory_bytes,
        credits,
        tags: 64,
        buffer_bytes: 16_384,
        max_read_request: 512,
        cycles_per_microsecond: 250,
        functions: [
          {
            config: described,
            map: [
              { to: 'registers', base: 0, bytes: 16_384 },
              { to: 'memory', base: 0, bytes: memory_bytes },
            ],
          },
        ],
      }),
  ],
  [
    'Endpoint',
    () =>
      new Endpoint(
        endpointOf([nvmeFunction({ device_id: 1, memory_bytes }), memoryFunction({ device_id: 3, memory_bytes })], {
          width,
          ecrc: true,
        }),
      ),
  ],
  ['Crossbar', () => new Crossbar({ width, ports: 4, slots: 64 })],
  ['Switch', () => new Switch({ width, ports: 3, vendor_id: 0x1d1d, device_id: 0x5100 })],
  [
    'Switch',
    () =>
      new Switch({
        width,
        ports: 3,
        vendor_id: 0x1d1d,
        device_id: 0x5100,
        multicast: true,
        hot_plug: true,
        weights: [1, 2, 3, 4],
      }),
  ],
];

test.each(blocks)('%s: Verilator, slang, Yosys and Icarus have nothing to say', async (name, make) => {
  const files = emitVerilog(checked(elaborate(make).design));
  expect(await lint(files, name)).toBe('');
});
