import { Bundle, bool, uint } from '@hdl/ts-hdl';

/** What the configuration space tells the rest of the function. */
export class FunctionState extends Bundle({
  /** Captured bus and device number with function 0 (rule C24). */
  id: uint(16),
  /** Command register: memory space enable, bus master enable (rules C81, C83). */
  memory_enable: bool,
  bus_master: bool,
  /** Device control: payload limit is 128 << mps bytes, read request limit 128 << mrrs bytes. */
  mps: uint(3),
  mrrs: uint(3),
  bar0: uint(64),
  bar2: uint(64),
  msix_enable: bool,
  msix_mask: bool,
}) {}
