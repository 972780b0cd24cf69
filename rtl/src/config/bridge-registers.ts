import {
  capabilityPointer,
  classFields,
  commandParts,
  commonCommand,
  identityFields,
  layoutFields,
  signalledSystemError,
} from './header-fields.ts';
import type { PortParams } from './port-params.ts';

/** A memory window in MiB. */
const mebibytes = {
  base: { bits: [15, 4], access: 'rw', reset: 0xfff, doc: 'Address bits 31:20 of the first byte (C30).' },
  limit: { bits: [31, 20], access: 'rw', doc: 'Address bits 31:20 of the last byte. Closed if below the base (C31).' },
} as const;

const upperHalf = (which: 'first' | 'last') =>
  ({ address: { bits: [31, 0], access: 'rw', doc: `Address bits 63:32 of the ${which} byte.` } }) as const;

/** The type 1 header (7.5.1.3), command and status included. */
export function bridgeRegisters(p: PortParams, capabilities: number) {
  return {
    identity: {
      offset: 0x00,
      doc: 'Who made the port, and what it is.',
      fields: identityFields(p),
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
        ...commonCommand,
        ...signalledSystemError,
        detected_parity: { bits: 31, access: 'w1c', doc: 'A poisoned TLP came from above.' },
      },
      parts: commandParts,
    },
    class_revision: {
      offset: 0x08,
      doc: 'A bridge.',
      fields: classFields(p.revision, 0x060400, 'Bridge from PCI to PCI.'),
    },
    header_layout: {
      offset: 0x0c,
      doc: 'Cache line size, and how the header is laid out.',
      fields: layoutFields(1),
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
        ...mebibytes,
      },
    },
    prefetch_window: {
      offset: 0x24,
      doc: 'Prefetchable memory window, lower halves.',
      fields: {
        base_kind: { bits: [3, 0], access: 'constant', reset: 1, doc: '64-bit addresses.' },
        base: mebibytes.base,
        limit_kind: { bits: [19, 16], access: 'constant', reset: 1, doc: '64-bit addresses.' },
        limit: mebibytes.limit,
      },
    },
    prefetch_base_upper: {
      offset: 0x28,
      doc: 'Prefetchable base, upper half.',
      fields: upperHalf('first'),
    },
    prefetch_limit_upper: {
      offset: 0x2c,
      doc: 'Prefetchable limit, upper half.',
      fields: upperHalf('last'),
    },
    io_upper: {
      offset: 0x30,
      doc: 'I/O window, upper halves.',
      fields: {
        base: { bits: [15, 0], access: 'rw', doc: 'Address bits 31:16 of the first byte.' },
        limit: { bits: [31, 16], access: 'rw', doc: 'Address bits 31:16 of the last byte.' },
      },
    },
    capabilities: capabilityPointer(capabilities),
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
