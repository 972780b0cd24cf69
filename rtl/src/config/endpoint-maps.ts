import { registerMap } from '@hdl/ts-hdl';
import { type EngineName, engineRegisters } from './engine-map.ts';

/** The registers of an endpoint beside its configuration space: what the host sees in BAR0, and what the device's own processor sees. */

export interface EndpointMapParams {
  /** Bytes of BAR memory. */
  readonly memory_bytes: number;
  readonly doorbells: { readonly count: number; readonly stride: number };
  /** MSI-X vectors. */
  readonly vectors: number;
}

/** Value of the identification register. */
export const endpointIdentification = 0x7032_7001;

const number = (value: number, doc: string) => ({ bits: [31, 0], access: 'constant', reset: value, doc }) as const;
const roundedUp = (bytes: number) => 2 ** Math.ceil(Math.log2(Math.max(8, bytes)));

/** BAR0: 16 KiB, or more where doorbells or vectors want it; 32 bits, not prefetchable. Host and peers write it alike. */
export function bar0Map(p: EndpointMapParams) {
  const doorbells = roundedUp(p.doorbells.count * p.doorbells.stride);
  const table = roundedUp(16 * p.vectors);
  const pending = 8 * Math.ceil(p.vectors / 64);
  /** Each region at a multiple of its size, behind the one before. */
  const doorbellsAt = Math.max(0x1000, doorbells);
  const tableAt = Math.max(0x2000, Math.ceil((doorbellsAt + doorbells) / table) * table);
  const pendingAt = Math.max(0x3000, tableAt + table);
  return registerMap({
    name: 'bar0',
    doc: 'What the host, or a peer, sees of an endpoint in BAR0.',
    bytes: roundedUp(pendingAt + pending),
    registers: {
      identification: {
        offset: 0x0000,
        doc: 'What this is.',
        fields: { value: number(endpointIdentification, 'Identification.') },
      },
      memory_bytes: {
        offset: 0x0004,
        doc: 'Size of the BAR memory.',
        fields: { value: number(p.memory_bytes, 'Bytes; 0 if there is none.') },
      },
      doorbell_layout: {
        offset: 0x0008,
        doc: 'How many doorbells there are, and where.',
        fields: {
          count: { bits: [15, 0], access: 'constant', reset: p.doorbells.count, doc: 'Doorbells.' },
          stride: { bits: [31, 16], access: 'constant', reset: p.doorbells.stride, doc: 'Bytes from one to the next.' },
        },
      },
    },
    regions: {
      mailbox: { offset: 0x0400, bytes: 0x400, doc: 'Memory of host and firmware: command slot i has 64 bytes at 64 i.' },
      doorbells: {
        offset: doorbellsAt,
        bytes: doorbells,
        doc: 'Doorbells, for writing: the firmware gets an event and the last value. Reads give 0.',
      },
      msix_table: {
        offset: tableAt,
        bytes: table,
        doc: 'MSI-X vectors of 16 bytes: address, upper address, data, vector control.',
      },
      msix_pending: { offset: pendingAt, bytes: pending, doc: 'MSI-X pending bits.' },
    },
  });
}

const event = (bit: number, doc: string) => ({ bits: bit, access: 'w1c', doc }) as const;
const enable = (bit: number, doc: string) => ({ bits: bit, access: 'rw', doc }) as const;

/** The firmware port: 64 KiB that the device's own processor sees. */
export function firmwareMap(p: EndpointMapParams) {
  const engine = <N extends EngineName>(name: N, offset: number) => engineRegisters(name, offset);
  return registerMap({
    name: 'firmware',
    doc: "What the device's own processor sees.",
    bytes: 0x1_0000,
    registers: {
      events: {
        offset: 0x0000,
        doc: 'What happened. The doorbell event follows the doorbells: it is 1 while one has an event.',
        fields: {
          doorbell: { bits: 0, access: 'ro', doc: 'A doorbell has an event: read `doorbell_next`.' },
          write_dma: event(1, 'A job of the write DMA ended.'),
          read_dma: event(2, 'A job of the read DMA ended.'),
          fill: event(3, 'A run of fill ended.'),
          drain: event(4, 'A run of drain ended.'),
          post: event(5, 'The posted write is on its way.'),
          function_reset: event(6, 'A function is being reset.'),
        },
      },
      event_enable: {
        offset: 0x0004,
        doc: 'Events that raise the interrupt.',
        fields: {
          doorbell: enable(0, 'Doorbells.'),
          write_dma: enable(1, 'Write DMA.'),
          read_dma: enable(2, 'Read DMA.'),
          fill: enable(3, 'Fill.'),
          drain: enable(4, 'Drain.'),
          post: enable(5, 'Posted write.'),
          function_reset: enable(6, 'Function reset.'),
        },
      },
      doorbell_next: {
        offset: 0x0008,
        doc: 'The oldest event of a doorbell; reading takes it.',
        notify: 'read',
        fields: {
          doorbell: { bits: [15, 0], access: 'ro', doc: 'Number of the doorbell.' },
          valid: { bits: 31, access: 'ro', doc: 'There was an event.' },
        },
      },
      doorbell_value: {
        offset: 0x000c,
        doc: 'What was written to the doorbell whose event was taken last.',
        fields: { value: { bits: [31, 0], access: 'ro', doc: 'The value.' } },
      },
      doorbell_coalesced: {
        offset: 0x0020,
        doc: 'Writes to doorbells that already had an event.',
        fields: { count: { bits: [15, 0], access: 'ro', doc: 'How many; stays at the greatest value.' } },
      },
      memory_low: {
        offset: 0x0010,
        doc: 'Address that the host gave the BAR memory, lower half.',
        fields: { value: { bits: [31, 0], access: 'ro', doc: 'Address bits 31:0.' } },
      },
      memory_high: {
        offset: 0x0014,
        doc: 'Address that the host gave the BAR memory, upper half.',
        fields: { value: { bits: [31, 0], access: 'ro', doc: 'Address bits 63:32.' } },
      },
      memory_bytes: { offset: 0x0018, doc: 'Size of the BAR memory.', fields: { value: number(p.memory_bytes, 'Bytes.') } },
      function_state: {
        offset: 0x001c,
        doc: 'What the configuration space says of function 0.',
        fields: {
          id: { bits: [15, 0], access: 'ro', doc: 'Bus, device, function.' },
          bus_master: { bits: 16, access: 'ro', doc: 'Requests may be sent (C81).' },
          memory_enable: { bits: 17, access: 'ro', doc: 'The BARs are answered (C83).' },
          resetting: { bits: 18, access: 'ro', doc: 'A function level reset is under way (C84).' },
        },
      },
      ...engine('write_dma', 0x0100),
      ...engine('read_dma', 0x0120),
      ...engine('fill', 0x0140),
      ...engine('drain', 0x0160),
      post_low: {
        offset: 0x0180,
        doc: 'Address of the posted write, lower half.',
        fields: { value: { bits: [31, 0], access: 'rw', doc: 'Address bits 31:0.' } },
      },
      post_high: {
        offset: 0x0184,
        doc: 'Address of the posted write, upper half.',
        fields: { value: { bits: [31, 0], access: 'rw', doc: 'Address bits 63:32.' } },
      },
      post_data: {
        offset: 0x0188,
        doc: 'Sends a posted write of one DW.',
        notify: 'write',
        fields: { value: { bits: [31, 0], access: 'rw', doc: 'The DW.' } },
      },
      msix_trigger: {
        offset: 0x0190,
        doc: 'Triggers an MSI-X vector (C92).',
        notify: 'write',
        fields: { vector: { bits: [10, 0], access: 'rw', doc: 'Number of the vector.' } },
      },
      msix_moderation_vector: {
        offset: 0x0194,
        doc: 'The vector whose interval `msix_moderation` sets.',
        fields: { vector: { bits: [10, 0], access: 'rw', doc: 'Number of the vector.' } },
      },
      msix_moderation: {
        offset: 0x0198,
        doc: 'Sets the shortest time between two messages of a vector.',
        notify: 'write',
        fields: { interval: { bits: [23, 0], access: 'rw', doc: 'Cycles; 0 is no limit.' } },
      },
    },
    regions: { mailbox: { offset: 0x0400, bytes: 0x400, doc: 'The mailbox of BAR0.' } },
  });
}
