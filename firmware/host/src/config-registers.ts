/** Byte offsets and bits of the configuration space that the host uses (PCI Express base specification, 7.5.1 and 7.5.3). */

/** Registers of both header types. */
export const ConfigOffset = {
  id: 0x00,
  /** Command in 15:0, status in 31:16. */
  command: 0x04,
  /** Class code in 31:8. */
  class_code: 0x08,
  /** Header type in 23:16. */
  header: 0x0c,
  bar0: 0x10,
  capabilities: 0x34,
} as const;

/** Registers of a bridge (type 1 header). */
export const BridgeOffset = {
  /** Primary in 7:0, secondary in 15:8, subordinate in 23:16. */
  buses: 0x18,
  /** I/O base and limit. */
  io: 0x1c,
  /** Base in 15:4, limit in 31:20: address bits 31:20. */
  memory: 0x20,
  prefetchable: 0x24,
  prefetchable_base_upper: 0x28,
  prefetchable_limit_upper: 0x2c,
} as const;

/** Bits of the command register. */
export const CommandBit = { memory: 1 << 1, busMaster: 1 << 2 } as const;

/** Bit of the command/status register: there is a capability list. */
export const capabilityListBit: number = 1 << 20;

/** Byte offsets in the PCI Express capability. */
export const ExpressOffset = { capabilities: 0x00, device_capabilities: 0x04, device_control: 0x08 } as const;

/** Bits of device capabilities and of device control (7.5.3.3, 7.5.3.4). */
export const DeviceBit = {
  extendedTagCapable: 1 << 5,
  extendedTagEnable: 1 << 8,
  /** Of device control: all but MPS, extended tag enable, MRRS. */
  others: 0x8e1f,
} as const;
