import type { BarParams, FunctionParams, FunctionPlace } from './function-params.ts';
import {
  capabilityPointer,
  classFields,
  commandParts,
  commonCommand,
  identityFields,
  identityParts,
  layoutFields,
  signalledSystemError,
} from './header-fields.ts';

/** Numbers of the base address registers. */
export type BarSlot = 0 | 1 | 2 | 3 | 4 | 5;

/** The type 0 header (7.5.1): identity, command and status, BARs. There is no expansion ROM, no I/O space and no INTx. */
export function headerRegisters(p: FunctionParams, place: FunctionPlace, capabilities: number) {
  return {
    identity: {
      offset: 0x00,
      doc: 'Who made the function, and what it is.',
      fields: identityFields(p),
      parts: identityParts,
    },
    command_status: {
      offset: 0x04,
      doc: 'Enables, and what happened.',
      fields: {
        memory_enable: { bits: 1, access: 'rw', doc: 'Memory requests to the BARs are answered (C83).' },
        bus_master: {
          bits: 2,
          access: 'rw',
          writable: p.requester === false ? 0 : 1,
          doc: 'Requests and interrupts may be sent (C81).',
        },
        parity_response: { bits: 6, access: 'rw', doc: 'Poisoned data of own requests is recorded in `master_data_parity`.' },
        serr_enable: { bits: 8, access: 'rw', doc: 'ERR_NONFATAL and ERR_FATAL may be sent, whatever device control says.' },
        ...commonCommand,
        master_data_parity: { bits: 24, access: 'w1c', doc: 'A completion came, or a write went, poisoned.' },
        signalled_target_abort: { bits: 27, access: 'w1c', doc: 'A request was answered with Completer Abort.' },
        received_target_abort: { bits: 28, access: 'w1c', doc: 'A completion came with Completer Abort.' },
        received_master_abort: { bits: 29, access: 'w1c', doc: 'A completion came with Unsupported Request.' },
        ...signalledSystemError,
        detected_parity: { bits: 31, access: 'w1c', doc: 'A poisoned TLP came.' },
      },
      parts: commandParts,
    },
    class_revision: {
      offset: 0x08,
      doc: 'What kind of function it is.',
      fields: classFields(p.revision, p.class_code, 'Base class, sub-class, interface.'),
    },
    header_layout: {
      offset: 0x0c,
      doc: 'Cache line size, and how the header is laid out.',
      fields: {
        ...layoutFields(0),
        multi_function: { bits: 23, access: 'constant', reset: place.of > 1 ? 1 : 0, doc: 'The device has several functions.' },
      },
    },
    bar_0: barRegister(p, 0),
    bar_1: barRegister(p, 1),
    bar_2: barRegister(p, 2),
    bar_3: barRegister(p, 3),
    bar_4: barRegister(p, 4),
    bar_5: barRegister(p, 5),
    subsystem: {
      offset: 0x2c,
      doc: 'Who made the board, and what it is.',
      fields: {
        vendor_id: { bits: [15, 0], access: 'constant', reset: p.subsystem_vendor_id ?? p.vendor_id, doc: 'Vendor.' },
        id: { bits: [31, 16], access: 'constant', reset: p.subsystem_id ?? p.device_id, doc: 'Subsystem.' },
      },
    },
    capabilities: capabilityPointer(capabilities),
  } as const;
}

/** The smallest size that a BAR can take: bits below are 0 for good. */
export const smallest = (bar: BarParams): number => Math.min(bar.bytes, ...(bar.resizable ?? []));

/** A word of a BAR: address bits, and in the lower one also what kind of BAR it is. */
function barRegister(p: FunctionParams, slot: BarSlot) {
  const bar = p.bars.find(bar => bar.slot === slot || (bar.width === 64 && bar.slot + 1 === slot));
  const upper = bar !== undefined && bar.slot !== slot;
  const address = bar ? ~(BigInt(smallest(bar)) - 1n) : 0n;
  const word = BigInt.asUintN(32, upper ? address >> 32n : address);
  const attributes = bar && !upper ? (bar.width === 64 ? 4 : 0) | (bar.prefetchable ? 8 : 0) : 0;
  return {
    offset: 0x10 + 4 * slot,
    absent: bar === undefined,
    doc: upper ? `Upper half of BAR ${slot - 1}.` : 'Base address of a memory BAR; its size is found by writing all ones.',
    fields: {
      attributes: {
        bits: [3, 0],
        access: 'rw_hwclr',
        reset: attributes,
        writable: upper ? word & 0xfn : 0n,
        doc: upper ? 'Address bits.' : 'Memory; 64 bits wide (bit 2); prefetchable (bit 3).',
      },
      base: { bits: [31, 4], access: 'rw_hwclr', writable: word >> 4n, doc: 'Address bits. Those below the size read 0.' },
    },
  } as const;
}
