/**
 * The endpoint's registers, as byte offsets: one description for RTL, firmware and host. All registers have 32 bits; unused bits and unlisted
 * offsets read 0 and ignore writes.
 */

/** BAR0, 16 KiB, 32-bit, not prefetchable: what the host (or a peer) sees. */
export const Bar0 = {
  size: 0x4000,
  /** RO: identification, `identification` below. */
  id: 0x0000,
  /** RO: bytes of BAR memory behind BAR2, 0 if there is none. */
  memory_bytes: 0x0004,
  /** RO: doorbells. */
  doorbell_count: 0x0008,
  /** RW, by host and firmware: 1 KiB of memory; command slot i of 64 bytes starts at mailbox + 64 i. */
  mailbox: 0x0400,
  mailbox_bytes: 0x0400,
  /** WO: doorbell i at doorbell + 4 i. A write of any value makes doorbell i pending and interrupts the firmware. */
  doorbell: 0x1000,
  /** MSI-X table, 16 bytes per vector (7.7.2): address, upper address, data, vector control. */
  msix_table: 0x2000,
  /** MSI-X pending bits. */
  msix_pending: 0x3000,
} as const;

/** Value of `Bar0.id`. */
export const identification = 0x7032_7001;

/** Doorbells and command slots of an endpoint. */
export const doorbells = 16;
/** MSI-X vectors of an endpoint. */
export const msixVectors = 8;

/** The firmware port's 64 KiB: what the device's own processor sees. */
export const FirmwareMap = {
  /** RO: events, see `FirmwareEvent`. Write 1 to clear the events of engines; the doorbell event follows `doorbell_pending`. */
  events: 0x0000,
  /** RW: events that raise the interrupt. */
  event_enable: 0x0004,
  /** Bit i: doorbell i was rung since it was cleared. Write 1 to clear. */
  doorbell_pending: 0x0008,
  /** RO: BAR2's address as the host assigned it, low and high half; bytes of BAR memory. */
  bar2_low: 0x0010,
  bar2_high: 0x0014,
  memory_bytes: 0x0018,
  /** RO: requester ID in 15:0, bus master enable in 16, memory space enable in 17. */
  function_state: 0x001c,
  /** The same 1 KiB as `Bar0.mailbox`. */
  mailbox: 0x0400,
  /** Engines: each has the registers of `Engine` from its base. */
  write_dma: 0x0100,
  read_dma: 0x0120,
  fill: 0x0140,
  drain: 0x0160,
  /** A posted write of one DW: address low, high, data; writing `post_data` sends it. Event `post` when it is on its way. */
  post_low: 0x0180,
  post_high: 0x0184,
  post_data: 0x0188,
  /** WO: sends (or marks pending, if masked) the MSI-X vector of this number. */
  msix_trigger: 0x0190,
} as const;

/** Registers of one engine. Addresses and offsets are multiples of the data width in bytes; a length has bytes. */
export const Engine = {
  /** PCIe address (write_dma, read_dma). */
  address_low: 0x00,
  address_high: 0x04,
  /** Byte offset in the BAR memory, where `control` says so (always for fill and drain). */
  offset: 0x08,
  /** Bytes, 1 to 2^32 - 1. */
  length: 0x0c,
  /** Writing starts the engine: bit 0 = 1. Bit 1: the local side is the BAR memory (1) or the media stream (0); fill and drain ignore it. */
  control: 0x10,
  /** RO: bit 0 busy; bits 3:1 the worst status of the last run (0 success, 1 unsupported request, 4 completer abort, 7 bus master off or misaligned). */
  status: 0x14,
} as const;

/** Bits of `FirmwareMap.events`. The engines' bits are set when a run ends. */
export const FirmwareEvent = {
  doorbell: 1 << 0,
  write_dma: 1 << 1,
  read_dma: 1 << 2,
  fill: 1 << 3,
  drain: 1 << 4,
  post: 1 << 5,
} as const;
