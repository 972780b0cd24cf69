import { Bundle, bool, uint } from '@hdl/ts-hdl';

/** Multicast as the capability of a switch port has it (6.14, C97). */
export class MulticastControls extends Bundle({
  enable: bool,
  /** First page of 4 KiB of the window, and the first one behind it; groups have 2^`shift` pages each. */
  first: uint(52),
  end: uint(53),
  shift: uint(6),
  /** By group: TLPs leave by this port; those that come in by it are refused, all or the untranslated ones. */
  receive: uint(64),
  block_all: uint(64),
  block_untranslated: uint(64),
}) {}
