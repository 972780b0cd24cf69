import type { TransactionLayerParams } from '@hdl/pcie-rtl';

const KiB = 1024;

/** Bytes of the BAR memory that all functions share. */
export const memoryBytes = 64 * KiB;

/** BARs of the functions, in order: what they show, and where it lies in the BAR memory or in the function's registers. */
export const barMaps = [
  [
    { to: 'registers', base: 0, bytes: 16 * KiB },
    { to: 'memory', base: 0, bytes: 32 * KiB },
  ],
  [{ to: 'memory', base: 32 * KiB, bytes: 16 * KiB }],
  [
    { to: 'registers', base: 0, bytes: 4 * KiB },
    { to: 'memory', base: 48 * KiB, bytes: 16 * KiB },
  ],
] as const;

/** What the functions are: a drive with registers and memory, memory alone, and one that forgets everything in D3hot. */
export const functionParams: readonly TransactionLayerParams['functions'][number]['config'][] = [
  {
    vendor_id: 0x1d1d,
    device_id: 0xe001,
    class_code: 0x010802,
    max_payload: 256,
    bars: [
      { slot: 0, bytes: 16 * KiB, width: 32, prefetchable: false },
      { slot: 2, bytes: 32 * KiB, width: 64, prefetchable: true },
    ],
    atomic_completer: true,
    serial_number: 0x0123_4567_89ab_cdefn,
  },
  {
    vendor_id: 0x1d1d,
    device_id: 0xe002,
    class_code: 0x058000,
    max_payload: 256,
    requester: false,
    atomic_completer: true,
    bars: [{ slot: 0, bytes: 16 * KiB, width: 64, prefetchable: true }],
  },
  {
    vendor_id: 0x1d1d,
    device_id: 0xe003,
    class_code: 0x020000,
    max_payload: 512,
    no_soft_reset: false,
    bars: [
      { slot: 1, bytes: 4 * KiB, width: 32, prefetchable: false },
      { slot: 4, bytes: 16 * KiB, width: 64, prefetchable: false },
    ],
  },
];

/** The endpoint under test. Credits are few, so that they run out. */
export const deviceParams = (width: number): TransactionLayerParams => ({
  width,
  memory_bytes: memoryBytes,
  credits: { posted: { headers: 6, data: 40 }, non_posted: { headers: 4, data: 4 }, completion: 'infinite' },
  tags: 32,
  buffer_bytes: 2 * KiB,
  max_read_request: 512,
  cycles_per_microsecond: 4,
  functions: functionParams.map((config, f) => ({ config, map: [...(barMaps[f] ?? [])] })),
});
