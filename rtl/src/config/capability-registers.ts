import { CapabilityId, PortType } from './capabilities.ts';
import { type Chained, capabilityHead } from './chain.ts';
import {
  aspmOptional,
  detectedFields,
  deviceParts,
  linkCapability,
  linkSettings,
  linkStatus,
  payloadCapability,
  payloadLimit,
  readRequestLimit,
  reportFields,
  roleBasedErrors,
  secondLinkRegisters,
  tenBitCompleter,
} from './express-fields.ts';
import type { FunctionParams } from './function-params.ts';

/** Power management: D0 and D3hot, no PME (7.5.2). */
export function powerManagementRegisters(p: FunctionParams, { offset, next }: Chained) {
  return {
    power_capability: {
      offset,
      doc: 'Power management capability.',
      fields: {
        ...capabilityHead(CapabilityId.powerManagement, next),
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
        ...capabilityHead(CapabilityId.msix, next),
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

/** PCI Express capability, version 2, of an endpoint (7.5.3). */
export function expressRegisters(p: FunctionParams, { offset, next }: Chained) {
  const flag = (value: boolean | undefined) => (value ? 1 : 0);
  return {
    express_capability: {
      offset,
      doc: 'PCI Express capability.',
      fields: {
        ...capabilityHead(CapabilityId.pciExpress, next),
        version: { bits: [19, 16], access: 'constant', reset: 2, doc: 'Version.' },
        port_type: { bits: [23, 20], access: 'constant', reset: PortType.endpoint, doc: 'Endpoint.' },
      },
    },
    device_capabilities: {
      offset: offset + 0x04,
      doc: 'Device capabilities.',
      fields: {
        ...payloadCapability(p.max_payload),
        extended_tag: { bits: 5, access: 'constant', reset: 1, doc: '8-bit tags as a requester (C71a).' },
        ...roleBasedErrors,
        function_reset: { bits: 28, access: 'constant', reset: 1, doc: 'Function level reset (C84).' },
      },
    },
    device_control: {
      offset: offset + 0x08,
      doc: 'Device control and status.',
      fields: {
        ...reportFields,
        relaxed_ordering: { bits: 4, access: 'rw', reset: 1, doc: 'Relaxed ordering may be set in requests (C99).' },
        max_payload: { ...payloadLimit(p.max_payload), survives: 'soft_reset' },
        extended_tag: { bits: 8, access: 'rw', doc: 'Tags of 8 bits may be used, of 5 otherwise (C71a).' },
        no_snoop: { bits: 11, access: 'rw', reset: 1, doc: 'No snoop may be set in requests (C99).' },
        max_read_request: readRequestLimit,
        initiate_reset: { bits: 15, access: 'pulse', doc: 'Resets the function (C84).' },
        ...detectedFields,
        transactions_pending: { bits: 21, access: 'ro', doc: 'Completions are outstanding.' },
      },
      parts: deviceParts,
    },
    link_capabilities: {
      offset: offset + 0x0c,
      doc: 'Link capabilities.',
      fields: {
        ...linkCapability,
        ...aspmOptional,
      },
    },
    link_control: {
      offset: offset + 0x10,
      doc: 'Link control and status. Values that the link has no use for are kept.',
      fields: {
        read_boundary: { bits: 3, access: 'rw', survives: 'soft_reset', doc: 'The root completes at 128 (1) or 64 bytes (0).' },
        common_clock: { ...linkSettings.common_clock, survives: 'soft_reset' },
        extended_synch: { ...linkSettings.extended_synch, survives: 'soft_reset' },
        ...linkStatus,
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
        ten_bit_completer: tenBitCompleter,
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
    ...secondLinkRegisters(offset),
  } as const;
}
