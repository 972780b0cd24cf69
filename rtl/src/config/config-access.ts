import { Bundle, bool, uint } from '@hdl/ts-hdl';

/** An access to the configuration space of one function, as a configuration request asks for it: at most one per cycle. */
export class ConfigAccess extends Bundle({
  valid: bool,
  write: bool,
  function: uint(3),
  /** Number of the 32-bit register, extended space included. */
  register: uint(10),
  data: uint(32),
  /** Bit i enables byte i of a write. */
  mask: uint(4),
  /** Bus and device number that the request was sent to. */
  device: uint(13),
}) {}

/** The answer to an access, in the cycle after it. */
export class ConfigAnswer extends Bundle({
  /** Of a read that is neither unsupported nor to be retried. */
  data: uint(32),
  /** There is no such function: answer Unsupported Request (C26). */
  unsupported: bool,
  /** The function is not ready: answer Request Retry Status (C26, C86). */
  retry: bool,
}) {}
