import { type Chained, extendedHeader } from './chain.ts';
import type { BarParams, FunctionParams, FunctionPlace } from './function-params.ts';

/** Extended capabilities other than error reporting: serial number, ARI, ACS, resizable BARs, ATS. */

/** Device serial number (7.9.3). */
export function serialNumberRegisters(p: FunctionParams, place: Chained) {
  const number = p.serial_number ?? 0n;
  const half = (index: 0 | 1) =>
    ({
      offset: place.offset + 4 + 4 * index,
      absent: place.absent ?? false,
      doc: index === 0 ? 'Lower half of the serial number.' : 'Upper half of the serial number.',
      fields: {
        number: {
          bits: [31, 0],
          access: 'constant',
          reset: BigInt.asUintN(32, number >> BigInt(32 * index)),
          doc: 'Serial number.',
        },
      },
    }) as const;
  return {
    serial_header: extendedHeader(0x0003, 1, place, 'Device serial number.'),
    serial_lower: half(0),
    serial_upper: half(1),
  } as const;
}

/** Alternative routing ID interpretation (7.8.8): where the next function is. */
export function ariRegisters({ number, of }: FunctionPlace, place: Chained) {
  return {
    ari_header: extendedHeader(0x000e, 1, place, 'Alternative routing ID interpretation.'),
    ari: {
      offset: place.offset + 4,
      absent: place.absent ?? false,
      doc: 'ARI capability and control. There are no function groups.',
      fields: {
        next_function: {
          bits: [15, 8],
          access: 'constant',
          reset: number + 1 < of ? number + 1 : 0,
          doc: 'Next function; 0 ends the list.',
        },
      },
    },
  } as const;
}

/** Access control services of a function of several (7.7.8; C74, C76 to C78): never source validation, translation blocking or upstream forwarding. */
export function acsRegisters(p: FunctionParams, { of }: FunctionPlace, place: Chained) {
  const absent = place.absent ?? false;
  const translated = p.ats ? 1 : 0;
  return {
    acs_header: extendedHeader(0x000d, 1, place, 'Access control services.'),
    acs: {
      offset: place.offset + 4,
      absent,
      doc: 'What is done with TLPs from this function to its siblings.',
      fields: {
        redirect_requests_capable: { bits: 2, access: 'constant', reset: 1, doc: 'Has `redirect_requests`.' },
        redirect_completions_capable: { bits: 3, access: 'constant', reset: 1, doc: 'Has `redirect_completions`.' },
        egress_control_capable: { bits: 5, access: 'constant', reset: 1, doc: 'Has `egress_control`.' },
        direct_translated_capable: { bits: 6, access: 'constant', reset: translated, doc: 'Has `direct_translated`.' },
        vector_bits: { bits: [15, 8], access: 'constant', reset: of, doc: 'Bits of the egress control vector.' },
        redirect_requests: { bits: 18, access: 'rw', doc: 'Requests to siblings go up the link (C74).' },
        redirect_completions: { bits: 19, access: 'rw', doc: 'Completions to siblings go up the link (C76).' },
        egress_control: { bits: 21, access: 'rw', doc: 'The egress control vector decides (C77).' },
        direct_translated: { bits: 22, access: 'rw', writable: translated, doc: 'Translated requests go direct (C78).' },
      },
    },
    acs_egress: {
      offset: place.offset + 8,
      absent,
      doc: 'Egress control vector.',
      fields: {
        vector: { bits: [7, 0], access: 'rw', writable: 2 ** of - 1, doc: 'A bit per function: 1 blocks or redirects.' },
      },
    },
  } as const;
}

/** Index of a resizable BAR among those of the function. */
export type ResizeIndex = 0 | 1 | 2 | 3 | 4 | 5;

/** Resizable BARs (7.8.6, C94). A size changes only while memory enable is 0: see `FunctionConfigSpace`. */
export function resizeRegisters(p: FunctionParams, place: Chained) {
  const list = p.bars.filter(bar => bar.resizable);
  return {
    resize_header: extendedHeader(0x0015, 1, place, 'Resizable BARs.'),
    resize_capability_0: resizeCapability(list, place, 0),
    resize_capability_1: resizeCapability(list, place, 1),
    resize_capability_2: resizeCapability(list, place, 2),
    resize_capability_3: resizeCapability(list, place, 3),
    resize_capability_4: resizeCapability(list, place, 4),
    resize_capability_5: resizeCapability(list, place, 5),
    resize_control_0: resizeControl(list, place, 0),
    resize_control_1: resizeControl(list, place, 1),
    resize_control_2: resizeControl(list, place, 2),
    resize_control_3: resizeControl(list, place, 3),
    resize_control_4: resizeControl(list, place, 4),
    resize_control_5: resizeControl(list, place, 5),
  } as const;
}

/** The encoded size: 2^(20 + n) bytes. */
export const sizeCode = (bytes: number): number => Math.log2(bytes) - 20;

function resizeCapability(list: readonly BarParams[], { offset }: Chained, index: ResizeIndex) {
  const sizes = (list[index]?.resizable ?? []).map(sizeCode).reduce((mask, code) => mask | (1 << code), 0);
  return {
    offset: offset + 4 + 8 * index,
    absent: list[index] === undefined,
    doc: 'Sizes that a BAR can have.',
    fields: { sizes: { bits: [31, 4], access: 'constant', reset: sizes, doc: 'Bit n: 2^(20 + n) bytes.' } },
  } as const;
}

function resizeControl(list: readonly BarParams[], { offset }: Chained, index: ResizeIndex) {
  const bar = list[index];
  return {
    offset: offset + 8 + 8 * index,
    absent: bar === undefined,
    doc: 'Which BAR, and its size.',
    fields: {
      bar: { bits: [2, 0], access: 'constant', reset: bar?.slot ?? 0, doc: 'Number of the BAR.' },
      count: {
        bits: [7, 5],
        access: 'constant',
        reset: index === 0 ? list.length : 0,
        doc: 'Resizable BARs of the function; in the first only.',
      },
      size: {
        bits: [13, 8],
        access: 'rw',
        reset: bar ? sizeCode(bar.bytes) : 0,
        legal: bar?.resizable?.map(sizeCode) ?? [0],
        doc: 'The BAR has 2^(20 + n) bytes. Writes take effect while memory enable is 0.',
      },
    },
  } as const;
}

/** Address translation services in outline (10.5.1, C95). */
export function atsRegisters(p: FunctionParams, place: Chained) {
  const depth = p.ats?.queue_depth ?? 1;
  return {
    ats_header: extendedHeader(0x000f, 1, place, 'Address translation services.'),
    ats: {
      offset: place.offset + 4,
      absent: place.absent ?? false,
      doc: 'ATS capability and control.',
      fields: {
        queue_depth: { bits: [4, 0], access: 'constant', reset: depth % 32, doc: 'Invalidations that can wait; 0 means 32.' },
        aligned_request: { bits: 5, access: 'constant', reset: 1, doc: 'Translation requests are aligned to 4 KiB.' },
        smallest_unit: { bits: [20, 16], access: 'rw', doc: 'Smallest translation unit: 2^(12 + n) bytes.' },
        enable: { bits: 31, access: 'rw', doc: 'Translations may be asked for and used.' },
      },
    },
  } as const;
}
