import { Bundle, bool, uint } from '@hdl/ts-hdl';
import { TlpHeader } from '../tlp/tlp.ts';

/** What can be wrong (C87): the number of the bit in the uncorrectable error registers of AER. */
export const ErrorKind = {
  dataLink: 4,
  surpriseDown: 5,
  poisoned: 12,
  flowControl: 13,
  completionTimeout: 14,
  completerAbort: 15,
  unexpectedCompletion: 16,
  overflow: 17,
  malformed: 18,
  ecrc: 19,
  unsupported: 20,
  acsViolation: 21,
  internal: 22,
  multicastBlocked: 23,
  atomicEgressBlocked: 24,
} as const;

/** What the link below corrected: the number of the bit in the correctable error registers of AER. */
export const CorrectableKind = {
  receiver: 0,
  badTlp: 6,
  badDllp: 7,
  replayRollover: 8,
  replayTimeout: 12,
  internal: 14,
} as const;

/** An error on its way from the block that found it to the configuration spaces that log it (6.2). */
export class ErrorReport extends Bundle({
  /** Functions that log it, one bit each; all bits for an error that belongs to no function in particular. */
  functions: uint(8),
  /** One of `ErrorKind`. */
  kind: uint(5),
  /** Logged as advisory non-fatal where the severity is non-fatal (C89): the receiver has answered, or another will see the consequence. */
  advisory: bool,
  /** The TLP's header for the header log; means nothing for a completion timeout. */
  header: TlpHeader,
}) {}
