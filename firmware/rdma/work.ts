import { bits, u8, u16, u32, u64, type Values } from '../layout.ts';

/** Entries of the rings: work requests, completions, events. */

export const WorkOpcode = { send: 0, sendImmediate: 1, write: 2, writeImmediate: 3, read: 4 } as const;

/**
 * A send request: this, then scatter-gather entries, or `inlineBytes` bytes of data if it is inline. `index` is the number of the request modulo 2^16, by which the
 * device knows that the entry is the one that it was told of.
 */
export const sendRequest = {
  opcode: u8(0),
  /** A completion is written even if all goes well. */
  signaled: bits(0, 8, 8),
  /** The completion at the other side is one that interrupts for solicited ones only are for. */
  solicited: bits(0, 9, 9),
  /** Waits until all READs before it have ended. */
  fence: bits(0, 10, 10),
  inline: bits(0, 11, 11),
  entries: u8(2),
  index: u16(4),
  inlineBytes: u16(6),
  immediate: u32(8),
  key: u32(12),
  address: u64(16),
} as const;
export const sendRequestBytes = 32;

/** A receive request: this, then scatter entries. */
export const receiveRequest = { entries: u8(2), index: u16(4) } as const;
export const receiveRequestBytes = 16;

/** Memory of a region. */
export const scatterEntry = { address: u64(0), bytes: u32(8), key: u32(12) } as const;
export type ScatterEntry = Values<typeof scatterEntry>;
export const scatterEntryBytes = 16;

/** Bytes of a ring entry that has room for so many scatter-gather entries and so many inline bytes: a power of two from `least`. */
const entryBytes = (least: number, head: number, entries: number, inlineBytes = 0): number =>
  2 ** Math.ceil(Math.log2(Math.max(least, head + Math.max(entries * scatterEntryBytes, inlineBytes))));
export const sendEntryBytes = (entries: number, inlineBytes: number): number =>
  entryBytes(64, sendRequestBytes, entries, inlineBytes);
export const receiveEntryBytes = (entries: number): number => entryBytes(32, receiveRequestBytes, entries);

/** Bytes of the largest ring entry. */
export const largestEntryBytes = 256;

/** What a completion is of. */
export const CompletionOpcode = { send: 0, write: 1, read: 2, receive: 3, receiveOfWrite: 4 } as const;

/** A completion. `phase` is 1 in the first round through the ring, then changes with each; it stands in the last DW, which is written last. */
export const completion = {
  queuePair: u32(0),
  /** Of the work request. */
  index: u16(4),
  opcode: u8(6),
  status: u8(7),
  /** Of a receive or READ. */
  bytes: u32(8),
  immediate: u32(12),
  hasImmediate: bits(16, 0, 0),
  solicited: bits(16, 1, 1),
  phase: bits(28, 0, 0),
} as const;
export type Completion = Values<typeof completion>;
export const completionBytes = 32;

export const EventKind = { queuePair: 1, completionQueue: 2, doorbell: 3, lost: 4 } as const;

/** Why a completion queue went down. */
export const QueueError = { overrun: 1, unreachable: 2, doorbell: 3 } as const;

/** An asynchronous event. `number` is that of the queue pair, completion queue or doorbell; `reason` is one of `WorkStatus` or of `QueueError`. */
export const event = { kind: u8(0), reason: u8(1), number: u32(4), phase: bits(12, 0, 0) } as const;
export const eventBytes = 16;
