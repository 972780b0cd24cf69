import { CapabilityId, PortType } from './capabilities.ts';
import { type Chained, capabilityHead, extendedHeader } from './chain.ts';
import { errorRegisters, portErrors, uncorrectableRegisters } from './error-registers.ts';
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
import type { PortParams } from './port-params.ts';

/** Capabilities of a switch port where they differ from those of an endpoint's function. */

const flag = (value: boolean): 0 | 1 => (value ? 1 : 0);

/** Registers of the PCI Express capability (7.5.3) that an endpoint has not, or has otherwise. */
export function portExpressRegisters(p: PortParams, { offset, next }: Chained) {
  const downstream = p.direction === 'downstream';
  const hot_plug = flag(p.hot_plug ?? false);
  return {
    express_capability: {
      offset,
      doc: 'PCI Express capability.',
      fields: {
        ...capabilityHead(CapabilityId.pciExpress, next),
        version: { bits: [19, 16], access: 'constant', reset: 2, doc: 'Version.' },
        port_type: {
          bits: [23, 20],
          access: 'constant',
          reset: downstream ? PortType.switchDownstream : PortType.switchUpstream,
          values: { upstream: PortType.switchUpstream, downstream: PortType.switchDownstream },
          doc: 'Which port of a switch it is.',
        },
        slot: { bits: 24, access: 'constant', reset: flag(downstream), doc: 'There is a slot below.' },
      },
    },
    device_capabilities: {
      offset: offset + 0x04,
      doc: 'Device capabilities.',
      fields: {
        ...payloadCapability(p.max_payload),
        extended_tag: { bits: 5, access: 'constant', reset: 1, doc: '8-bit tags (C71a).' },
        ...roleBasedErrors,
      },
    },
    device_control: {
      offset: offset + 0x08,
      doc: 'Device control and status.',
      fields: {
        ...reportFields,
        relaxed_ordering: { bits: 4, access: 'rw', reset: 1, doc: 'Has no effect: the port sends no requests.' },
        max_payload: payloadLimit(p.max_payload),
        extended_tag: { bits: 8, access: 'rw', doc: 'Has no effect: the port sends no requests.' },
        no_snoop: { bits: 11, access: 'rw', reset: 1, doc: 'Has no effect: the port sends no requests.' },
        max_read_request: { ...readRequestLimit, doc: 'Has no effect: the port sends no requests.' },
        ...detectedFields,
      },
      parts: deviceParts,
    },
    link_capabilities: {
      offset: offset + 0x0c,
      doc: 'Link capabilities.',
      fields: {
        ...linkCapability,
        surprise_down: { bits: 19, access: 'constant', reset: flag(downstream), doc: 'A link that goes down is reported.' },
        active_reporting: { bits: 20, access: 'constant', reset: flag(downstream), doc: 'Has `active` in link status.' },
        ...aspmOptional,
        port: { bits: [31, 24], access: 'ro', doc: 'Number of the port: 0 upstream, j + 1 downstream port j.' },
      },
    },
    link_control: {
      offset: offset + 0x10,
      doc: 'Link control and status.',
      fields: {
        disable: { bits: 4, access: 'rw', writable: flag(downstream), doc: 'The link below is off.' },
        retrain: { bits: 5, access: 'pulse', doc: 'Trains anew; there is no training here.' },
        ...linkSettings,
        ...linkStatus,
        active: { bits: 29, access: 'ro', doc: 'The link below is up; of an upstream port 0.' },
      },
    },
    slot_capabilities: {
      offset: offset + 0x14,
      absent: !downstream,
      doc: 'Slot capabilities: neither power control nor indicators.',
      fields: {
        surprise: { bits: 5, access: 'constant', reset: hot_plug, doc: 'What is in the slot may be gone without a word.' },
        hot_plug: { bits: 6, access: 'constant', reset: hot_plug, doc: 'The slot can be filled and emptied.' },
        no_command_completed: {
          bits: 18,
          access: 'constant',
          reset: hot_plug,
          doc: 'Writes to slot control take effect at once.',
        },
        number: { bits: [31, 19], access: 'ro', doc: 'Number of the slot: that of the port.' },
      },
    },
    slot_control: {
      offset: offset + 0x18,
      absent: !downstream,
      doc: 'Slot control and status.',
      fields: {
        presence_changed_enable: { bits: 3, access: 'rw', writable: hot_plug, doc: '`presence_changed` interrupts.' },
        interrupt_enable: { bits: 5, access: 'rw', writable: hot_plug, doc: 'Changes interrupt.' },
        active_changed_enable: { bits: 12, access: 'rw', writable: hot_plug, doc: '`active_changed` interrupts.' },
        presence_changed: { bits: 19, access: 'w1c', doc: '`present` has changed.' },
        present: { bits: 22, access: 'ro', doc: 'Something answers below: the link is up.' },
        active_changed: { bits: 24, access: 'w1c', doc: '`active` of link status has changed.' },
      },
    },
    device_capabilities_2: {
      offset: offset + 0x24,
      doc: 'Device capabilities 2. No end-to-end prefixes.',
      fields: {
        ari_forwarding: { bits: 5, access: 'constant', reset: flag(downstream), doc: 'Has `ari_forwarding`.' },
        atomic_routing: { bits: 6, access: 'constant', reset: 1, doc: 'AtomicOps are routed (C98).' },
        ten_bit_completer: tenBitCompleter,
      },
    },
    device_control_2: {
      offset: offset + 0x28,
      doc: 'Device control 2.',
      fields: {
        ari_forwarding: {
          bits: 5,
          access: 'rw',
          writable: flag(downstream),
          doc: 'Devices other than 0 below are functions of the one device there (C27).',
        },
        atomic_blocked: { bits: 7, access: 'rw', doc: 'AtomicOps do not leave by this port (C98).' },
      },
    },
    ...secondLinkRegisters(offset),
  } as const;
}

/** How many TLPs went nowhere: a capability of the vendor's own (7.9.4). */
export function dropRegisters({ offset, next }: Chained) {
  return {
    drop_capability: {
      offset,
      doc: 'Vendor-specific capability of 8 bytes.',
      fields: {
        ...capabilityHead(CapabilityId.vendorSpecific, next),
        bytes: { bits: [23, 16], access: 'constant', reset: 8, doc: 'Its length.' },
      },
    },
    drops: {
      offset: offset + 4,
      doc: 'TLPs that came in by this port and were dropped: posted ones and completions that nobody takes, and malformed ones. Wraps.',
      fields: { count: { bits: [31, 0], access: 'ro', doc: 'Number of TLPs.' } },
    },
  } as const;
}

/** Advanced error reporting of a port: as of a function, with the errors of `portErrors`. */
export function portErrorRegisters({ offset, next }: Chained) {
  return {
    ...errorRegisters({ offset, next }),
    ...uncorrectableRegisters(offset, portErrors),
    error_control: {
      offset: offset + 0x18,
      doc: 'Capabilities and control of error reporting. A port passes digests untouched and checks none.',
      fields: {
        first_error: { bits: [4, 0], access: 'ro', doc: 'Bit of the error whose header is logged; 0 while there is none.' },
      },
    },
  } as const;
}

/** Access control services of a downstream port, all seven (7.7.8; C72 to C78). */
export function portAccessRegisters(p: PortParams, place: Chained) {
  const absent = place.absent ?? false;
  const { offset } = place;
  const bits = p.ports + 1;
  const vector = 2 ** bits - 2;
  return {
    acs_header: extendedHeader(0x000d, 1, place, 'Access control services.'),
    acs: {
      offset: offset + 4,
      absent,
      doc: 'What is done with TLPs from below.',
      fields: {
        capable: { bits: [6, 0], access: 'constant', reset: 0x7f, doc: 'Has all of the controls.' },
        vector_bits: { bits: [15, 8], access: 'constant', reset: bits, doc: 'Bits of the egress control vector.' },
        source_validation: { bits: 16, access: 'rw', doc: 'Requesters must be behind the port (C72).' },
        translation_blocking: { bits: 17, access: 'rw', doc: 'Memory requests must be untranslated (C73).' },
        redirect_requests: { bits: 18, access: 'rw', doc: 'Requests to other downstream ports go up (C74).' },
        redirect_completions: { bits: 19, access: 'rw', doc: 'Completions to other downstream ports go up (C76).' },
        upstream_forwarding: { bits: 20, access: 'rw', doc: 'What is meant for behind the port goes up (C75).' },
        egress_control: { bits: 21, access: 'rw', doc: 'The egress control vector decides (C77).' },
        direct_translated: { bits: 22, access: 'rw', doc: 'Translated requests go direct (C78).' },
      },
    },
    acs_egress: {
      offset: offset + 8,
      absent,
      doc: 'Egress control vector, port numbers 0 to 31.',
      fields: {
        vector: {
          bits: [31, 0],
          access: 'rw',
          writable: vector % 2 ** 32,
          doc: 'A bit per port number: 1 blocks or redirects.',
        },
      },
    },
    acs_egress_upper: {
      offset: offset + 12,
      absent: absent || bits <= 32,
      doc: 'Egress control vector, port number 32.',
      fields: { vector: { bits: 0, access: 'rw', doc: '1 blocks or redirects.' } },
    },
  } as const;
}
