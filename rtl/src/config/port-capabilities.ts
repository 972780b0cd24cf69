import { CapabilityId } from './capabilities.ts';
import { type Chained, capabilityHead, extendedHeader } from './chain.ts';

/** Capabilities that only switch ports have: MSI of one vector, containment, multicast. */

/** MSI, 64-bit address, one vector that can be masked (7.7.1). */
export function msiRegisters({ offset, next, absent = false }: Chained) {
  return {
    msi_control: {
      offset,
      absent,
      doc: 'MSI capability and message control. One vector: hot plug and containment share it.',
      fields: {
        ...capabilityHead(CapabilityId.msi, next),
        enable: { bits: 16, access: 'rw', doc: 'MSI is on.' },
        wide: { bits: 23, access: 'constant', reset: 1, doc: 'The address has 64 bits.' },
        maskable: { bits: 24, access: 'constant', reset: 1, doc: 'Has `msi_mask` and `msi_pending`.' },
      },
    },
    msi_address: {
      offset: offset + 0x04,
      absent,
      doc: 'Where the message is written.',
      fields: { address: { bits: [31, 2], access: 'rw', doc: 'Address bits 31:2.' } },
    },
    msi_address_upper: {
      offset: offset + 0x08,
      absent,
      doc: 'Where the message is written, upper half.',
      fields: { address: { bits: [31, 0], access: 'rw', doc: 'Address bits 63:32.' } },
    },
    msi_data: {
      offset: offset + 0x0c,
      absent,
      doc: 'What is written.',
      fields: { data: { bits: [15, 0], access: 'rw', doc: 'The lower half of the DW; the upper one is 0.' } },
    },
    msi_mask: {
      offset: offset + 0x10,
      absent,
      doc: 'Masks.',
      fields: { vector: { bits: 0, access: 'rw', doc: 'No message is sent; it pends instead.' } },
    },
    msi_pending: {
      offset: offset + 0x14,
      absent,
      doc: 'What pends.',
      fields: { vector: { bits: 0, access: 'ro', doc: 'A message is to be sent.' } },
    },
  } as const;
}

/** Downstream port containment (7.9.14, C91), without the extensions of root ports. */
export function containmentRegisters(place: Chained) {
  const { offset, absent = false } = place;
  return {
    dpc_header: extendedHeader(0x001d, 1, place, 'Downstream port containment.'),
    dpc: {
      offset: offset + 4,
      absent,
      doc: 'Containment: capability and control.',
      fields: {
        interrupt_message: { bits: [4, 0], access: 'constant', reset: 0, doc: 'Vector of the interrupt.' },
        software_capable: { bits: 7, access: 'constant', reset: 1, doc: 'Has `software_trigger`.' },
        trigger_enable: {
          bits: [17, 16],
          access: 'rw',
          legal: [0, 1, 2],
          values: { nothing: 0, fatal: 1, nonfatal: 2 },
          doc: 'What takes the link down: fatal errors of the port that are not masked and ERR_FATAL from below; non-fatal ones too.',
        },
        unsupported: {
          bits: 18,
          access: 'rw',
          doc: 'Requests to a contained port get Unsupported Request (1) or Completer Abort (0).',
        },
        interrupt_enable: { bits: 19, access: 'rw', doc: 'Containment interrupts.' },
        correctable_enable: { bits: 20, access: 'rw', doc: 'ERR_COR tells of containment, where device control lets it.' },
        software_trigger: { bits: 22, access: 'pulse', doc: 'Contains the port, if anything is enabled.' },
      },
      parts: { capability: { bits: [15, 0], doc: 'Capability.' }, control: { bits: [31, 16], doc: 'Control.' } },
    },
    dpc_status: {
      offset: offset + 8,
      absent,
      doc: 'Containment: status and source.',
      fields: {
        contained: { bits: 0, access: 'w1c', survives: 'warm_reset', doc: 'The link is held down. Writing 1 releases it.' },
        reason: {
          bits: [2, 1],
          access: 'ro',
          values: { error: 0, nonfatal: 1, fatal: 2, other: 3 },
          doc: 'An error of the port, ERR_NONFATAL or ERR_FATAL from below, or what the extension says.',
        },
        interrupt: {
          bits: 3,
          access: 'w1c',
          survives: 'warm_reset',
          doc: 'The port was contained while `interrupt_enable` was 1.',
        },
        extension: { bits: [6, 5], access: 'ro', doc: 'For `other`: 1 is software.' },
        source: { bits: [31, 16], access: 'ro', doc: 'Requester ID of the message from below.' },
      },
      parts: { status: { bits: [15, 0], doc: 'Status.' }, source_id: { bits: [31, 16], doc: 'Source.' } },
    },
  } as const;
}

/** Multicast (7.9.11, C97): 64 groups, no overlay. */
export function multicastRegisters(place: Chained) {
  const { offset, absent = false } = place;
  const groups = (at: number, lower: string) => groupWords(offset + at, absent, lower);
  const [receive, receive_upper] = groups(0x10, 'Copies of TLPs to the group leave by this port.');
  const [block_all, block_all_upper] = groups(0x18, 'TLPs to the group that come in by this port are refused.');
  const [block, block_upper] = groups(0x20, 'Untranslated TLPs to the group that come in by this port are refused.');
  return {
    multicast_header: extendedHeader(0x0012, 1, place, 'Multicast.'),
    multicast: {
      offset: offset + 0x04,
      absent,
      doc: 'Multicast capability and control. All ports of a switch are set alike, but for what they receive and block.',
      fields: {
        max_group: { bits: [5, 0], access: 'constant', reset: 63, doc: 'Groups that there can be, minus 1.' },
        last_group: { bits: [21, 16], access: 'rw', doc: 'Groups that there are, minus 1.' },
        enable: { bits: 31, access: 'rw', doc: 'The window is there.' },
      },
    },
    multicast_base: {
      offset: offset + 0x08,
      absent,
      doc: 'Window: lower half, and size of a group.',
      fields: {
        index_position: {
          bits: [5, 0],
          access: 'rw',
          legal: [0, ...Array.from({ length: 52 }, (_, i) => 12 + i)],
          doc: 'A group has 2^n bytes, n from 12; with 0 there is no window.',
        },
        base: { bits: [31, 12], access: 'rw', doc: 'Address bits 31:12 of group 0.' },
      },
    },
    multicast_base_upper: {
      offset: offset + 0x0c,
      absent,
      doc: 'Window: upper half.',
      fields: { base: { bits: [31, 0], access: 'rw', doc: 'Address bits 63:32 of group 0.' } },
    },
    multicast_receive: receive,
    multicast_receive_upper: receive_upper,
    multicast_block_all: block_all,
    multicast_block_all_upper: block_all_upper,
    multicast_block_untranslated: block,
    multicast_block_untranslated_upper: block_upper,
    multicast_overlay: {
      offset: offset + 0x28,
      absent,
      doc: 'Overlay: there is none.',
      fields: { size: { bits: [5, 0], access: 'constant', reset: 0, doc: 'Copies keep their address.' } },
    },
  } as const;
}

/** A bit for each of 64 groups. */
function groupWords(offset: number, absent: boolean, doc: string) {
  const word = (at: number, bits: string) =>
    ({
      offset: at,
      absent,
      doc: `${doc} Groups ${bits}.`,
      fields: { groups: { bits: [31, 0], access: 'rw', doc: 'A bit per group.' } },
    }) as const;
  return [word(offset, '31:0'), word(offset + 4, '63:32')] as const;
}
