import { Bundle, bool, select, type UInt, u, uint } from '@hdl/ts-hdl';

/** What the parts of the read DMA tell each other. These are pulses, not streams: `strobe` for a cycle, and nobody may refuse. */

/** A read request leaves: what its completions must look like. `turn` differs from that of the tag's request before. */
export class IssuedRead extends Bundle({
  strobe: bool,
  tag: uint(10),
  turn: bool,
  /** Byte address of the first byte, as far as completions tell it (C55). */
  lower_address: uint(7),
  bytes: uint(13),
  /** Where its words begin in the reorder buffer. */
  index: uint(16),
  function: uint(3),
  /** When it left, in units of 2^`unit` microseconds. */
  stamp: uint(5),
  unit: uint(5),
}) {}

/** A read is over: its words are complete, or it failed. */
export class CompletedRead extends Bundle({ strobe: bool, tag: uint(10), turn: bool, outcome: uint(3) }) {}

/** A completion that belongs to a request has come whole and failed: what the status of its function tells of it (one bit per function). */
export class ReceivedFailure extends Bundle({ functions: uint(8), unsupported: bool, abort: bool, poisoned: bool }) {}

/** A tag must not be used (`on`), or may be used again. */
export class TagQuarantine extends Bundle({ strobe: bool, tag: uint(10), on: bool }) {}

/** All words of a tag's request have left the buffer. */
export class ReleasedTag extends Bundle({ strobe: bool, tag: uint(10), turn: bool }) {}

/** The words of a request, in the order of requests; or the end of a job without words. */
export class OrderedRead extends Bundle({
  tag: uint(10),
  turn: bool,
  /** Words of the buffer. */
  words: uint(10),
  /** No request, no words; `cut`: the job ends before all its words came. */
  none: bool,
  cut: bool,
  /** The job's last. */
  last: bool,
}) {}

/** Bits of the microsecond counter: 5 digits in the coarsest unit. */
export const timeBits = 28;

/** log2 of the unit in microseconds, by the completion timeout value of device control 2; a read is given up after 4 to 5 units (C59). */
const units = [12, 4, 10, 12, 12, 13, 15, 12, 12, 17, 19, 12, 12, 21, 23, 12];

/** The unit in which a function's timeout is counted: 4 to 5 units lie inside the range that the value names; the default is 16.4 to 20.5 ms. */
export const timeoutUnit = (value: UInt<4>): UInt<5> =>
  select(
    value,
    units.map(unit => u(5, unit)),
  );

/** The time in units of 2^`unit` microseconds, modulo 32. */
export const timeIn = (unit: UInt<5>, time: UInt<28>): UInt<5> => time.shr(unit).trunc(5);
