import { u8, u16, u32, type Values } from '../layout.ts';

/**
 * What host and NIC share: a mailbox and doorbells, both in BAR0 where `bar0Map` of the endpoint has them.
 *
 *     mailbox   0x000  command, 64 bytes      written by the driver, then doorbell 0 tells its sequence number
 *               0x040  reply, 16 bytes        written by the firmware, its first DW last
 *               0x080  what the device is     written by the firmware at boot, its first DW last
 *
 *     doorbells 0                  commands
 *               1                  events: entries taken so far
 *               2 + c              completion queue c: `completionDoorbell`
 *               2 + C + 2 q        queue pair q, of C completion queues: send requests posted so far
 *               3 + C + 2 q        the same: receive requests posted so far
 *
 * What is counted so far is counted modulo 2^16: a doorbell that is rung twice before the firmware looks loses nothing.
 */

/** Byte offsets in BAR0. */
export const mailboxBase = 0x400;
export const doorbellBase = 0x1000;

/** Byte offsets in the mailbox. */
export const Mailbox = { command: 0, reply: 0x40, device: 0x80 } as const;
export const commandBytes = 64;
export const replyBytes = 16;

/** 'RDMA' in ASCII. */
export const deviceSignature = 0x414d_4452;
export const protocolVersion = 1;

/** What the device is, and what it can. */
export const deviceInformation = {
  signature: u32(0),
  version: u16(4),
  queuePairs: u16(6),
  completionQueues: u16(8),
  /** Entries of the largest ring, a power of two. */
  entries: u16(10),
  memoryRegions: u32(12),
  /** Bytes of the longest message. */
  maxMessage: u32(16),
  /** Ranges of one memory region. */
  ranges: u16(20),
  /** Of one work request. */
  scatterEntries: u8(22),
  /** READs on their way at a time, of one queue pair, in each direction. */
  reads: u8(23),
  /** Of one work request. */
  inlineBytes: u16(24),
  protectionDomains: u16(26),
  /** Memory that peers reach; 0 bytes without. */
  bufferBar: u8(28),
  bufferOffset: u32(32),
  bufferBytes: u32(36),
} as const;
export type DeviceInformation = Values<typeof deviceInformation>;
export const deviceInformationBytes = 40;

/** What a doorbell is for. */
export type DoorbellUse =
  | { readonly of: 'commands' | 'events' }
  | { readonly of: 'completions' | 'sends' | 'receives'; readonly index: number };

/** Numbers of the doorbells of a device with so many completion queues. */
export const doorbellOf = {
  commands: 0,
  events: 1,
  completions: (queue: number): number => 2 + queue,
  sends: (queuePair: number, completionQueues: number): number => 2 + completionQueues + 2 * queuePair,
  receives: (queuePair: number, completionQueues: number): number => 3 + completionQueues + 2 * queuePair,
} as const;

/** What doorbell `number` is for. */
export function doorbellUse(number: number, completionQueues: number): DoorbellUse {
  if (number === doorbellOf.commands) return { of: 'commands' };
  if (number === doorbellOf.events) return { of: 'events' };
  const queue = number - doorbellOf.completions(0);
  if (queue < completionQueues) return { of: 'completions', index: queue };
  const ring = queue - completionQueues;
  return { of: ring & 1 ? 'receives' : 'sends', index: ring >> 1 };
}

/** As many queue pairs and completion queues as there are doorbells for, the same number of each. */
export const queuesFor = (doorbells: number): number => Math.floor((doorbells - 2) / 3);

/** Who wants an interrupt of a completion queue. */
export interface CompletionDoorbell {
  /** Entries taken so far, modulo 2^16. */
  readonly taken: number;
  /**
   * Asks for one interrupt: at the next entry, or at once if there are some that were not taken. It is the same request as before if its number (0 to 3) is
   * the same: so a doorbell that only tells entries taken repeats the last request and loses none.
   */
  readonly arm?: { readonly request: number; readonly solicitedOnly: boolean };
}

/** Bits 15:0 entries taken, 17:16 number of the request, 30 for solicited ones only, 31 a request. */
export const encodeCompletionDoorbell = ({ taken, arm }: CompletionDoorbell): number =>
  ((taken & 0xffff) | (arm ? (arm.request << 16) | (Number(arm.solicitedOnly) << 30) | (1 << 31) : 0)) >>> 0;

export const decodeCompletionDoorbell = (value: number): CompletionDoorbell => ({
  taken: value & 0xffff,
  ...(value >>> 31 && { arm: { request: (value >>> 16) & 3, solicitedOnly: ((value >>> 30) & 1) === 1 } }),
});
