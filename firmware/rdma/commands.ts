import { bits, u8, u16, u32, u64 } from '../layout.ts';

/** Commands of the driver in the mailbox, and their replies. Handles are given by the device. */

export const CommandOpcode = {
  setEventQueue: 1,
  allocateDomain: 2,
  freeDomain: 3,
  registerMemory: 4,
  deregisterMemory: 5,
  createCompletionQueue: 6,
  destroyCompletionQueue: 7,
  createQueuePair: 8,
  modifyQueuePair: 9,
  queryQueuePair: 10,
  destroyQueuePair: 11,
} as const;

/** What every command begins with; doorbell 0 is rung with the same sequence number. */
export const commandHeader = { opcode: u16(0), sequence: u16(2) } as const;

/** A reply; `result` is the handle of what was made, or what was asked for. */
export const reply = { status: u16(0), sequence: u16(2), result: u32(4) } as const;

/** Where events go: a ring of entries, a power of two of them; none, and they wait, if it has 0. */
export const setEventQueue = { address: u64(8), entries: u32(16), vector: u16(20) } as const;

/** freeDomain, deregisterMemory (by key), destroyCompletionQueue, queryQueuePair, destroyQueuePair. */
export const handleCommand = { handle: u32(8) } as const;

/**
 * The region begins at `address`, has `bytes`, and lies in `ranges` ranges of bus addresses, which a table in memory that the device reaches names in their order.
 * The result is its key.
 */
export const registerMemory = {
  domain: u32(8),
  localWrite: bits(12, 0, 0),
  remoteRead: bits(12, 1, 1),
  remoteWrite: bits(12, 2, 2),
  /** Memory of another device: writes are read back before anybody is told of them. */
  peer: bits(12, 3, 3),
  address: u64(16),
  bytes: u64(24),
  table: u64(32),
  ranges: u32(40),
} as const;

/** An entry of the table of a region. */
export const rangeEntry = { address: u64(0), bytes: u64(8) } as const;
export const rangeEntryBytes = 16;

/** A ring at a multiple of 64 bytes, of a power of two of entries. With `interrupts`, requests of its doorbell are answered with interrupts of a vector. */
export const createCompletionQueue = {
  address: u64(8),
  entries: u32(16),
  vector: u16(20),
  interrupts: bits(20, 16, 16),
} as const;

/** Rings at multiples of 64 bytes, of powers of two of entries, each of a power of two of bytes. The result is the number of the queue pair. */
export const createQueuePair = {
  domain: u32(8),
  sendCompletions: u32(12),
  receiveCompletions: u32(16),
  sendRing: u64(24),
  receiveRing: u64(32),
  sendEntries: u32(40),
  receiveEntries: u32(44),
  sendEntryBytes: u16(48),
  receiveEntryBytes: u16(50),
} as const;

/** States of a queue pair, with the numbers of `ibv_qp_state`. */
export const QueuePairState = { reset: 0, init: 1, readyToReceive: 2, readyToSend: 3, error: 6 } as const;

/**
 * Takes a queue pair to the next state: reset, init, ready to receive, ready to send, one after the other; or to error from each but reset; or to reset from
 * each. Attributes are those of the step: permissions to init; `remote`, `mtu`, `receivePsn`, `remoteReads` and `receiverTimer` to ready to receive; the others to
 * ready to send.
 */
export const modifyQueuePair = {
  handle: u32(8),
  state: u8(12),
  /** The other side may. */
  remoteRead: bits(12, 8, 8),
  remoteWrite: bits(12, 9, 9),
  /** Logarithm of the largest payload of a packet: 8 to 12. */
  mtu: u8(14),
  /** Number of the queue pair at the other side. */
  remote: u32(16),
  sendPsn: u32(20),
  receivePsn: u32(24),
  /** Cycles without an answer after which packets are sent again. */
  timeout: u32(28),
  retries: u8(32),
  /** After receiver not ready; 7 for as often as it takes. */
  receiverRetries: u8(33),
  /** How long the other side is to wait if no receive is posted: the code of `receiverTimers`. */
  receiverTimer: u8(34),
  /** READs of this side on their way at a time. */
  reads: u8(35),
  /** READs of the other side at a time. */
  remoteReads: u8(36),
} as const;

/** Number for receiver retries without limit. */
export const retryForEver = 7;

/** Hundredths of a millisecond that each code of a receiver not ready timer stands for (InfiniBand 9.7.5.2.8). */
const receiverTimers = [
  65_536, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192,
  12_288, 16_384, 24_576, 32_768, 49_152,
] as const;

/** Cycles of a hundredth of a millisecond, at 250 MHz. */
const cyclesPerUnit = 2500;

/** Cycles that a receiver not ready timer stands for. */
export const receiverTimerCycles = (code: number): number => (receiverTimers[code & 31] ?? 1) * cyclesPerUnit;
