import { bits, u16, u32, u64, type Values } from '../layout.ts';

/** Commands and completions in memory (NVMe 1.4 section 4). */

/** Bytes of a submission queue entry, and of a completion queue entry. */
export const commandBytes = 64;
export const completionBytes = 16;

/** The largest number of DW0 that stands for all namespaces (6.1.2). */
export const allNamespaces = 0xffff_ffff;

/** Opcodes of the admin queue (5). */
export const AdminOpcode = {
  deleteSubmissionQueue: 0x00,
  createSubmissionQueue: 0x01,
  getLogPage: 0x02,
  deleteCompletionQueue: 0x04,
  createCompletionQueue: 0x05,
  identify: 0x06,
  abort: 0x08,
  setFeatures: 0x09,
  getFeatures: 0x0a,
  asynchronousEventRequest: 0x0c,
  doorbellBufferConfig: 0x7c,
} as const;

/** Opcodes of the NVM command set (6). */
export const NvmOpcode = {
  flush: 0x00,
  write: 0x01,
  read: 0x02,
  compare: 0x05,
  writeZeroes: 0x08,
  datasetManagement: 0x09,
} as const;

/** PRP or SGL for data transfer, PSDT (4.2). */
export const PointerKind = { prp: 0, sgl: 1, sglWithMetadataSegment: 2 } as const;

/** What every command has (4.2). `prp1` and `prp2` are one SGL descriptor where PSDT says so. */
export const commonCommand = {
  opcode: bits(0, 7, 0),
  fuse: bits(0, 9, 8),
  reserved: bits(0, 13, 10),
  pointerKind: bits(0, 15, 14),
  identifier: bits(0, 31, 16),
  namespace: u32(4),
  metadata: u64(16),
  prp1: u64(24),
  prp2: u64(32),
  cdw10: u32(40),
  cdw11: u32(44),
  cdw12: u32(48),
  cdw13: u32(52),
  cdw14: u32(56),
  cdw15: u32(60),
} as const;

/** Create I/O Completion Queue (5.3). `size` counts from 0. */
export const createCompletionQueue = {
  queue: bits(40, 15, 0),
  size: bits(40, 31, 16),
  contiguous: bits(44, 0, 0),
  interrupts: bits(44, 1, 1),
  vector: bits(44, 31, 16),
} as const;

/** Create I/O Submission Queue (5.4). `size` counts from 0. */
export const createSubmissionQueue = {
  queue: bits(40, 15, 0),
  size: bits(40, 31, 16),
  contiguous: bits(44, 0, 0),
  priority: bits(44, 2, 1),
  completionQueue: bits(44, 31, 16),
} as const;

/** Delete I/O Completion Queue and Delete I/O Submission Queue (5.5, 5.6). */
export const deleteQueue = { queue: bits(40, 15, 0) } as const;

/** Abort (5.1). */
export const abort = { queue: bits(40, 15, 0), identifier: bits(40, 31, 16) } as const;

/** Identify (5.15). */
export const identify = { structure: bits(40, 7, 0), controller: bits(40, 31, 16) } as const;

/** Get Log Page (5.14). `dwords` counts from 0. */
export const getLogPage = {
  page: bits(40, 7, 0),
  specific: bits(40, 11, 8),
  retainEvent: bits(40, 15, 15),
  dwordsLow: bits(40, 31, 16),
  dwordsHigh: bits(44, 15, 0),
  offset: u64(48),
} as const;

/** Get Features and Set Features (5.13, 5.21). */
export const features = { feature: bits(40, 7, 0), select: bits(40, 10, 8), save: bits(40, 31, 31), value: u32(44) } as const;

/** Compare, Read, Write and Write Zeroes (6.6, 6.9, 6.15, 6.17). `blocks` counts from 0. */
export const blockCommand = {
  start: u64(40),
  blocks: bits(48, 15, 0),
  deallocate: bits(48, 25, 25),
  protection: bits(48, 29, 26),
  forceUnitAccess: bits(48, 30, 30),
} as const;

/** Dataset Management (6.7). `ranges` counts from 0. */
export const datasetManagement = { ranges: bits(40, 7, 0), deallocate: bits(44, 2, 2) } as const;

/** One range of Dataset Management (6.7). */
export const rangeBytes = 16;
export const datasetRange = { attributes: u32(0), blocks: u32(4), start: u64(8) } as const;

/** An SGL descriptor (4.4). Of a data block the type is 0, of a bit bucket 1, of a segment 2, of the last segment 3. */
export const descriptorBytes = 16;
export const descriptor = { address: u64(0), length: u32(8), subtype: bits(12, 27, 24), type: bits(12, 31, 28) } as const;
export const DescriptorType = { dataBlock: 0, bitBucket: 1, segment: 2, lastSegment: 3 } as const;

/** A completion queue entry (4.6). */
export const completion = {
  result: u32(0),
  head: u16(8),
  queue: u16(10),
  identifier: u16(12),
  phase: bits(12, 16, 16),
  statusCode: bits(12, 24, 17),
  statusType: bits(12, 27, 25),
  retryDelay: bits(12, 29, 28),
  more: bits(12, 30, 30),
  doNotRetry: bits(12, 31, 31),
} as const;

export type Completion = Values<typeof completion>;
