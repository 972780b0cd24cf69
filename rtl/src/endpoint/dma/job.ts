import { Bundle, bool, uint } from '@hdl/ts-hdl';

/**
 * A transfer for a DMA engine. Engines take jobs from a stream while earlier ones are under way, and answer each with a `DmaResult` in the order of the
 * jobs. Addresses, offsets and lengths are in bytes and may have any alignment.
 */
export class DmaJob extends Bundle({
  /** PCIe address of the remote side. */
  address: uint(64),
  /** Byte offset in the BAR memory, where `memory` is 1. */
  offset: uint(32),
  /** Bytes; 0 is done at once. */
  length: uint(32),
  /** The local side: the BAR memory (1) or the media stream (0). */
  memory: bool,
  /** The function in whose name the requests go out: its ID, its enables and limits. */
  function: uint(3),
  /** Attributes that the job would like; device control decides (C99). */
  relaxed_ordering: bool,
  no_snoop: bool,
  /** Address type of the requests: 0 untranslated, 2 translated (C11). */
  at: uint(2),
  /** Comes back with the result. */
  id: uint(8),
}) {}

/** How a job ended; the greatest number of what happened to its requests. */
export const DmaOutcome = {
  success: 0,
  /** A completion with Unsupported Request or Completer Abort status: the status codes themselves. */
  unsupported: 1,
  abort: 4,
  /** Data came poisoned (C71b). */
  poisoned: 5,
  /** No completion in time (C59). */
  timeout: 6,
  /** Bus master enable was off, or the function was reset, or the job was aborted: not all was sent. */
  refused: 7,
} as const;

export class DmaResult extends Bundle({
  id: uint(8),
  function: uint(3),
  /** One of `DmaOutcome`. */
  outcome: uint(3),
}) {}
