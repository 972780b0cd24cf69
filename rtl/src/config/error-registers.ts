import { type Chained, extendedHeader } from './chain.ts';

/** Advanced error reporting (7.8.4): its registers, made from one list of errors each. */

interface Listed {
  readonly bit: number;
  /** Severity after reset: 1 is fatal. */
  readonly fatal?: 1;
  /** Masked after reset. */
  readonly masked?: 1;
  readonly doc: string;
}

/** Uncorrectable errors of an endpoint; the bits are those of `ErrorKind` (C87). */
export const uncorrectableErrors = {
  data_link: { bit: 4, fatal: 1, doc: 'Data link protocol error.' },
  poisoned: { bit: 12, doc: 'Poisoned TLP received.' },
  flow_control: { bit: 13, fatal: 1, doc: 'Flow control protocol error.' },
  completion_timeout: { bit: 14, doc: 'Completion timeout.' },
  completer_abort: { bit: 15, doc: 'Completer Abort sent.' },
  unexpected_completion: { bit: 16, doc: 'Unexpected completion.' },
  overflow: { bit: 17, fatal: 1, doc: 'Receiver overflow.' },
  malformed: { bit: 18, fatal: 1, doc: 'Malformed TLP.' },
  ecrc: { bit: 19, doc: 'ECRC error.' },
  unsupported: { bit: 20, doc: 'Unsupported Request.' },
  acs_violation: { bit: 21, doc: 'ACS violation.' },
  internal: { bit: 22, fatal: 1, masked: 1, doc: 'Uncorrectable internal error.' },
} as const satisfies { readonly [name: string]: Listed };

/** Uncorrectable errors of a switch port (C87). */
export const portErrors = {
  ...uncorrectableErrors,
  surprise_down: { bit: 5, fatal: 1, doc: 'The link below went down unasked.' },
  multicast_blocked: { bit: 23, doc: 'A multicast TLP was refused.' },
  atomic_blocked: { bit: 24, doc: 'An AtomicOp was not let out.' },
} as const satisfies { readonly [name: string]: Listed };

/** Correctable errors; the bits are those of `CorrectableKind`. */
export const correctableErrors = {
  receiver: { bit: 0, doc: 'Receiver error.' },
  bad_tlp: { bit: 6, doc: 'Bad TLP.' },
  bad_dllp: { bit: 7, doc: 'Bad DLLP.' },
  replay_rollover: { bit: 8, doc: 'Replay number rollover.' },
  replay_timeout: { bit: 12, doc: 'Replay timer timeout.' },
  advisory: { bit: 13, masked: 1, doc: 'Advisory non-fatal error (C89).' },
  internal: { bit: 14, masked: 1, doc: 'Corrected internal error.' },
} as const satisfies { readonly [name: string]: Listed };

type OneBit<L, A extends string> = {
  readonly [K in keyof L]: {
    readonly bits: number;
    readonly access: A;
    readonly reset: number;
    readonly survives: 'warm_reset';
    readonly doc: string;
  };
};

/** A field of one bit for each error of a list. All of them are sticky. */
export function eachOf<L extends { readonly [name: string]: Listed }, A extends 'rw' | 'w1c'>(
  list: L,
  access: A,
  reset: (error: Listed) => number,
): OneBit<L, A> {
  const fields = Object.entries(list).map(([name, error]) => {
    return [name, { bits: error.bit, access, reset: reset(error), survives: 'warm_reset', doc: error.doc }] as const;
  });
  return Object.fromEntries(fields) as OneBit<L, A>;
}

const logWord = (offset: number, index: number) =>
  ({
    offset: offset + 0x1c + 4 * index,
    doc: `Header of the TLP that the first error pointer stands for: DW ${index}.`,
    fields: { word: { bits: [31, 0], access: 'ro', doc: 'Byte 0 of the DW is in bits 31:24.' } },
  }) as const;

/** Status, mask and severity of the uncorrectable errors of a list. */
export function uncorrectableRegisters<L extends { readonly [name: string]: Listed }>(offset: number, list: L) {
  return {
    uncorrectable_status: {
      offset: offset + 0x04,
      doc: 'Uncorrectable errors that happened, masked or not.',
      fields: eachOf(list, 'w1c', () => 0),
    },
    uncorrectable_mask: {
      offset: offset + 0x08,
      doc: 'Errors that are neither reported nor logged with their header (C88).',
      fields: eachOf(list, 'rw', error => error.masked ?? 0),
    },
    uncorrectable_severity: {
      offset: offset + 0x0c,
      doc: 'Errors that are fatal (1) or non-fatal (0).',
      fields: eachOf(list, 'rw', error => error.fatal ?? 0),
    },
  } as const;
}

/** The registers of a function; without `ecrc` digests are neither made nor checked. */
export function errorRegisters({ offset, next }: Chained, ecrc = true) {
  const able = ecrc ? 1 : 0;
  return {
    error_header: extendedHeader(0x0001, 2, { offset, next }, 'Advanced error reporting.'),
    ...uncorrectableRegisters(offset, uncorrectableErrors),
    correctable_status: {
      offset: offset + 0x10,
      doc: 'Correctable errors that happened, masked or not.',
      fields: eachOf(correctableErrors, 'w1c', () => 0),
    },
    correctable_mask: {
      offset: offset + 0x14,
      doc: 'Correctable errors that are not reported.',
      fields: eachOf(correctableErrors, 'rw', error => error.masked ?? 0),
    },
    error_control: {
      offset: offset + 0x18,
      doc: 'Capabilities and control of error reporting.',
      fields: {
        first_error: { bits: [4, 0], access: 'ro', doc: 'Bit of the error whose header is logged; 0 while there is none.' },
        ecrc_generate_capable: { bits: 5, access: 'constant', reset: able, doc: 'ECRC can be generated (C71c).' },
        ecrc_generate: { bits: 6, access: 'rw', writable: able, survives: 'warm_reset', doc: 'ECRC is generated.' },
        ecrc_check_capable: { bits: 7, access: 'constant', reset: able, doc: 'ECRC can be checked.' },
        ecrc_check: { bits: 8, access: 'rw', writable: able, survives: 'warm_reset', doc: 'ECRC is checked.' },
      },
    },
    header_log_0: logWord(offset, 0),
    header_log_1: logWord(offset, 1),
    header_log_2: logWord(offset, 2),
    header_log_3: logWord(offset, 3),
  } as const;
}
