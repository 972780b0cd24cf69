import { Bundle, type BundleType, bool, uint, vec } from '@hdl/ts-hdl';

/** A base address register as the address decoder wants it: an address hits if all bits that `compare` names are those of `base`. */
export class BarState extends Bundle({
  base: uint(64),
  /** Bit i stands for address bit 12 + i and is 1 above the BAR's size, so a resizable BAR changes it; all 0 with `base` 0 is a BAR that does not exist. */
  compare: uint(52),
}) {}

const fields = (bars: number) => ({
  /** {bus, device, function}; bus and device as captured from the last configuration write (C24). */
  id: uint(16),
  /** Command register: memory space enable, bus master enable (C81, C83). Both are 0 while the function is being reset. */
  memory_enable: bool,
  bus_master: bool,
  /** Device control: payload limit is 128 << mps bytes, read request limit 128 << mrrs bytes. */
  mps: uint(3),
  mrrs: uint(3),
  /** Device control: the attributes may be set in requests (C99). */
  relaxed_ordering: bool,
  no_snoop: bool,
  /** Device control and device control 2: tags of 8 and of 10 bits may be used (C71a). */
  extended_tag: bool,
  ten_bit_tag: bool,
  /** Device control 2: completion timeout value, 4 bits as in the register, and its disable (C59). */
  timeout_value: uint(4),
  timeout_disable: bool,
  /** Device control 2: AtomicOp requests may be sent (C98); ID-based ordering in requests and completions (C65). */
  atomic_requester: bool,
  ido_request: bool,
  ido_completion: bool,
  /** AER capabilities and control: ECRC is generated, and checked (C71c). */
  ecrc_generate: bool,
  ecrc_check: bool,
  /** MSI-X enable and function mask (C92). */
  msix_enable: bool,
  msix_mask: bool,
  /** ACS control of a function of several: bit 2 request redirect, 3 completion redirect, 5 egress control, 6 direct translated (C74 to C78). */
  acs: uint(7),
  /** ACS egress control vector: a bit per function, 1 blocks or redirects (C77). */
  acs_egress: uint(8),
  /** ATS control: translations may be asked for and used; the smallest translation unit is 2^(12 + n) bytes (C95). */
  ats_enable: bool,
  ats_unit: uint(5),
  /** A function level reset is under way (C84): everything of the function is abandoned; ends when the blocks have said so. */
  resetting: bool,
  bars: vec(bars, BarState),
});

/** What the configuration space of one function tells the rest of the endpoint; `bars` counts the BARs that the function was built with, in order. */
export function functionControls(bars: number): FunctionControlsType {
  const known = types.get(bars);
  if (known) return known;
  const type = class FunctionControls extends Bundle(fields(bars)) {};
  types.set(bars, type);
  return type;
}
export type FunctionControlsType = BundleType<ReturnType<typeof fields>>;
const types = new Map<number, FunctionControlsType>();
