/** What the PCI Express capabilities (7.5.3) of endpoints and switch ports have in common. */

/** Gen4 x8: 15.75 GB/s, the generation and width next to a 256-bit beat at 500 MHz. The link has no training, so these are constants. */
const link = { speed: 4, lanes: 8, speeds: 0b1111 } as const;

/** First fields of the device capabilities: the largest payload in bytes, a power of two from 128. */
export const payloadCapability = (max_payload: number) =>
  ({
    max_payload: {
      bits: [2, 0],
      access: 'constant',
      reset: Math.log2(max_payload / 128),
      doc: 'Largest payload: 128 << n bytes (C4).',
    },
  }) as const;

export const roleBasedErrors = {
  role_based_errors: { bits: 15, access: 'constant', reset: 1, doc: 'Advisory non-fatal errors are told apart (C89).' },
} as const;

/** What device control lets be reported. */
export const reportFields = {
  correctable_enable: { bits: 0, access: 'rw', doc: 'ERR_COR may be sent (C88).' },
  nonfatal_enable: { bits: 1, access: 'rw', doc: 'ERR_NONFATAL may be sent.' },
  fatal_enable: { bits: 2, access: 'rw', doc: 'ERR_FATAL may be sent.' },
  unsupported_enable: { bits: 3, access: 'rw', doc: 'Unsupported Requests may be reported.' },
} as const;

/** What device status tells of errors: the fields of `Detected`. */
export const detectedFields = {
  correctable_detected: { bits: 16, access: 'w1c', doc: 'A correctable error happened, reported or not.' },
  nonfatal_detected: { bits: 17, access: 'w1c', doc: 'A non-fatal error happened, reported or not.' },
  fatal_detected: { bits: 18, access: 'w1c', doc: 'A fatal error happened, reported or not.' },
  unsupported_detected: { bits: 19, access: 'w1c', doc: 'An Unsupported Request came, reported or not.' },
} as const;

/** The limits of device control, up to the largest payload in bytes. */
export const payloadLimit = (max_payload: number) =>
  ({
    bits: [7, 5],
    access: 'rw',
    legal: Array.from({ length: Math.log2(max_payload / 128) + 1 }, (_, i) => i),
    doc: 'Payload limit: 128 << n bytes (C4).',
  }) as const;

export const readRequestLimit = {
  bits: [14, 12],
  access: 'rw',
  reset: 2,
  legal: [0, 1, 2, 3, 4, 5],
  doc: 'Read request limit: 128 << n bytes (C6).',
} as const;

/** Device control is one half of its word, device status the other. */
export const deviceParts = {
  device_control: { bits: [15, 0], doc: 'Enables and limits.' },
  device_status: { bits: [31, 16], doc: 'What happened.' },
} as const;

export const tenBitCompleter = {
  bits: 16,
  access: 'constant',
  reset: 1,
  doc: '10-bit tags are understood as a completer (C71a).',
} as const;

/** Fields of link capabilities, and of link control and status. */
export const linkCapability = {
  speed: { bits: [3, 0], access: 'constant', reset: link.speed, doc: 'Highest speed.' },
  lanes: { bits: [9, 4], access: 'constant', reset: link.lanes, doc: 'Lanes.' },
} as const;

export const aspmOptional = {
  aspm_optional: { bits: 22, access: 'constant', reset: 1, doc: 'The specification that makes ASPM optional is followed.' },
} as const;

export const linkSettings = {
  common_clock: { bits: 6, access: 'rw', doc: 'Both ends have one reference clock.' },
  extended_synch: { bits: 7, access: 'rw', doc: 'Longer training sequences.' },
} as const;

export const linkStatus = {
  speed: { bits: [19, 16], access: 'constant', reset: link.speed, doc: 'Speed.' },
  lanes: { bits: [25, 20], access: 'constant', reset: link.lanes, doc: 'Lanes.' },
  slot_clock: { bits: 28, access: 'constant', reset: 1, doc: "The connector's clock is used." },
} as const;

/** The last registers of the capability at `offset`. */
export function secondLinkRegisters(offset: number) {
  return {
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
