import type { EndpointFunction, EndpointParams } from '../../../rtl/src/endpoint/endpoint-params.ts';

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
    { to: 'registers', base: 0, bytes: 8 * KiB },
    { to: 'memory', base: 48 * KiB, bytes: 16 * KiB },
  ],
] as const;

type RegisterLayout = NonNullable<EndpointFunction['registers']>;

/** Registers of functions 0 and 2: those of a block device, and some at odd places. */
export const registerLayouts = [
  {
    identification: 0,
    mailbox: { offset: 0x400, bytes: 0x400 },
    doorbells: { offset: 0x1000, count: 16, stride: 4 },
    msix: { vectors: 8, table: 0x2000, pending: 0x3000 },
  },
  undefined,
  {
    mailbox: {
      offset: 0x804,
      bytes: 0x400,
      read_only: [{ offset: 0xb84, bytes: 0x40 }],
      events: [
        { offset: 0x804, bytes: 0x40 },
        { offset: 0x904, bytes: 0x8 },
        { offset: 0xa00, bytes: 0x4 },
      ],
      hidden: [{ offset: 0xbc4, bytes: 8, shown_by: 0x904, bit: 9 }],
    },
    doorbells: { offset: 0x1008, count: 5, stride: 8 },
    msix: { vectors: 5, table: 0x1808, pending: 0x1a00 },
  },
] as const satisfies readonly (RegisterLayout | undefined)[];

/** What the functions are: a drive with registers and memory, memory alone, and one that forgets everything in D3hot. */
export const functionParams: readonly EndpointFunction['config'][] = [
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
    atomic_requester: true,
    ten_bit_tags: true,
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
      { slot: 1, bytes: 8 * KiB, width: 32, prefetchable: false },
      { slot: 4, bytes: 16 * KiB, width: 64, prefetchable: false },
    ],
  },
];

/** Tags of all requesters of the endpoint. */
export const tags = 512;

/** The endpoint under test. Credits are few, so that they run out. */
export const deviceParams = (width: number): EndpointParams => ({
  width,
  memory_bytes: memoryBytes,
  credits: { posted: { headers: 6, data: 40 }, non_posted: { headers: 4, data: 4 }, completion: 'infinite' },
  tags,
  buffer_bytes: 2 * KiB,
  max_read_request: 512,
  cycles_per_microsecond: 4,
  ecrc: true,
  functions: functionParams.map((config, f) => {
    const registers = registerLayouts[f];
    return { config, map: [...(barMaps[f] ?? [])], ...(registers ? { registers } : {}) };
  }),
});
