/** Registers of configuration space that the PCI core uses: byte offsets and bits (base specification, chapter 7). */

/** Both header types. */
export const Header = {
  id: 0x00,
  /** Command in 15:0, status in 31:16. */
  command: 0x04,
  /** Class code in 31:8. */
  classCode: 0x08,
  /** Header type in 23:16, bit 23: several functions. */
  type: 0x0c,
  bar0: 0x10,
  capabilities: 0x34,
} as const;

/** Bits of command and status. */
export const Command = { io: 1 << 0, memory: 1 << 1, busMaster: 1 << 2, serr: 1 << 8, capabilityList: 1 << 20 } as const;

/** Bridges (type 1 header). */
export const BridgeRegister = {
  /** Primary in 7:0, secondary in 15:8, subordinate in 23:16. */
  buses: 0x18,
  /** I/O base in 7:4 and limit in 15:12: address bits 15:12; bits 3:0 and 11:8 tell whether there are 32 bits. */
  io: 0x1c,
  memory: 0x20,
  /** Bits 3:0 and 19:16 are 1 where the window has 64 bits. */
  prefetchable: 0x24,
  prefetchableBaseUpper: 0x28,
  prefetchableLimitUpper: 0x2c,
  ioUpper: 0x30,
  /** Bridge control in 31:16; bit 22 is the secondary bus reset. */
  control: 0x3c,
} as const;
export const secondaryBusReset: number = 1 << 22;
/** Of the same: error messages from below go up. */
export const forwardErrors: number = 1 << 17;

export const CapabilityId = { express: 0x10 } as const;
export const ExtendedId = { aer: 0x0001, acs: 0x000d, ari: 0x000e, resizableBar: 0x0015, dpc: 0x001d } as const;

/** Device/port type of the PCI Express capability (7.5.3.2). */
export const PortType = { endpoint: 0, rootPort: 4, upstream: 5, downstream: 6, integratedEndpoint: 9 } as const;

/** Offsets in the PCI Express capability. */
export const Express = {
  capabilities: 0x00,
  /** MPS supported in 2:0, function level reset in bit 28. */
  deviceCapabilities: 0x04,
  /** Device control in 15:0 (MPS 7:5, MRRS 14:12, start of a function level reset 15), status in 31:16 (transactions pending: 21). */
  deviceControl: 0x08,
  /** Link control in 15:0 (disable: 4), status in 31:16 (data link layer active: 29). */
  linkControl: 0x10,
  /** Hot plug: bit 6. */
  slotCapabilities: 0x14,
  /** Slot status in 31:16: presence changed 19, presence 22, link state changed 24. */
  slotControl: 0x18,
  /** Root control in 15:0 (retry status visible to software: 4), root capabilities in 31:16 (that is possible: 16). */
  rootControl: 0x1c,
  /** ARI forwarding supported: 5. */
  deviceCapabilities2: 0x24,
  /** ARI forwarding: 5. */
  deviceControl2: 0x28,
} as const;
export const linkActive: number = 1 << 29;
export const functionLevelReset = { supported: 1 << 28, start: 1 << 15, pending: 1 << 21 } as const;

/** Offsets in the advanced error reporting capability. */
export const Aer = {
  uncorrectableStatus: 0x04,
  uncorrectableMask: 0x08,
  uncorrectableSeverity: 0x0c,
  correctableStatus: 0x10,
  correctableMask: 0x14,
  /** First error pointer in 4:0. */
  control: 0x18,
  headerLog: 0x1c,
  /** Which kinds of messages interrupt: 2:0. */
  rootCommand: 0x2c,
  /** Correctable received 0, several 1, uncorrectable 2, several 3, first uncorrectable is fatal 4, non-fatal received 5, fatal received 6. */
  rootStatus: 0x30,
  /** Source of a correctable error in 15:0, of an uncorrectable one in 31:16. */
  source: 0x34,
} as const;

/** Offsets in the downstream port containment capability. */
export const Dpc = {
  /** Trigger enable in 17:16 of this register: 1 on fatal errors, 2 on non-fatal ones too. */
  control: 0x04,
  /** Triggered 0 (written 1 to release), reason 2:1, root port busy 4; source ID in 31:16. */
  status: 0x08,
} as const;

/** ACS: capability in 15:0, control in 31:16 of this register. */
export const acsRegister = 0x04;

/** Resizable BARs: sizes in bits 31:4 (bit 4 is 1 MiB), then control: BAR index 2:0, number of BARs 7:5, size 13:8. */
export const ResizableBar = { capability: 0x04, control: 0x08, step: 8 } as const;
