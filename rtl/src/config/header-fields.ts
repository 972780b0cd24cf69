/** What the headers of endpoints (type 0) and switch ports (type 1) have in common (7.5.1.1). */

/** Who made it, and what it is. */
export const identityFields = ({ vendor_id, device_id }: { readonly vendor_id: number; readonly device_id: number }) =>
  ({
    vendor_id: { bits: [15, 0], access: 'constant', reset: vendor_id, doc: 'Vendor.' },
    device_id: { bits: [31, 16], access: 'constant', reset: device_id, doc: 'Device.' },
  }) as const;

export const identityParts = {
  vendor_id: { bits: [15, 0], doc: 'Vendor.' },
  device_id: { bits: [31, 16], doc: 'Device.' },
} as const;

/** Fields of command and status that mean the same in both. */
export const commonCommand = {
  interrupt_disable: { bits: 10, access: 'rw', doc: 'No INTx: there is none in any case.' },
  capability_list: { bits: 20, access: 'constant', reset: 1, doc: 'There is a capability list.' },
} as const;

export const signalledSystemError = {
  signalled_system_error: { bits: 30, access: 'w1c', doc: 'ERR_NONFATAL or ERR_FATAL was sent under `serr_enable`.' },
} as const;

export const commandParts = {
  command: { bits: [15, 0], doc: 'Enables.' },
  status: { bits: [31, 16], doc: 'What happened.' },
} as const;

/** Revision, 1 by default, and class code of 24 bits. */
export const classFields = (revision: number | undefined, class_code: number, doc: string) =>
  ({
    revision: { bits: [7, 0], access: 'constant', reset: revision ?? 1, doc: 'Revision.' },
    class_code: { bits: [31, 8], access: 'constant', reset: class_code, doc },
  }) as const;

/** Cache line size, and the type of the header. */
export const layoutFields = (type: 0 | 1) =>
  ({
    cache_line: { bits: [7, 0], access: 'rw', doc: 'Cache line in DW; has no effect.' },
    layout: { bits: [22, 16], access: 'constant', reset: type, doc: `Type ${type}.` },
  }) as const;

/** The register that says where the first capability stands. */
export const capabilityPointer = (first: number) =>
  ({
    offset: 0x34,
    doc: 'Where the capability list begins.',
    fields: { first: { bits: [7, 0], access: 'constant', reset: first, doc: 'Offset of the first capability.' } },
  }) as const;
