import { bits, raw, u8, u16, u32, u64, u128 } from '../layout.ts';

/** Features, events and log pages (NVMe 1.4 sections 5.2, 5.14 and 5.21). */

/** Feature identifiers (5.21.1). */
export const Feature = {
  arbitration: 0x01,
  powerManagement: 0x02,
  temperatureThreshold: 0x04,
  errorRecovery: 0x05,
  volatileWriteCache: 0x06,
  numberOfQueues: 0x07,
  interruptCoalescing: 0x08,
  interruptVectorConfiguration: 0x09,
  writeAtomicity: 0x0a,
  asynchronousEventConfiguration: 0x0b,
} as const;

/** What Get Features is asked for, SEL (5.13). */
export const FeatureSelect = { current: 0, default: 1, saved: 2, capabilities: 3 } as const;

/** What a feature can do, the answer to `FeatureSelect.capabilities` (5.13). */
export const FeatureCapability = { saveable: 1, namespaceSpecific: 2, changeable: 4 } as const;

/** Interrupt Vector Configuration and Interrupt Coalescing (5.21.1.8, 5.21.1.9), as fields of the DW that is their value. */
export const vectorConfiguration = { vector: bits(0, 15, 0), coalescingDisabled: bits(0, 16, 16) } as const;
export const coalescing = { threshold: bits(0, 7, 0), time: bits(0, 15, 8) } as const;

/** Number of Queues (5.21.1.7): both count from 0. */
export const queueCounts = { submission: bits(0, 15, 0), completion: bits(0, 31, 16) } as const;

/** Temperature Threshold (5.21.1.4). */
export const temperatureThreshold = { threshold: bits(0, 15, 0), sensor: bits(0, 19, 16), type: bits(0, 21, 20) } as const;

/** Result of an Asynchronous Event Request (5.2.1). */
export const event = { type: bits(0, 2, 0), information: bits(0, 15, 8), page: bits(0, 23, 16) } as const;

export const EventType = { error: 0, health: 1, notice: 2, commandSet: 6, vendor: 7 } as const;

/** Informations of error events. */
export const ErrorEvent = { invalidDoorbellRegister: 0, invalidDoorbellValue: 1, internalError: 4 } as const;

/** Informations of health events. */
export const HealthEvent = { reliability: 0, temperature: 1, spare: 2 } as const;

/** Log page identifiers (5.14). */
export const LogPage = { error: 0x01, health: 0x02, firmwareSlot: 0x03, commandEffects: 0x05 } as const;

/** An entry of the Error Information log (5.14.1.1). */
export const errorEntryBytes = 64;
export const errorEntry = {
  count: u64(0),
  queue: u16(8),
  identifier: u16(10),
  /** As in the completion: status code in 8:1, status code type in 11:9, more in 14, do not retry in 15. */
  status: u16(12),
  /** Byte of the command that was wrong in 7:0, its bit in 10:8; all ones if no one part was. */
  location: u16(14),
  block: u64(16),
  namespace: u32(24),
  specific: u64(32),
} as const;

/** SMART / Health Information (5.14.1.2). Temperatures are in kelvin; data units are 1000 × 512 bytes, rounded up. */
export const healthBytes = 512;
export const health = {
  criticalWarning: u8(0),
  temperature: u16(1),
  spare: u8(3),
  spareThreshold: u8(4),
  used: u8(5),
  dataRead: u128(32),
  dataWritten: u128(48),
  readCommands: u128(64),
  writeCommands: u128(80),
  powerCycles: u128(112),
  unsafeShutdowns: u128(144),
  mediaErrors: u128(160),
  errorEntries: u128(176),
  sensor1: u16(200),
} as const;

/** Bit of the critical warnings: a temperature is beyond its threshold. */
export const temperatureWarning = 1 << 1;

/** Firmware Slot Information (5.14.1.3). */
export const firmwareSlotBytes = 512;
export const firmwareSlot = { active: u8(0), revision1: raw(8, 8) } as const;

/** Commands Supported and Effects (5.14.1.5): a DW per opcode, the admin commands first. */
export const commandEffectsBytes = 4096;
export const CommandEffect = { supported: 1 << 0, changesBlocks: 1 << 1 } as const;
export const ioEffectsOffset = 1024;
