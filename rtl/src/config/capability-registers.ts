import type { FunctionParams } from './function-params.ts';

/** Where a capability stands, and the next one (0: none). */
export interface Chained {
  readonly offset: number;
  readonly next: number;
  readonly absent?: boolean;
}

const id = (value: number) => ({ bits: [7, 0], access: 'constant', reset: value, doc: 'Which capability this is.' }) as const;
const following = (value: number) =>
  ({ bits: [15, 8], access: 'constant', reset: value, doc: 'Offset of the next one.' }) as const;

/** Power management: D0 and D3hot, no PME (7.5.2). */
export function powerManagementRegisters(p: FunctionParams, { offset, next }: Chained) {
  return {
    power_capability: {
      offset,
      doc: 'Power management capability.',
      fields: {
        id: id(0x01),
        next: following(next),
        version: { bits: [18, 16], access: 'constant', reset: 3, doc: 'Version. No D1, no D2, no PME.' },
      },
    },
    power_control: {
      offset: offset + 4,
      doc: 'Power management control and status.',
      fields: {
        power_state: {
          bits: [1, 0],
          access: 'rw',
          legal: [0, 3],
          values: { d0: 0, d3hot: 3 },
          doc: 'In D3hot the function answers configuration requests only and sends no request.',
        },
        no_soft_reset: {
          bits: 3,
          access: 'constant',
          reset: p.no_soft_reset === false ? 0 : 1,
          doc: 'The way from D3hot to D0 keeps the state.',
        },
      },
    },
  } as const;
}

/** MSI-X (7.7.2). */
export function msixRegisters(p: FunctionParams, { offset, next, absent = false }: Chained) {
  const { vectors, table, pending } = p.msix ?? { vectors: 1, table: { slot: 0, offset: 0 }, pending: { slot: 0, offset: 0 } };
  return {
    msix_control: {
      offset,
      absent,
      doc: 'MSI-X capability and message control.',
      fields: {
        id: id(0x11),
        next: following(next),
        table_size: { bits: [26, 16], access: 'constant', reset: vectors - 1, doc: 'Vectors, minus 1.' },
        function_mask: { bits: 30, access: 'rw', doc: 'All vectors are masked.' },
        enable: { bits: 31, access: 'rw', doc: 'MSI-X is on.' },
      },
    },
    msix_table: {
      offset: offset + 4,
      absent,
      doc: 'Where the vector table is.',
      fields: {
        bar: { bits: [2, 0], access: 'constant', reset: table.slot, doc: 'Number of the BAR.' },
        base: { bits: [31, 3], access: 'constant', reset: table.offset / 8, doc: 'Offset in the BAR, in 8 bytes.' },
      },
    },
    msix_pending: {
      offset: offset + 8,
      absent,
      doc: 'Where the pending bits are.',
      fields: {
        bar: { bits: [2, 0], access: 'constant', reset: pending.slot, doc: 'Number of the BAR.' },
        base: { bits: [31, 3], access: 'constant', reset: pending.offset / 8, doc: 'Offset in the BAR, in 8 bytes.' },
      },
    },
  } as const;
}

/** Gen4 x8: 15.75 GB/s, the generation and width next to a 256-bit beat at 500 MHz. The link has no training, so these are constants. */
const link = { speed: 4, lanes: 8, speeds: 0b1111 } as const;

/** PCI Express capability, version 2, of an endpoint (7.5.3). */
export function expressRegisters(p: FunctionParams, { offset, next }: Chained) {
  const payload = Math.log2(p.max_payload / 128);
  const flag = (value: boolean | undefined) => (value ? 1 : 0);
  return {
    express_capability: {
      offset,
      doc: 'PCI Express capability.',
      fields: {
        id: id(0x10),
        next: following(next),
        version: { bits: [19, 16], access: 'constant', reset: 2, doc: 'Version.' },
        port_type: { bits: [23, 20], access: 'constant', reset: 0, doc: 'Endpoint.' },
      },
    },
    device_capabilities: {
      offset: offset + 0x04,
      doc: 'Device capabilities.',
      fields: {
        max_payload: { bits: [2, 0], access: 'constant', reset: payload, doc: 'Largest payload: 128 << n bytes (C4).' },
        extended_tag: { bits: 5, access: 'constant', reset: 1, doc: '8-bit tags as a requester (C71a).' },
        role_based_errors: { bits: 15, access: 'constant', reset: 1, doc: 'Advisory non-fatal errors are told apart (C89).' },
        function_reset: { bits: 28, access: 'constant', reset: 1, doc: 'Function level reset (C84).' },
      },
    },
    device_control: {
      offset: offset + 0x08,
      doc: 'Device control and status.',
      fields: {
        correctable_enable: { bits: 0, access: 'rw', doc: 'ERR_COR may be sent (C88).' },
        nonfatal_enable: { bits: 1, access: 'rw', doc: 'ERR_NONFATAL may be sent.' },
        fatal_enable: { bits: 2, access: 'rw', doc: 'ERR_FATAL may be sent.' },
        unsupported_enable: { bits: 3, access: 'rw', doc: 'Unsupported Requests may be reported.' },
        relaxed_ordering: { bits: 4, access: 'rw', reset: 1, doc: 'Relaxed ordering may be set in requests (C99).' },
        max_payload: {
          bits: [7, 5],
          access: 'rw',
          legal: Array.from({ length: payload + 1 }, (_, i) => i),
          survives: 'soft_reset',
          doc: 'Payload limit: 128 << n bytes (C4).',
        },
        extended_tag: { bits: 8, access: 'rw', doc: 'Tags of 8 bits may be used, of 5 otherwise (C71a).' },
        no_snoop: { bits: 11, access: 'rw', reset: 1, doc: 'No snoop may be set in requests (C99).' },
        max_read_request: {
          bits: [14, 12],
          access: 'rw',
          reset: 2,
          legal: [0, 1, 2, 3, 4, 5],
          doc: 'Read request limit: 128 << n bytes (C6).',
        },
        initiate_reset: { bits: 15, access: 'pulse', doc: 'Resets the function (C84).' },
        correctable_detected: { bits: 16, access: 'w1c', doc: 'A correctable error happened, reported or not.' },
        nonfatal_detected: { bits: 17, access: 'w1c', doc: 'A non-fatal error happened, reported or not.' },
        fatal_detected: { bits: 18, access: 'w1c', doc: 'A fatal error happened, reported or not.' },
        unsupported_detected: { bits: 19, access: 'w1c', doc: 'An Unsupported Request came, reported or not.' },
        transactions_pending: { bits: 21, access: 'ro', doc: 'Completions are outstanding.' },
      },
      parts: {
        device_control: { bits: [15, 0], doc: 'Enables and limits.' },
        device_status: { bits: [31, 16], doc: 'What happened.' },
      },
    },
    link_capabilities: {
      offset: offset + 0x0c,
      doc: 'Link capabilities.',
      fields: {
        speed: { bits: [3, 0], access: 'constant', reset: link.speed, doc: 'Highest speed.' },
        lanes: { bits: [9, 4], access: 'constant', reset: link.lanes, doc: 'Lanes.' },
        aspm_optional: { bits: 22, access: 'constant', reset: 1, doc: 'The specification that makes ASPM optional is followed.' },
      },
    },
    link_control: {
      offset: offset + 0x10,
      doc: 'Link control and status. Values that the link has no use for are kept.',
      fields: {
        read_boundary: { bits: 3, access: 'rw', survives: 'soft_reset', doc: 'The root completes at 128 (1) or 64 bytes (0).' },
        common_clock: { bits: 6, access: 'rw', survives: 'soft_reset', doc: 'Both ends have one reference clock.' },
        extended_synch: { bits: 7, access: 'rw', survives: 'soft_reset', doc: 'Longer training sequences.' },
        speed: { bits: [19, 16], access: 'constant', reset: link.speed, doc: 'Speed.' },
        lanes: { bits: [25, 20], access: 'constant', reset: link.lanes, doc: 'Lanes.' },
        slot_clock: { bits: 28, access: 'constant', reset: 1, doc: "The connector's clock is used." },
      },
    },
    device_capabilities_2: {
      offset: offset + 0x24,
      doc: 'Device capabilities 2. No latency tolerance reports, no end-to-end prefixes.',
      fields: {
        timeout_ranges: { bits: [3, 0], access: 'constant', reset: 0xf, doc: 'Completion timeout ranges A to D (C59).' },
        timeout_disable: { bits: 4, access: 'constant', reset: 1, doc: 'The completion timeout can be disabled.' },
        atomic_32: {
          bits: 7,
          access: 'constant',
          reset: flag(p.atomic_completer),
          doc: 'AtomicOps of 32 bits are completed (C98).',
        },
        atomic_64: { bits: 8, access: 'constant', reset: flag(p.atomic_completer), doc: 'AtomicOps of 64 bits are completed.' },
        cas_128: { bits: 9, access: 'constant', reset: flag(p.atomic_completer), doc: 'CAS of 128 bits is completed.' },
        ten_bit_completer: { bits: 16, access: 'constant', reset: 1, doc: '10-bit tags are understood as a completer (C71a).' },
        ten_bit_requester: { bits: 17, access: 'constant', reset: flag(p.ten_bit_tags), doc: '10-bit tags as a requester.' },
      },
    },
    device_control_2: {
      offset: offset + 0x28,
      doc: 'Device control 2.',
      fields: {
        timeout_value: {
          bits: [3, 0],
          access: 'rw',
          legal: [0, 1, 2, 5, 6, 9, 10, 13, 14],
          doc: 'Completion timeout range (C59).',
        },
        timeout_disable: { bits: 4, access: 'rw', doc: 'No completion timeout.' },
        atomic_requester: {
          bits: 6,
          access: 'rw',
          writable: flag(p.atomic_requester),
          doc: 'AtomicOps may be sent (C98).',
        },
        ido_request: { bits: 8, access: 'rw', doc: 'ID-based ordering may be set in requests (C12).' },
        ido_completion: { bits: 9, access: 'rw', doc: 'ID-based ordering may be set in completions.' },
        ten_bit_requester: { bits: 12, access: 'rw', writable: flag(p.ten_bit_tags), doc: 'Tags of 10 bits may be used (C71a).' },
      },
    },
    link_capabilities_2: {
      offset: offset + 0x2c,
      doc: 'Link capabilities 2.',
      fields: { speeds: { bits: [7, 1], access: 'constant', reset: link.speeds, doc: 'Speeds, one bit each.' } },
    },
    link_control_2: {
      offset: offset + 0x30,
      doc: 'Link control 2.',
      fields: {
        target_speed: {
          bits: [3, 0],
          access: 'rw',
          reset: link.speed,
          legal: [1, 2, 3, 4],
          survives: 'warm_reset',
          doc: 'Speed to train to; there is no training here.',
        },
      },
    },
  } as const;
}
