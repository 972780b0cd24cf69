import { ascii, raw, u8, u16, u32, u64, u128 } from '../layout.ts';

/** Data structures of Identify (NVMe 1.4 section 5.15.2). */

/** CNS: which structure. */
export const IdentifyStructure = { namespace: 0, controller: 1, activeNamespaces: 2, namespaceDescriptors: 3 } as const;

/** Bytes of each of them. */
export const identifyBytes = 4096;

/** Identify Controller. */
export const identifyController = {
  vendor: u16(0),
  subsystemVendor: u16(2),
  serial: ascii(4, 20),
  model: ascii(24, 40),
  firmware: ascii(64, 8),
  arbitrationBurst: u8(72),
  /** MDTS: largest transfer is the smallest page << MDTS; 0 for no limit. */
  maxTransfer: u8(77),
  controller: u16(78),
  version: u32(80),
  /** RTD3R and RTD3E, in microseconds. */
  resumeLatency: u32(84),
  entryLatency: u32(88),
  /** OAES: optional events. */
  optionalEvents: u32(92),
  attributes: u32(96),
  /** CNTRLTYPE: 1 is an I/O controller. */
  type: u8(111),
  /** OACS. */
  optionalAdmin: u16(256),
  /** ACL and AERL, from 0. */
  abortLimit: u8(258),
  eventRequestLimit: u8(259),
  firmwareUpdates: u8(260),
  /** LPA. */
  logPageAttributes: u8(261),
  /** ELPE, from 0. */
  errorEntries: u8(262),
  /** NPSS, from 0. */
  powerStates: u8(263),
  vendorFormat: u8(264),
  warningTemperature: u16(266),
  criticalTemperature: u16(268),
  totalCapacity: u128(280),
  unallocatedCapacity: u128(296),
  /** SQES and CQES: smallest in 3:0, largest in 7:4, as powers of two. */
  submissionEntry: u8(512),
  completionEntry: u8(513),
  maxCommands: u16(514),
  namespaces: u32(516),
  /** ONCS. */
  optionalNvm: u16(520),
  fused: u16(522),
  formatAttributes: u8(524),
  /** VWC. */
  volatileCache: u8(525),
  /** AWUN and AWUPF in blocks, from 0. */
  atomicWrite: u16(526),
  atomicWritePowerFail: u16(528),
  vendorCommands: u8(530),
  atomicCompare: u16(532),
  /** SGLS. */
  sgl: u32(536),
  subsystem: ascii(768, 256, '\0'),
  /** Power state 0. */
  maxPower: u16(2048),
} as const;

/** OACS. */
export const OptionalAdmin = { doorbellBuffer: 1 << 8 } as const;
/** ONCS. */
export const OptionalNvm = { compare: 1 << 0, datasetManagement: 1 << 2, writeZeroes: 1 << 3, saveAndSelect: 1 << 4 } as const;
/** LPA. */
export const LogPageAttribute = { commandEffects: 1 << 1, extendedData: 1 << 2 } as const;
/** VWC: there is a cache, and Flush with the NSID of all namespaces flushes all of them. */
export const VolatileCache = { present: 1 << 0, flushAll: 3 << 1 } as const;
/** SGLS: supported without alignment, and bit buckets. */
export const SglSupport = { supported: 1, bitBucket: 1 << 16 } as const;

/** Identify Namespace. */
export const identifyNamespace = {
  /** NSZE, NCAP and NUSE in blocks. */
  size: u64(0),
  capacity: u64(8),
  utilization: u64(16),
  features: u8(24),
  /** NLBAF, from 0. */
  formats: u8(25),
  format: u8(26),
  metadataCapabilities: u8(27),
  sharing: u8(30),
  /** DLFEAT: what deallocated blocks read. */
  deallocated: u8(33),
  bytesUsed: u128(48),
  guid: raw(104, 16),
  eui64: raw(120, 8),
  /** LBA format 0. */
  metadataBytes: u16(128),
  blockShift: u8(130),
} as const;

/** Namespace Identification Descriptor: type, length, 2 reserved bytes, then the identifier. */
export const DescriptorKind = { eui64: 1, guid: 2, uuid: 3 } as const;
