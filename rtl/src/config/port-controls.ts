import { Bundle, type BundleType, bool, type Sig, uint } from '@hdl/ts-hdl';

/** Access control of a switch's downstream port (ACS, 6.12): what its ACS control register enables (C72 to C78). */
export class AccessControl extends Bundle({
  source_validation: bool,
  translation_blocking: bool,
  request_redirect: bool,
  completion_redirect: bool,
  upstream_forwarding: bool,
  egress_control: bool,
  direct_translated: bool,
}) {}

const fields = (ports: number) => ({
  /** {bus, device, function} of the port; bus and device as captured from the last configuration write (C24). */
  id: uint(16),
  /** Command register: memory and I/O requests from above may pass; requests from below may pass (C82, C83). */
  memory_enable: bool,
  io_enable: bool,
  bus_master: bool,
  /** Buses behind the port; none if `secondary` is 0. */
  secondary: uint(8),
  subordinate: uint(8),
  /** First and last 4 KiB of the I/O window, first and last MiB of the memory windows; a window is closed if base > limit (C30, C31). */
  io_base: uint(20),
  io_limit: uint(20),
  memory_base: uint(12),
  memory_limit: uint(12),
  prefetch_base: uint(44),
  prefetch_limit: uint(44),
  /** Access control of a downstream port, and its egress control vector: a bit for each downstream port (C72 to C78). */
  acs: AccessControl,
  egress_vector: uint(ports),
  /** Devices other than 0 are functions of the one device below (C27). */
  ari_forwarding: bool,
  /** AtomicOps do not leave by this port (C98). */
  atomic_blocked: bool,
  /** What takes the link below down: one of `Contains`; requests to it are answered with Completer Abort then, not with Unsupported Request (C91). */
  contains: uint(2),
  aborts: bool,
  /** The link below is up: neither reset, nor contained, nor without a partner (C71e, C85, C91). */
  link_up: bool,
  /** Payload limit: 128 << mps bytes (C4). */
  mps: uint(3),
  /** Error messages from below pass: ERR_COR; ERR_NONFATAL and ERR_FATAL (C90). */
  passes_correctable: bool,
  passes_severe: bool,
});

/** What the configuration space of a switch port tells the routing. */
export function portControls(ports: number): PortControlsType {
  const known = types.get(ports);
  if (known) return known;
  const type = class PortControls extends Bundle(fields(ports)) {};
  types.set(ports, type);
  return type;
}
export type PortControlsType = BundleType<ReturnType<typeof fields>>;
export type PortControls = Sig<PortControlsType>;
const types = new Map<number, PortControlsType>();
