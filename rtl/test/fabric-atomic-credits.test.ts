import { describe, expect, test } from 'vitest';
import { elaborate } from '../../hdl/src/index.ts';
import { TransactionLayer, type TransactionLayerParams } from '../src/endpoint/transaction-layer.ts';
import { atomic, completionOf, memoryRead, type Packet, packetName } from '../src/tlp/packet.ts';
import { Status, TlpType } from '../src/tlp/tlp.ts';
import { DeviceBench, type PartnerCredits, wide } from './switch-device-bench.ts';

/** An endpoint with one function that has memory alone. */
const layerParams = (data: number, atomic_completer: boolean): TransactionLayerParams => ({
  width: 64,
  memory_bytes: 4096,
  credits: { posted: { headers: 4, data: 16 }, non_posted: { headers: 4, data }, completion: 'infinite' },
  tags: 32,
  buffer_bytes: 4096,
  max_read_request: 512,
  cycles_per_microsecond: 20,
  functions: [
    {
      config: {
        vendor_id: 0x1d1d,
        device_id: 0xe001,
        class_code: 0x058000,
        max_payload: 128,
        atomic_completer,
        bars: [{ slot: 0, bytes: 4096, width: 64, prefetchable: true }],
      },
      map: [{ to: 'memory', base: 0, bytes: 4096 }],
    },
  ],
});

/** What partners advertise for non-posted data. */
const advertising = (data: number): PartnerCredits => ({ ...wide, non_posted: { headers: 4, data } });

function asked(data: number): {
  readonly there: string[];
  readonly answers: readonly (readonly [tag: number, status: number])[];
} {
  using bench = new DeviceBench({ ports: 2, width: 64, max_payload: 128, partnerCredits: advertising(data) });
  bench.configure();
  const address = (bench.ports[2]?.memory[0] ?? 0n) + 0x100n;
  const from = { requester_id: (bench.ports[1]?.secondary ?? 0) << 8, address };
  const requests: readonly Packet[] = [
    atomic(TlpType.compareSwap, { ...from, tag: 1, data: new Uint8Array(32) }),
    atomic(TlpType.compareSwap, { ...from, tag: 2, data: new Uint8Array(16) }),
    atomic(TlpType.fetchAdd, { ...from, tag: 3, data: new Uint8Array(8) }),
    memoryRead({ ...from, tag: 4, bytes: 4 }),
  ];
  bench.send(1, ...requests);
  const answers = bench.taken(1).map(p => [p.tag, completionOf(p).status] as const);
  return { there: bench.taken(2).map(packetName), answers };
}

describe('AtomicOps and the credits for their operands', () => {
  test.each([0, 2, 8])('C70b C98: with %i non-posted data credits (0: infinite) a receiver gets AtomicOps of all sizes', data => {
    expect(asked(data)).toEqual({ there: ['CAS', 'CAS', 'FetchAdd', 'MRd'], answers: [] });
  });

  test('C70b C98: a receiver with 1 gets none, and the rest goes on', () => {
    const refused = [1, 2, 3].map(tag => [tag, Status.unsupported]);
    expect(asked(1)).toEqual({ there: ['MRd'], answers: refused });
  });

  test('C70b: an endpoint that completes AtomicOps advertises at least 2', () => {
    const make = (data: number, atomic_completer: boolean) =>
      elaborate(() => new TransactionLayer(layerParams(data, atomic_completer)));
    expect(() => make(1, true)).toThrow(/completes AtomicOps has 1 data credit[\s\S]*at least 2/);
    make(2, true);
    make(1, false);
  });
});
