import { u8, u32, u64, type Values } from '../layout.ts';

/**
 * What a GPU's firmware and its driver share. The device has memory in a BAR and carries out commands from a ring in memory that the driver chose:
 *
 *     mailbox   0x00  what the device is      written by the firmware at boot, its first DW last
 *               0x20  where the ring is       written by the driver before it rings for the first time
 *     doorbell  0     commands posted so far, modulo 2^32
 *
 * Commands are carried out in their order. Behind each the firmware writes a fence beside the ring, then triggers vector 0.
 */

/** Byte offsets in BAR0. */
export const mailboxBase = 0x400;
export const doorbellBase = 0x1000;

/** Byte offsets in the mailbox. */
export const Mailbox = { device: 0, ring: 0x20 } as const;

/** 'GPU0' in ASCII. */
export const deviceSignature = 0x3055_5047;

/** What the device is. */
export const deviceInformation = {
  signature: u32(0),
  /** Its memory: the BAR, the first byte there and bytes. */
  memoryBar: u32(4),
  memoryOffset: u32(8),
  memoryBytes: u32(12),
} as const;
export const deviceInformationBytes = 16;

/** Where commands and fences are, by bus addresses, and how many of each: at most 65,536. */
export const ringDescription = { commands: u64(0), fences: u64(8), entries: u32(16) } as const;
export const ringDescriptionBytes = 24;

/** What a command does. */
export const GpuOpcode = {
  /** `bytes` bytes from `source` to `target`. */
  copy: 1,
  /** `value` in each of `bytes` bytes from `target` on. */
  fill: 2,
  /** CRC-32 (ISO 3309) of `bytes` bytes from `source` on: the result of the fence. */
  checksum: 3,
} as const;

/** A command. A place is a bus address, or with its flag an offset in the device's own memory. */
export const command = {
  opcode: u8(0),
  sourceIsOwn: u8(1),
  targetIsOwn: u8(2),
  value: u8(3),
  bytes: u32(4),
  source: u64(8),
  target: u64(16),
} as const;
export const commandBytes = 32;
export type Command = Values<typeof command>;

export const GpuStatus = {
  success: 0,
  /** There is no such opcode. */
  invalidOpcode: 1,
  /** An offset is not in the device's memory. */
  outOfBounds: 2,
  /** The fabric refused a request. */
  transferError: 3,
} as const;

/** How a command ended: `sequence` counts commands from 1, modulo 2^32, and is written last. */
export const fence = { result: u32(0), status: u32(4), sequence: u32(8) } as const;
export const fenceBytes = 16;
