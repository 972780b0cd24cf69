import type { Chained } from './capability-registers.ts';
import { eachOf, errorRegisters, extendedHeader, uncorrectableErrors } from './error-registers.ts';
import type { PortParams } from './port-params.ts';

/** The registers of a switch port where they differ from those of an endpoint's function. */

/** The type 1 header (7.5.1.3), command and status included. */
export function bridgeRegisters(p: PortParams, capabilities: number) {
  return {
    identity: {
      offset: 0x00,
      doc: 'Who made the port, and what it is.',
      fields: {
        vendor_id: { bits: [15, 0], access: 'constant', reset: p.vendor_id, doc: 'Vendor.' },
        device_id: { bits: [31, 16], access: 'constant', reset: p.device_id, doc: 'Device.' },
      },
    },
    command_status: {
      offset: 0x04,
      doc: 'Enables, and what happened at the upper side.',
      fields: {
        io_enable: { bits: 0, access: 'rw', doc: 'I/O requests from above pass (C83).' },
        memory_enable: { bits: 1, access: 'rw', doc: 'Memory requests from above pass (C83).' },
        bus_master: { bits: 2, access: 'rw', doc: 'Memory and I/O requests from below pass (C82).' },
        parity_response: { bits: 6, access: 'rw', doc: 'Has no effect: the port sends no requests.' },
        serr_enable: { bits: 8, access: 'rw', doc: 'ERR_NONFATAL and ERR_FATAL are sent, and passed on from below (C90).' },
        interrupt_disable: { bits: 10, access: 'rw', doc: 'No INTx: there is none in any case.' },
        capability_list: { bits: 20, access: 'constant', reset: 1, doc: 'There is a capability list.' },
        signalled_system_error: { bits: 30, access: 'w1c', doc: 'ERR_NONFATAL or ERR_FATAL was sent under `serr_enable`.' },
        detected_parity: { bits: 31, access: 'w1c', doc: 'A poisoned TLP came from above.' },
      },
      parts: { command: { bits: [15, 0], doc: 'Enables.' }, status: { bits: [31, 16], doc: 'What happened.' } },
    },
    class_revision: {
      offset: 0x08,
      doc: 'A bridge.',
      fields: {
        revision: { bits: [7, 0], access: 'constant', reset: p.revision ?? 1, doc: 'Revision.' },
        class_code: { bits: [31, 8], access: 'constant', reset: 0x060400, doc: 'Bridge from PCI to PCI.' },
      },
    },
    header_layout: {
      offset: 0x0c,
      doc: 'Cache line size, and how the header is laid out.',
      fields: {
        cache_line: { bits: [7, 0], access: 'rw', doc: 'Cache line in DW; has no effect.' },
        layout: { bits: [22, 16], access: 'constant', reset: 1, doc: 'Type 1.' },
      },
    },
    buses: {
      offset: 0x18,
      doc: 'Bus numbers.',
      fields: {
        primary: { bits: [7, 0], access: 'rw', doc: 'Bus above; has no effect.' },
        secondary: { bits: [15, 8], access: 'rw', doc: 'Bus below (C20); 0 while there is none.' },
        subordinate: { bits: [23, 16], access: 'rw', doc: 'Last bus below (C21).' },
      },
    },
    io_window: {
      offset: 0x1c,
      doc: 'I/O window, and what happened at the lower side.',
      fields: {
        base_kind: { bits: [3, 0], access: 'constant', reset: 1, doc: '32-bit addresses.' },
        base: { bits: [7, 4], access: 'rw', reset: 0xf, doc: 'Address bits 15:12 of the first byte (C30).' },
        limit_kind: { bits: [11, 8], access: 'constant', reset: 1, doc: '32-bit addresses.' },
        limit: { bits: [15, 12], access: 'rw', doc: 'Address bits 15:12 of the last byte. Closed if below the base (C31).' },
        signalled_target_abort: { bits: 27, access: 'w1c', doc: 'A request from below was answered with Completer Abort.' },
        received_system_error: { bits: 30, access: 'w1c', doc: 'ERR_NONFATAL or ERR_FATAL came from below.' },
        detected_parity: { bits: 31, access: 'w1c', doc: 'A poisoned TLP came from below.' },
      },
    },
    memory_window: {
      offset: 0x20,
      doc: 'Memory window below 4 GiB.',
      fields: {
        base: { bits: [15, 4], access: 'rw', reset: 0xfff, doc: 'Address bits 31:20 of the first byte (C30).' },
        limit: { bits: [31, 20], access: 'rw', doc: 'Address bits 31:20 of the last byte. Closed if below the base (C31).' },
      },
    },
    prefetch_window: {
      offset: 0x24,
      doc: 'Prefetchable memory window, lower halves.',
      fields: {
        base_kind: { bits: [3, 0], access: 'constant', reset: 1, doc: '64-bit addresses.' },
        base: { bits: [15, 4], access: 'rw', reset: 0xfff, doc: 'Address bits 31:20 of the first byte (C30).' },
        limit_kind: { bits: [19, 16], access: 'constant', reset: 1, doc: '64-bit addresses.' },
        limit: { bits: [31, 20], access: 'rw', doc: 'Address bits 31:20 of the last byte. Closed if below the base (C31).' },
      },
    },
    prefetch_base_upper: {
      offset: 0x28,
      doc: 'Prefetchable base, upper half.',
      fields: { address: { bits: [31, 0], access: 'rw', doc: 'Address bits 63:32 of the first byte.' } },
    },
    prefetch_limit_upper: {
      offset: 0x2c,
      doc: 'Prefetchable limit, upper half.',
      fields: { address: { bits: [31, 0], access: 'rw', doc: 'Address bits 63:32 of the last byte.' } },
    },
    io_upper: {
      offset: 0x30,
      doc: 'I/O window, upper halves.',
      fields: {
        base: { bits: [15, 0], access: 'rw', doc: 'Address bits 31:16 of the first byte.' },
        limit: { bits: [31, 16], access: 'rw', doc: 'Address bits 31:16 of the last byte.' },
      },
    },
    capabilities: {
      offset: 0x34,
      doc: 'Where the capability list begins.',
      fields: { first: { bits: [7, 0], access: 'constant', reset: capabilities, doc: 'Offset of the first capability.' } },
    },
    bridge_control: {
      offset: 0x3c,
      doc: 'Control of the lower side.',
      fields: {
        interrupt_line: { bits: [7, 0], access: 'rw', doc: 'For software alone.' },
        parity_response: { bits: 16, access: 'rw', doc: 'Has no effect: the port sends no requests.' },
        serr_enable: { bits: 17, access: 'rw', doc: 'Error messages from below pass (C90).' },
        secondary_reset: { bits: 22, access: 'rw', doc: 'All below is held in hot reset (C85).' },
      },
    },
  } as const;
}

const flag = (value: boolean): 0 | 1 => (value ? 1 : 0);

/** Registers of the PCI Express capability (7.5.3) that an endpoint has not, or has otherwise. */
export function portExpressRegisters(p: PortParams, { offset, next }: Chained) {
  const downstream = p.direction === 'downstream';
  const { speed, lanes, speeds } = link;
  return {
    express_capability: {
      offset,
      doc: 'PCI Express capability.',
      fields: {
        id: { bits: [7, 0], access: 'constant', reset: 0x10, doc: 'Which capability this is.' },
        next: { bits: [15, 8], access: 'constant', reset: next, doc: 'Offset of the next one.' },
        version: { bits: [19, 16], access: 'constant', reset: 2, doc: 'Version.' },
        port_type: {
          bits: [23, 20],
          access: 'constant',
          reset: downstream ? 6 : 5,
          values: { upstream: 5, downstream: 6 },
          doc: 'Which port of a switch it is.',
        },
        slot: { bits: 24, access: 'constant', reset: flag(downstream), doc: 'There is a slot below.' },
      },
    },
    device_capabilities: {
      offset: offset + 0x04,
      doc: 'Device capabilities.',
      fields: {
        max_payload: {
          bits: [2, 0],
          access: 'constant',
          reset: Math.log2(p.max_payload / 128),
          doc: 'Largest payload: 128 << n bytes (C4).',
        },
        extended_tag: { bits: 5, access: 'constant', reset: 1, doc: '8-bit tags (C71a).' },
        role_based_errors: { bits: 15, access: 'constant', reset: 1, doc: 'Advisory non-fatal errors are told apart (C89).' },
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
        relaxed_ordering: { bits: 4, access: 'rw', reset: 1, doc: 'Has no effect: the port sends no requests.' },
        max_payload: {
          bits: [7, 5],
          access: 'rw',
          legal: Array.from({ length: Math.log2(p.max_payload / 128) + 1 }, (_, i) => i),
          doc: 'Payload limit: 128 << n bytes (C4).',
        },
        extended_tag: { bits: 8, access: 'rw', doc: 'Has no effect: the port sends no requests.' },
        no_snoop: { bits: 11, access: 'rw', reset: 1, doc: 'Has no effect: the port sends no requests.' },
        max_read_request: {
          bits: [14, 12],
          access: 'rw',
          reset: 2,
          legal: [0, 1, 2, 3, 4, 5],
          doc: 'Has no effect: the port sends no requests.',
        },
        correctable_detected: { bits: 16, access: 'w1c', doc: 'A correctable error happened, reported or not.' },
        nonfatal_detected: { bits: 17, access: 'w1c', doc: 'A non-fatal error happened, reported or not.' },
        fatal_detected: { bits: 18, access: 'w1c', doc: 'A fatal error happened, reported or not.' },
        unsupported_detected: { bits: 19, access: 'w1c', doc: 'An Unsupported Request came, reported or not.' },
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
        speed: { bits: [3, 0], access: 'constant', reset: speed, doc: 'Highest speed.' },
        lanes: { bits: [9, 4], access: 'constant', reset: lanes, doc: 'Lanes.' },
        surprise_down: { bits: 19, access: 'constant', reset: flag(downstream), doc: 'A link that goes down is reported.' },
        active_reporting: { bits: 20, access: 'constant', reset: flag(downstream), doc: 'Has `active` in link status.' },
        aspm_optional: { bits: 22, access: 'constant', reset: 1, doc: 'The specification that makes ASPM optional is followed.' },
        port: { bits: [31, 24], access: 'ro', doc: 'Number of the port: 0 upstream, j + 1 downstream port j.' },
      },
    },
    link_control: {
      offset: offset + 0x10,
      doc: 'Link control and status.',
      fields: {
        disable: { bits: 4, access: 'rw', writable: flag(downstream), doc: 'The link below is off.' },
        retrain: { bits: 5, access: 'pulse', doc: 'Trains anew; there is no training here.' },
        common_clock: { bits: 6, access: 'rw', doc: 'Both ends have one reference clock.' },
        extended_synch: { bits: 7, access: 'rw', doc: 'Longer training sequences.' },
        speed: { bits: [19, 16], access: 'constant', reset: speed, doc: 'Speed.' },
        lanes: { bits: [25, 20], access: 'constant', reset: lanes, doc: 'Lanes.' },
        slot_clock: { bits: 28, access: 'constant', reset: 1, doc: "The connector's clock is used." },
        active: { bits: 29, access: 'ro', doc: 'The link below is up; of an upstream port 0.' },
      },
    },
    slot_capabilities: {
      offset: offset + 0x14,
      absent: !downstream,
      doc: 'Slot capabilities: neither power control nor indicators.',
      fields: { number: { bits: [31, 19], access: 'ro', doc: 'Number of the slot: that of the port.' } },
    },
    slot_control: {
      offset: offset + 0x18,
      absent: !downstream,
      doc: 'Slot status.',
      fields: {
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
        ten_bit_completer: { bits: 16, access: 'constant', reset: 1, doc: '10-bit tags are understood (C71a).' },
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
    link_capabilities_2: {
      offset: offset + 0x2c,
      doc: 'Link capabilities 2.',
      fields: { speeds: { bits: [7, 1], access: 'constant', reset: speeds, doc: 'Speeds, one bit each.' } },
    },
    link_control_2: {
      offset: offset + 0x30,
      doc: 'Link control 2.',
      fields: {
        target_speed: {
          bits: [3, 0],
          access: 'rw',
          reset: speed,
          legal: [1, 2, 3, 4],
          survives: 'warm_reset',
          doc: 'Speed to train to; there is no training here.',
        },
      },
    },
  } as const;
}

/** Gen4 x8, as the endpoints say. The link has no training, so these are constants. */
const link = { speed: 4, lanes: 8, speeds: 0b1111 } as const;

/** How many TLPs went nowhere: a capability of the vendor's own (7.9.4). */
export function dropRegisters({ offset, next }: Chained) {
  return {
    drop_capability: {
      offset,
      doc: 'Vendor-specific capability of 8 bytes.',
      fields: {
        id: { bits: [7, 0], access: 'constant', reset: 0x09, doc: 'Which capability this is.' },
        next: { bits: [15, 8], access: 'constant', reset: next, doc: 'Offset of the next one.' },
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

/** Uncorrectable errors of a switch port (C87). */
export const portErrors = {
  ...uncorrectableErrors,
  surprise_down: { bit: 5, fatal: 1, doc: 'The link below went down unasked.' },
  atomic_blocked: { bit: 24, doc: 'An AtomicOp was not let out.' },
} as const;

/** Advanced error reporting of a port: as of a function, with the errors of `portErrors`. */
export function portErrorRegisters({ offset, next }: Chained) {
  return {
    ...errorRegisters({ offset, next }),
    uncorrectable_status: {
      offset: offset + 0x04,
      doc: 'Uncorrectable errors that happened, masked or not.',
      fields: eachOf(portErrors, 'w1c', () => 0),
    },
    uncorrectable_mask: {
      offset: offset + 0x08,
      doc: 'Errors that are neither reported nor logged with their header (C88).',
      fields: eachOf(portErrors, 'rw', error => error.masked ?? 0),
    },
    uncorrectable_severity: {
      offset: offset + 0x0c,
      doc: 'Errors that are fatal (1) or non-fatal (0).',
      fields: eachOf(portErrors, 'rw', error => error.fatal ?? 0),
    },
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
